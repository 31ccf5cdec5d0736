"""What every way to reach a board offers, and servers that are started for it."""

from __future__ import annotations

import contextlib
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from toolkit.errors import BoardError, ProbeMissingError, ToolFailedError, ToolMissingError
from toolkit.flash.remote import Remote, connect
from toolkit.resources import find_program

_START_S = 20.0
_LOCAL = "127.0.0.1"
#: Stands for a free port in a command that is only shown.
ANY_PORT = 3333


class Probe(Protocol):
    """A way to reach a board through a GDB server."""

    @property
    def name(self) -> str:
        """What ``--probe`` calls it."""

    def commands(self, elf: Path) -> tuple[tuple[str, ...], ...]:
        """The command lines that program ``elf`` through it, for people."""

    def open(self) -> AbstractContextManager[Remote]:
        """The board's GDB server, stopped at the block's end where it was started for it.

        Raises ToolMissingError without the tool, ProbeMissingError where nothing answers,
        BoardError for a locked board.
        """


@dataclass(frozen=True)
class Server:
    """A program that serves GDB: ``command`` for a port, how it is installed, and what its last
    words mean (raises a typed error, or returns)."""

    name: str
    program: str
    install: str
    command: Callable[[int], tuple[str, ...]]
    explain: Callable[[str], None]
    #: What a person would type; the server's own command where there is nothing shorter.
    shown: Callable[[Path], tuple[tuple[str, ...], ...]] | None = None

    def commands(self, elf: Path) -> tuple[tuple[str, ...], ...]:
        """See `Probe.commands`."""
        return self.shown(elf) if self.shown else (self.command(ANY_PORT),)

    @contextlib.contextmanager
    def open(self) -> Iterator[Remote]:
        """See `Probe.open`."""
        program = require_program(self.program, self.install)
        port = free_port()
        with tempfile.TemporaryDirectory(prefix="toolkit-flash-") as folder:
            log = Path(folder) / "log.txt"
            with log.open("wb") as out:
                process = subprocess.Popen(
                    (program, *self.command(port)[1:]),
                    cwd=folder,
                    stdin=subprocess.DEVNULL,
                    stdout=out,
                    stderr=subprocess.STDOUT,
                )
            try:
                with self._connected(process, port, log) as remote:
                    try:
                        yield remote
                    except (BoardError, ProbeMissingError, ToolFailedError):
                        self.explain(_text(log))  # the server may know better why
                        raise
            finally:
                process.terminate()
                try:
                    process.wait(5)
                except subprocess.TimeoutExpired:
                    process.kill()
                    process.wait()

    def _connected(self, process: subprocess.Popen[bytes], port: int, log: Path) -> Remote:
        end = time.monotonic() + _START_S
        while process.poll() is None and time.monotonic() < end:
            try:
                return connect(_LOCAL, port)
            except ProbeMissingError:
                time.sleep(0.05)
        said = _text(log)
        self.explain(said)
        raise ProbeMissingError(f"{self.name} serves no board: {last_line(said)}.")


def _text(log: Path) -> str:
    return log.read_text(encoding="utf-8", errors="replace")


def require_program(program: str, install: str) -> str:
    """Path of ``program``; raises ToolMissingError, with the remedy, where it is not installed."""
    path = find_program(program)
    if path is None:
        raise ToolMissingError(f"'{program}' is not installed.", hint=install)
    return path


def free_port() -> int:
    """A TCP port of this machine that nothing listens on."""
    with socket.socket() as listener:
        listener.bind((_LOCAL, 0))
        port: int = listener.getsockname()[1]
    return port


def last_line(text: str) -> str:
    """The last line that says something."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return lines[-1].rstrip(".") if lines else "no message"
