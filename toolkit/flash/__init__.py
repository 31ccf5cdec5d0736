"""Programs boards: one module a way to reach them, all of them by GDB's remote protocol but for the
Teensy's boot loader.

`image` is what `toolkit build --board` left, `gdb` the protocol, `session` what is done through it
(identify, program, verify, run), `results` what the application left in RAM.
"""

from __future__ import annotations

from toolkit.boards import Board
from toolkit.errors import InputError
from toolkit.flash.base import Probe

__all__ = ["Probe", "find_probe"]


def find_probe(name: str | None, board: Board) -> Probe:
    """What ``name`` (pyocd, openocd, teensy, qemu or gdb:HOST:PORT; None: the board's first) is.

    Raises InputError for one that there is not, or that does not know the board.
    """
    chosen = name or board.probes[0]
    if chosen.startswith("gdb:"):
        from toolkit.flash.gdb import GdbProbe

        return GdbProbe.parse(chosen)
    if chosen not in board.probes:
        known = ", ".join((*board.probes, "gdb:HOST:PORT"))
        raise InputError(f"board '{board.name}' has no probe '{chosen}'.", hint=f"It has {known}.")
    if chosen == "pyocd":
        from toolkit.flash.pyocd import pyocd_probe

        return pyocd_probe(board)
    if chosen == "openocd":
        from toolkit.flash.openocd import openocd_probe

        return openocd_probe(board)
    if chosen == "qemu":
        from toolkit.flash.qemu import qemu_probe

        return qemu_probe(board)
    from toolkit.flash.teensy import teensy_probe

    return teensy_probe(board)
