"""QEMU as the board: its machine, stopped, with a GDB server."""

from __future__ import annotations

from toolkit.boards import Board
from toolkit.flash.base import Server

_PROGRAM = "qemu-system-arm"


def qemu_probe(board: Board) -> Server:
    """A server that emulates ``board``; instructions are its clock, so that runs repeat."""
    assert board.qemu is not None
    machine, shift = board.qemu.machine, board.qemu.icount_shift

    def command(port: int) -> tuple[str, ...]:
        return (
            *(_PROGRAM, "-M", machine, "-nographic", "-monitor", "none", "-serial", "none"),
            *("-icount", f"shift={shift},sleep=off", "-S", "-gdb", f"tcp:127.0.0.1:{port}"),
        )

    return Server(
        name="qemu",
        program=_PROGRAM,
        install="Install the package qemu-system-arm.",
        command=command,
        explain=lambda _: None,
    )
