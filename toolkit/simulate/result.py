"""What every simulator returns."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from toolkit.measurement import Provenance
from toolkit.simulate.counts import Interval, merge
from toolkit.targets import Access

#: The workstation itself, which runs the same C natively.
HOST = "host"


@dataclass(frozen=True, eq=False)
class SimulationResult:
    """A finished run.

    ``output`` is the harness' output.bin, ``console`` what the program printed. ``intervals`` are
    in order of execution, ``layers`` what ran in each layer of the model, by its name;
    there are none where the program ran natively.  ``memory`` are the settings for which waiting
    was counted; nothing where the core ran as if its memory answered at once.
    """

    simulator: str
    output: bytes
    console: str
    exit_code: int
    intervals: tuple[Interval, ...]
    layers: Mapping[str, Interval]
    memory: tuple[Access, ...] = ()

    @property
    def provenance(self) -> Provenance:
        """That of what it put out: a simulated core's, or this workstation's own."""
        return Provenance.MEASURED if self.simulator == HOST else Provenance.SIMULATED

    @property
    def instructions(self) -> int:
        """Number of instructions executed in all."""
        return sum(interval.instructions for interval in self.intervals)

    def phase(self, name: str) -> Interval:
        """Return everything that ran in one phase (``counts.PHASES``), summed."""
        return merge((part for part in self.intervals if part.phase == name), name)
