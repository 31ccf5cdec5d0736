"""Figures with their provenance (contract C5), verdicts, notes, who occupies which bytes, and what
symbols belong to.

A leaf: anything may produce a measurement.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Protocol


class Provenance(Enum):
    """How a figure came to be."""

    MEASURED = "measured"  # read off the real artefact (linker map, painted stack, outputs)
    SIMULATED = "simulated"  # counted while the firmware ran in a simulator
    ESTIMATED = "estimated"  # computed from a model of the hardware or of the code


def weakest(*provenances: Provenance) -> Provenance:
    """That of a figure made of several: measured is the strongest, estimated the weakest."""
    return max(provenances, key=list(Provenance).index)


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
    """A yes/no finding; ``required`` ones decide the exit code, others only inform.

    ``passed`` is None where it could not be looked into: that is neither a success nor a failure.
    ``where`` is the place of what was found, in words, where there is one: a layer, a frame.
    """

    name: str
    passed: bool | None
    detail: str
    required: bool = True
    where: str = ""

    @classmethod
    def not_checked(cls, name: str, reason: str, required: bool = True) -> Check:
        """A check that could not be made, whose detail says so."""
        return cls(name, None, f"not checked: {reason}", required)

    @property
    def failed(self) -> bool:
        return self.passed is False


@dataclass(frozen=True)
class Issue:
    """Something the user should know that is neither a figure nor a verdict."""

    code: str
    message: str


@dataclass(frozen=True)
class MemoryRow:
    """A block of the model's RAM, needed in the steps ``first_step..last_step`` (inclusive).

    ``kind`` is tensor, state or scratch; streamed also ring, row, sums, blocks and counters.
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


class Span(Protocol):
    """Bytes that are needed in the steps ``first_step..last_step`` (inclusive)."""

    @property
    def size_bytes(self) -> int: ...
    @property
    def first_step(self) -> int: ...
    @property
    def last_step(self) -> int: ...


def bytes_by_step(spans: Iterable[Span], steps: int) -> tuple[int, ...]:
    """Bytes needed in each of the first ``steps`` steps."""
    changes = [0] * (steps + 1)
    for span in spans:
        changes[min(span.first_step, steps)] += span.size_bytes
        changes[min(span.last_step + 1, steps)] -= span.size_bytes
    return tuple(itertools.accumulate(changes[:-1]))


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

    @property
    def used_bytes(self) -> tuple[int, ...]:
        """Bytes of the rows that are needed in each step."""
        return bytes_by_step(self.rows, len(self.steps))

    @property
    def peak_step(self) -> int:
        """The first of the steps that need most; 0 without any."""
        used = self.used_bytes
        return used.index(max(used)) if used else 0


#: Roles of the objects that hold the planned memory of the model, and that of its features.
MODEL_STATE, FEATURE_STATE = "state", "feature state"


@dataclass(frozen=True)
class Symbol:
    """What a C symbol of a generated firmware is.

    ``role`` is one of those in docs/REPORT.md.  ``layers`` are the nodes that it belongs to, by
    their full names: none for what serves the whole firmware, several for what layers share; the
    first one's name is in the symbol.  A member of an object is called ``object.member`` and has
    ``size_bytes``.
    """

    role: str
    layers: tuple[str, ...] = ()
    size_bytes: int = 0


Symbols = Mapping[str, Symbol]


def find_symbol(symbols: Symbols, name: str) -> Symbol | None:
    """What a linked symbol is; compilers put a suffix behind a dot where they clone a function, or
    move an object out of one."""
    return symbols.get(name) or symbols.get(name.partition(".")[0])


def members(symbols: Symbols, name: str) -> dict[str, int]:
    """The members of the object ``name`` and their bytes."""
    start = f"{name}."
    return {n: s.size_bytes for n, s in symbols.items() if s.size_bytes and n.startswith(start)}
