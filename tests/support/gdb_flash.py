"""A GDB server with flash as hardware has it: erased by sectors, written once, by its own packets.

It stands for pyOCD and openocd, which need a probe; QEMU's server has plain memory only.
"""

from __future__ import annotations

import re
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

FLASH_BYTES, SECTOR = 1 << 20, 4096
_MAP = (
    f'<memory-map><memory type="flash" start="0x0" length="{FLASH_BYTES:#x}">'
    f'<property name="blocksize">{SECTOR:#x}</property></memory>'
    '<memory type="ram" start="0x20000000" length="0x40000"/></memory-map>'
)


@dataclass
class Part:
    """Flash that a write only clears bits of, single words, and what was asked of the server.

    With ``protected`` every write is refused.
    """

    words: dict[int, int]
    protected: bool = False
    flash: bytearray = field(default_factory=lambda: bytearray(b"\xa5" * FLASH_BYTES))
    asked: list[str] = field(default_factory=list)
    done: bool = False

    def answer(self, packet: bytes) -> bytes:
        """The answer to a packet."""
        is_long = packet.startswith((b"v", b"q"))
        self.asked.append((packet.split(b":")[0] if is_long else packet[:1]).decode("latin-1"))
        if packet.startswith(b"qXfer:memory-map"):
            return b"l" + _MAP.encode()
        if packet.startswith(b"m"):
            address, size = (int(part, 16) for part in packet[1:].split(b","))
            if address in self.words:
                return self.words[address].to_bytes(4, "little").hex().encode()
            inside = address + size <= FLASH_BYTES
            return self.flash[address : address + size].hex().encode() if inside else b"E01"
        if packet.startswith(b"vFlashErase"):
            address, size = (int(part, 16) for part in packet[12:].split(b","))
            assert address % SECTOR == 0 and size % SECTOR == 0
            self.flash[address : address + size] = b"\xff" * size
            return b"OK"
        if packet.startswith(b"vFlashWrite"):
            head, data = re.fullmatch(rb"vFlashWrite:([0-9a-f]+):(.*)", packet, re.DOTALL).groups()  # type: ignore[union-attr]
            for at, byte in enumerate(_plain(data), start=int(head, 16)):
                self.flash[at] &= byte
            return b"E.protected" if self.protected else b"OK"
        if packet == b"vFlashDone":
            self.done = True
        if packet.startswith(b"qRcmd"):
            return b"Resetting target with halt\n".hex().encode()
        known = (b"vFlashDone", b"P", b"D")
        return b"OK" if packet.startswith(known) else b""


def _plain(data: bytes) -> bytes:
    return re.sub(rb"\}(.)", lambda found: bytes([found[1][0] ^ 0x20]), data, flags=re.DOTALL)


@contextmanager
def serving(part: Part) -> Iterator[str]:
    """The server of a part, for one connection; what ``--probe`` takes."""

    def serve() -> None:
        stream, _ = listener.accept()
        with stream:
            waiting = b""
            while data := stream.recv(65536):
                waiting += data
                while found := re.match(rb"[^$]*\$(.*?)#..", waiting, re.DOTALL):
                    waiting = waiting[found.end() :]
                    answer = part.answer(found[1])
                    stream.sendall(b"+$" + answer + b"#%02x" % (sum(answer) & 0xFF))

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield f"gdb:127.0.0.1:{listener.getsockname()[1]}"
        thread.join(5)
