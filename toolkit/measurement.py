"""Figures with their provenance (contract C5), verdicts, notes, and who occupies which bytes.

A leaf: anything may produce a measurement.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum


class Provenance(Enum):
    """How a figure came to be."""

    MEASURED = "measured"  # read off the real artefact (linker map, painted stack, outputs)
    SIMULATED = "simulated"  # counted while the firmware ran in a simulator
    ESTIMATED = "estimated"  # computed from a model of the hardware or of the code


@dataclass(frozen=True)
class Measurement:
    """One figure: fixed name (docs/REPORT.md), value, unit, provenance and how it was obtained."""

    name: str
    value: float | int
    unit: str
    provenance: Provenance
    basis: str


@dataclass(frozen=True)
class Check:
    """A yes/no finding; ``required`` ones decide the exit code, others only inform."""

    name: str
    passed: bool
    detail: str
    required: bool = True


@dataclass(frozen=True)
class Issue:
    """Something the user should know that is neither a figure nor a verdict."""

    code: str
    message: str


@dataclass(frozen=True)
class MemoryRow:
    """A block of the model's RAM, needed in the steps ``first_step..last_step`` (inclusive).

    ``kind`` is tensor or scratch; streamed also ring, row, sums, blocks and counters.
    """

    name: str
    kind: str
    offset_bytes: int
    size_bytes: int
    first_step: int
    last_step: int

    def alive(self, step: int) -> bool:
        return self.first_step <= step <= self.last_step

    def place(self) -> tuple[int, int, str]:
        """What rows are sorted by: the offset, then the first step."""
        return self.offset_bytes, self.first_step, self.name


@dataclass(frozen=True)
class MemoryMap:
    """Who occupies which bytes when, in the ``arena`` of a batch plan or a streamed ``state``.

    ``steps`` name what happens in each step; batch steps are the nodes of one inference, streamed
    ones those of a frame and then of the end of a clip.
    """

    region: str
    size_bytes: int
    steps: tuple[str, ...]
    rows: tuple[MemoryRow, ...]
