"""A GDB server that someone else has started: ``--probe gdb:HOST:PORT``."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from toolkit.errors import InputError
from toolkit.flash.remote import Remote, connect

_LAST_PORT = 65535


@dataclass(frozen=True)
class GdbProbe:
    """A server at a place."""

    host: str
    port: int

    @property
    def name(self) -> str:
        """See `Probe.name`."""
        return f"gdb:{self.host}:{self.port}"

    @classmethod
    def parse(cls, text: str) -> GdbProbe:
        """Read ``gdb:HOST:PORT``; raises InputError where it is none."""
        host, _, port = text.removeprefix("gdb:").rpartition(":")
        if not host or not port.isdecimal() or not 0 < int(port) <= _LAST_PORT:
            raise InputError(
                f"--probe: '{text}' is no GDB server.", hint="Write gdb:HOST:PORT, for example "
                "gdb:localhost:1234.",
            )  # fmt: skip
        return cls(host, int(port))

    def commands(self, elf: Path) -> tuple[tuple[str, ...], ...]:
        """See `Probe.commands`."""
        steps = (f"target remote {self.host}:{self.port}", "load", "compare-sections", "continue")
        options = (part for step in steps for part in ("-ex", step))
        return (("gdb-multiarch", "-batch", str(elf), *options),)

    def open(self) -> Remote:
        """See `Probe.open`."""
        return connect(self.host, self.port)
