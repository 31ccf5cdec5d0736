"""Programs boards: one module a way to reach them, all of them by GDB's remote protocol but for the
Teensy's boot loader.

`image` is what `toolkit build --board` left, `remote` the protocol, `session` what is done through
it (identify, program, verify, run), `results` what the application left in RAM.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from toolkit.boards import Board
from toolkit.errors import InputError
from toolkit.flash.base import Probe
from toolkit.flash.gdb import GdbProbe
from toolkit.flash.openocd import openocd_probe
from toolkit.flash.pyocd import pyocd_probe
from toolkit.flash.qemu import qemu_probe
from toolkit.flash.teensy import Teensy, teensy_probe

__all__ = ["PROBES", "Probe", "Teensy", "find_probe"]

#: What makes a probe for a board that has one of that name.
PROBES: Mapping[str, Callable[[Board], Probe | Teensy]] = {
    "qemu": qemu_probe,
    "pyocd": pyocd_probe,
    "openocd": openocd_probe,
    "teensy": teensy_probe,
}


def find_probe(name: str | None, board: Board) -> Probe | Teensy:
    """What ``name`` (one of `PROBES` or gdb:HOST:PORT; None: the board's first) is.

    Raises InputError for one that there is not, or that does not know the board.
    """
    chosen = name or board.probes[0]
    if chosen.startswith("gdb:"):
        return GdbProbe.parse(chosen)
    if chosen not in board.probes:
        known = ", ".join((*board.probes, "gdb:HOST:PORT"))
        raise InputError(f"board '{board.name}' has no probe '{chosen}'.", hint=f"It has {known}.")
    return PROBES[chosen](board)
