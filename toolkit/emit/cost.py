"""What the calls of a library cost: macros in a header of their own, and rows of its page."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Cost:
    """A figure: the end of its macro's name, its value, what it is, and its provenance."""

    macro: str
    value: int
    what: str
    provenance: str


@dataclass(frozen=True)
class Costs:
    """What calls cost on a target; ``bases`` say how the figures came to be."""

    target: str
    clock_hz: int
    rows: tuple[Cost, ...]
    bases: tuple[str, ...]
