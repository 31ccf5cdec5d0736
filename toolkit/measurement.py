"""Figures with their provenance (contract C5), verdicts, notes, and what symbols belong to.

A leaf: anything may produce a measurement.
"""

from __future__ import annotations

from collections.abc import Mapping
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
    """A yes/no finding; ``required`` ones decide the exit code, others only inform.

    ``where`` is the place of what was found, in words, where there is one: a layer, a frame.
    """

    name: str
    passed: bool
    detail: str
    required: bool = True
    where: str = ""


@dataclass(frozen=True)
class Issue:
    """Something the user should know that is neither a figure nor a verdict."""

    code: str
    message: str


#: Roles of the objects that hold the planned memory of the model, and that of its features.
MODEL_STATE, FEATURE_STATE = "state", "feature state"


@dataclass(frozen=True)
class Symbol:
    """What a C symbol of a generated firmware is.

    ``role`` is one of those in docs/REPORT.md.  ``layers`` are the nodes that it belongs to, by
    their full names: none for what serves the whole firmware, several for what layers share; the
    first one's name is in the symbol.
    """

    role: str
    layers: tuple[str, ...] = ()


Symbols = Mapping[str, Symbol]


def find_symbol(symbols: Symbols, name: str) -> Symbol | None:
    """What a linked symbol is; compilers put a suffix behind a dot where they clone a function, or
    move an object out of one."""
    return symbols.get(name) or symbols.get(name.partition(".")[0])
