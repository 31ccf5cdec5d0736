"""The Teensy's boot loader: ``teensy_loader_cli`` programs a hex file and can read nothing back."""

from __future__ import annotations

import subprocess
from dataclasses import dataclass
from pathlib import Path

from toolkit.boards import Board
from toolkit.errors import ProbeMissingError, ToolFailedError
from toolkit.flash.base import last_line, require_program

_PROGRAM, _INSTALL = "teensy_loader_cli", "Install the package teensy-loader-cli."
#: How long the loader waits for someone to press the board's button.
WAIT_S = 60.0


@dataclass(frozen=True)
class Teensy:
    """The loader for one kind of Teensy."""

    mcu: str
    name: str = "teensy"

    def commands(self, elf: Path) -> tuple[tuple[str, ...], ...]:
        """See `Probe.commands`."""
        return ((_PROGRAM, f"--mcu={self.mcu}", "-w", "-v", str(elf.with_suffix(".hex"))),)

    def load(self, elf: Path) -> None:
        """Program the hex file beside ``elf``, once the board's button is pressed (-w)."""
        (command,) = self.commands(elf)
        program = require_program(_PROGRAM, _INSTALL)
        try:
            done = subprocess.run(
                (program, *command[1:]), capture_output=True, text=True, timeout=WAIT_S, check=False
            )
        except subprocess.TimeoutExpired as error:
            raise _no_board() from error
        if done.returncode:
            raise ToolFailedError(f"{_PROGRAM}: {last_line(done.stdout + done.stderr)}.")


def teensy_probe(board: Board) -> Teensy:
    """The loader for ``board``."""
    assert board.teensy is not None
    return Teensy(board.teensy.mcu)


def _no_board() -> ProbeMissingError:
    return ProbeMissingError(
        "no Teensy answers on USB.",
        hint="Plug it in and press its button while the loader waits.",
    )
