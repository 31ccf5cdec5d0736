"""What the page shows as tables and bars: figures, regions, the stack's call chain."""

from __future__ import annotations

from dataclasses import dataclass

from toolkit.measurement import Measurement, Provenance
from toolkit.report.model import Fit, Part, StackFrame
from toolkit.report.names import figure, place
from toolkit.report.text import errors_of_estimates, format_value

#: Parts of a region that are named; the others are drawn as one.
NAMED_PARTS = 3


@dataclass(frozen=True)
class FigureRow:
    """A figure for people; ``note`` tells how far an estimate is off where that is known.

    ``strongest`` marks the row of its name that is not an estimate, where there are two.
    """

    name: str
    strongest: bool
    title: str
    part: bool
    value: str
    provenance: str
    basis: str
    note: str


@dataclass(frozen=True)
class Segment:
    """A piece of a bar, in percent of its whole length; ``tone`` picks its colour."""

    part: Part
    left: float
    width: float
    tone: int


@dataclass(frozen=True)
class FitBar:
    """A region's bar; its whole length is what is available, or used where that is more."""

    fit: Fit
    percent: float
    limit: float
    segments: tuple[Segment, ...]


def figure_rows(measurements: tuple[Measurement, ...]) -> list[FigureRow]:
    """Every figure, in the order of a report."""
    errors = errors_of_estimates(measurements)
    rows = []
    for m in sorted(measurements, key=lambda m: place(m.name)):
        shown = figure(m.name)
        off = m.provenance is Provenance.ESTIMATED and m.name in errors
        note = f"{errors[m.name]:+.1f} % off" if off else ""
        value = format_value(m)
        row = FigureRow(
            m.name, not off, shown.title, shown.part, value, m.provenance.value, m.basis, note
        )
        rows.append(row)
    return rows


def fit_bars(fit: Fit) -> FitBar:
    """The bar of a region: the flash's kinds, otherwise its largest parts and then all others."""
    whole = max(fit.used_bytes, fit.available_bytes, 1)
    pieces = by_kind(fit.parts) if fit.region == "flash" else fit.parts
    named = pieces[:NAMED_PARTS]
    rest = sum(part.size_bytes for part in pieces[NAMED_PARTS:])
    parts = [*named, Part("others", "", rest)] if rest else list(named)
    segments, left = [], 0.0
    for tone, part in enumerate(parts):
        width = 100 * part.size_bytes / whole
        segments.append(Segment(part, left, width, tone))
        left += width
    return FitBar(
        fit,
        100 * fit.used_bytes / max(fit.available_bytes, 1),
        100 * fit.available_bytes / whole,
        tuple(segments),
    )


def by_kind(parts: tuple[Part, ...]) -> tuple[Part, ...]:
    """One part a kind, largest first."""
    sizes: dict[str, int] = {}
    for part in parts:
        sizes[part.kind] = sizes.get(part.kind, 0) + part.size_bytes
    kinds = sorted(sizes.items(), key=lambda item: (-item[1], item[0]))
    return tuple(Part(kind, kind, size) for kind, size in kinds)


def stack_bars(frames: tuple[StackFrame, ...]) -> list[tuple[StackFrame, int, float, float]]:
    """Every function with the bytes up to and with it, and where its bar begins and how long it
    is, in percent of the whole stack."""
    total = sum(frame.size_bytes for frame in frames) or 1
    rows, below = [], 0
    for frame in frames:
        left = 100 * below / total
        below += frame.size_bytes
        rows.append((frame, below, left, 100 * frame.size_bytes / total))
    return rows
