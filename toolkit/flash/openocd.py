"""openocd: serves the probe that its configuration files name."""

from __future__ import annotations

import re
from pathlib import Path

from toolkit.boards import Board
from toolkit.errors import BoardError, ProbeMissingError, ToolMissingError
from toolkit.flash.base import Server


def openocd_probe(board: Board) -> Server:
    """A server for the probe that reaches ``board``."""
    assert board.openocd is not None
    files = [part for config in board.openocd.configs for part in ("-f", config)]
    if board.openocd.transport:
        files[2:2] = ["-c", f"transport select {board.openocd.transport}"]

    def command(port: int) -> tuple[str, ...]:
        ports = f"gdb_port {port}; telnet_port disabled; tcl_port disabled"
        return ("openocd", *files, "-c", ports, "-c", "init; reset halt")

    def shown(elf: Path) -> tuple[tuple[str, ...], ...]:
        return (("openocd", *files, "-c", f"program {{{elf}}} verify reset exit"),)

    def explain(said: str) -> None:
        """Raise what openocd's messages mean."""
        missing = re.search(r"Can't find (\S+\.cfg)", said)
        if missing:
            raise ToolMissingError(
                f"this openocd has no {missing[1]}.", hint="Install openocd 0.12 or newer."
            )
        if re.search(r"AP lock engaged|RDP level [12]|device is (secured|locked)", said):
            raise BoardError(
                f"the part of board '{board.name}' is locked.",
                hint="Its maker's tool unlocks it, and erases everything in it.",
            )
        if re.search(r"unable to (find|open)|No J-Link device|open failed|no device found", said):
            raise ProbeMissingError(
                "no debug probe is connected.", hint="Plug the board in, or see `toolkit boards`."
            )

    return Server(
        name="openocd",
        program="openocd",
        install="Install the package openocd.",
        command=command,
        explain=explain,
        shown=shown,
    )
