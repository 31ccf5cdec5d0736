"""Figures with their provenance (contract C5).  A leaf: anything may produce a measurement."""

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
