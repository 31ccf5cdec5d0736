"""GDB's remote serial protocol, as much of it as programming and running a board needs.

Source: "Debugging with GDB", appendix E (E.2 packets, E.4 stop replies, E.12 file I/O, E.15 memory
map).
"""

from __future__ import annotations

import re
import socket
from collections.abc import Sequence
from dataclasses import dataclass, field
from types import TracebackType
from typing import Self

from toolkit.errors import ProbeMissingError
from toolkit.targets import Region

_ANSWER_S = 10.0
#: Bytes of memory that a packet carries: every server takes packets of 1 KB and more.
_CHUNK = 400
_ESCAPED = b"#$}*"


class RefusedError(Exception):
    """The server answers a request with an error, or does not know it."""


@dataclass
class Remote:
    """A connection to a GDB server."""

    place: str
    stream: socket.socket
    _waiting: bytes = field(default=b"", repr=False)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stream.close()

    def request(self, command: bytes, timeout_s: float = _ANSWER_S) -> bytes:
        """Send a packet, return the answer.  Raises ProbeMissingError where none comes in time."""
        self.send(command)
        try:
            return self.receive(timeout_s)
        except TimeoutError as error:
            raise ProbeMissingError(f"the GDB server at {self.place} does not answer.") from error

    def send(self, command: bytes) -> None:
        """Send a packet that is answered later."""
        self._write(b"$" + command + b"#%02x" % (sum(command) & 0xFF))

    def receive(self, timeout_s: float = _ANSWER_S) -> bytes:
        """The next packet; console output in between is dropped, file I/O is declined.

        Raises TimeoutError where none comes in time, ProbeMissingError where the server is gone.
        """
        while True:
            packet = self._packet(timeout_s)
            if packet.startswith(b"F"):  # semihosting: nothing is opened, all text was written
                wrote = re.match(rb"Fwrite,[^,]*,[^,]*,([0-9a-f]+)", packet)
                self.send(b"F" + wrote[1] if wrote else b"F-1")
            elif not (packet.startswith(b"O") and packet != b"OK"):
                return packet

    def expect_ok(self, command: bytes, timeout_s: float = _ANSWER_S) -> None:
        """Send a packet whose answer must be OK; raises RefusedError where it is another."""
        answer = self.request(command, timeout_s)
        if answer != b"OK":
            raise RefusedError(f"{command[:16]!r}: {answer[:40]!r}")

    def read(self, address: int, size_bytes: int) -> bytes:
        """Memory; raises RefusedError where there is none."""
        data = b""
        while len(data) < size_bytes:
            count = min(_CHUNK, size_bytes - len(data))
            answer = self.request(b"m%x,%x" % (address + len(data), count))
            part = bytes.fromhex(answer.decode("latin-1")) if _is_hex(answer) else b""
            if not part:
                raise RefusedError(f"nothing at 0x{address + len(data):08x}")
            data += part
        return data

    def read_word(self, address: int) -> int:
        """A word of memory; raises RefusedError where there is none."""
        return int.from_bytes(self.read(address, 4), "little")

    def write(self, address: int, data: bytes) -> None:
        """Write memory that takes bytes as they are; raises RefusedError where it does not."""
        for at in range(0, len(data), _CHUNK):
            part = data[at : at + _CHUNK]
            self.expect_ok(b"M%x,%x:" % (address + at, len(part)) + part.hex().encode())

    def set_register(self, number: int, value: int) -> None:
        """Set a register of 32 bits; raises RefusedError where the server does not."""
        self.expect_ok(b"P%x=" % number + value.to_bytes(4, "little").hex().encode())

    def monitor(self, command: str, timeout_s: float = _ANSWER_S) -> None:
        """Run a command of the server's own; raises RefusedError where it does not know it.

        pyOCD answers with all that the command printed, in hexadecimal; others with OK.
        """
        answer = self.request(b"qRcmd," + command.encode().hex().encode(), timeout_s)
        said = bytes.fromhex(answer.decode()) if _is_hex(answer) else answer
        if not said or said.startswith((b"E", b"Transfer failed", b"Unexpected error")):
            raise RefusedError(f"monitor {command}: {said[:60].decode('latin-1').strip()}")

    def flash(self) -> tuple[tuple[Region, int], ...]:
        """Regions that must be erased before they are written, with their sector size; none where
        the server does not say."""
        text = b""
        while True:
            answer = self.request(b"qXfer:memory-map:read::%x,%x" % (len(text), 1000))
            if answer[:1] not in (b"l", b"m"):
                return ()
            text += answer[1:]
            if answer[:1] == b"l":
                return _flash_regions(text.decode("latin-1"))

    def erase(self, address: int, size_bytes: int) -> None:
        """Erase sectors of flash; raises RefusedError where that fails."""
        self.expect_ok(b"vFlashErase:%x,%x" % (address, size_bytes), 120)

    def write_flash(self, address: int, data: bytes) -> None:
        """Write erased flash; raises RefusedError where that fails."""
        for at in range(0, len(data), _CHUNK):
            part = _escape(data[at : at + _CHUNK])
            self.expect_ok(b"vFlashWrite:%x:" % (address + at) + part, 60)

    def finish_flash(self) -> None:
        """End writing flash; raises RefusedError where that fails."""
        self.expect_ok(b"vFlashDone", 120)

    def interrupt(self) -> None:
        """Stop the program; the stop is a packet to `receive`."""
        self._write(b"\x03")

    def _write(self, data: bytes) -> None:
        try:
            self.stream.sendall(data)
        except OSError as error:
            raise self._dead(error) from error

    def _packet(self, timeout_s: float) -> bytes:
        self.stream.settimeout(timeout_s)
        while True:
            start = self._waiting.find(b"$")
            end = self._waiting.find(b"#", start)
            if start >= 0 and 0 <= end <= len(self._waiting) - 3:
                body = self._waiting[start + 1 : end]
                self._waiting = self._waiting[end + 3 :]
                self._write(b"+")
                return _unescape(body)
            try:
                more = self.stream.recv(65536)
            except TimeoutError:
                raise
            except OSError as error:
                raise self._dead(error) from error
            if not more:
                raise self._dead(None)
            self._waiting += more

    def _dead(self, error: OSError | None) -> ProbeMissingError:
        why = (error.strerror or str(error)) if error else "it closed the connection"
        return ProbeMissingError(f"the GDB server at {self.place} is gone ({why}).")


def connect(host: str, port: int) -> Remote:
    """Connect to a GDB server.  Raises ProbeMissingError where none answers."""
    place = f"{host}:{port}"
    try:
        stream = socket.create_connection((host, port), timeout=_ANSWER_S)
    except OSError as error:
        raise ProbeMissingError(
            f"no GDB server answers at {place} ({error.strerror or error}).",
            hint="Start it first, for QEMU with -S -gdb tcp::PORT.",
        ) from error
    remote = Remote(place, stream)
    try:
        stream.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        remote.request(b"qSupported:swbreak+;hwbreak+")
        # QEMU gives single registers only to who has asked for their description.
        remote.request(b"qXfer:features:read:target.xml:0,1000")
        remote.request(b"?")
    except ProbeMissingError as error:
        stream.close()
        raise ProbeMissingError(
            f"what listens at {place} is no GDB server, or one that is busy."
        ) from error
    return remote


def _is_hex(answer: bytes) -> bool:
    return re.fullmatch(rb"([0-9a-fA-F]{2})+", answer) is not None


def _flash_regions(xml: str) -> tuple[tuple[Region, int], ...]:
    """The regions of type flash of a memory map."""
    found = []
    for attributes, body in re.findall(r"<memory\s([^>]*?)(?:/>|>(.*?)</memory>)", xml, re.DOTALL):
        values = dict(re.findall(r"(\w+)\s*=\s*[\"']([^\"']*)[\"']", attributes))
        block = re.search(r"name\s*=\s*[\"']blocksize[\"']\s*>\s*(\w+)", body)
        if values.get("type") == "flash" and block:
            region = Region(int(values["start"], 0), int(values["length"], 0))
            found.append((region, int(block[1], 0)))
    return tuple(found)


def _escape(data: bytes) -> bytes:
    return b"".join(
        b"}" + bytes([byte ^ 0x20]) if byte in _ESCAPED else bytes([byte]) for byte in data
    )


def _unescape(body: bytes) -> bytes:
    """A packet without escapes and run lengths."""
    out = bytearray()
    waiting: Sequence[int] = body
    at = 0
    while at < len(waiting):
        byte = waiting[at]
        if byte == 0x7D and at + 1 < len(waiting):
            out.append(waiting[at + 1] ^ 0x20)
            at += 2
        elif byte == 0x2A and out and at + 1 < len(waiting):
            out.extend(out[-1:] * (waiting[at + 1] - 29))
            at += 2
        else:
            out.append(byte)
            at += 1
    return bytes(out)
