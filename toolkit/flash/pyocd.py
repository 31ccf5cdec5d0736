"""pyOCD: ``pyocd gdbserver`` serves the probe that is connected."""

from __future__ import annotations

import re
from pathlib import Path

from toolkit.boards import Board
from toolkit.errors import BoardError, ProbeMissingError, ToolMissingError
from toolkit.flash.base import Server

#: How it is installed.
INSTALL = "Run: pip install 'hearing-aid-toolkit[flash]'"
#: Without these pyOCD waits for a probe for ever, and erases a locked part to unlock it.
_CAREFUL = ("--no-wait", "-O", "auto_unlock=false")


def pyocd_probe(board: Board) -> Server:
    """A server for the probe that reaches ``board``."""
    assert board.pyocd is not None
    part, pack = board.pyocd.target, board.pyocd.pack

    def command(port: int) -> tuple[str, ...]:
        ports = ("-p", str(port), "-T", str(port + 1))
        return ("pyocd", "gdbserver", "-t", part, *_CAREFUL, *ports)

    def shown(elf: Path) -> tuple[tuple[str, ...], ...]:
        load = ("pyocd", "load", "-t", part, *_CAREFUL, str(elf))
        return ((("pyocd", "pack", "install", pack), load)) if pack else (load,)

    def explain(said: str) -> None:
        """Raise what pyOCD's messages mean."""
        if re.search(r"No (connected debug probes|available debug probes)", said):
            raise ProbeMissingError(
                "no debug probe is connected.",
                hint="Plug the board in, or see `toolkit boards`; on Linux pyOCD needs udev rules.",
            )
        if re.search(r"[Tt]arget type '?\S+'? not recogni[sz]ed|Unknown target", said):
            raise ToolMissingError(
                f"pyOCD does not know the part '{part}'.",
                hint=f"Run: pyocd pack install {pack or part}",
            )
        if re.search(r"APPROTECT enabled|[Ll]ocked|protection enabled|Flash Security", said):
            raise BoardError(
                f"the part of board '{board.name}' is locked.",
                hint=f"`pyocd erase --mass -t {part}` unlocks it and erases everything in it.",
            )

    return Server(
        name="pyocd",
        program="pyocd",
        install=INSTALL,
        command=command,
        explain=explain,
        shown=shown,
    )
