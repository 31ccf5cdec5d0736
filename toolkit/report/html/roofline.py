"""The roofline: how many multiply-accumulates a cycle a layer reaches, against its intensity."""

from __future__ import annotations

import math
from dataclasses import dataclass

from toolkit.measurement import Provenance
from toolkit.report.model import Report
from toolkit.report.text import layer_cycles, layer_value


@dataclass(frozen=True)
class Dot:
    """A layer: place in percent of the chart, intensity in MAC a byte, rate in MAC a cycle."""

    number: int
    name: str
    x: float
    y: float
    intensity: float
    rate: float
    roof_percent: float
    provenance: str


@dataclass(frozen=True)
class Roofline:
    """The chart; ``roof`` are corners of the roof in percent, ticks are (percent, label)."""

    dots: tuple[Dot, ...]
    roof: tuple[tuple[float, float], ...]
    x_ticks: tuple[tuple[float, str], ...]
    y_ticks: tuple[tuple[float, str], ...]
    macs_per_cycle: float
    bytes_per_cycle: float
    basis: str


def roofline(report: Report) -> Roofline | None:
    """The chart of a report's layers with multiply-accumulates; None without a roof or layers."""
    roof = report.roof
    points = _points(report)
    if roof is None or not points:
        return None
    corner = roof.macs_per_cycle / roof.bytes_per_cycle
    xs = [p[1] for p in points] + [corner]
    ys = [p[2] for p in points] + [roof.macs_per_cycle]
    left, right = math.floor(math.log10(min(xs))), math.ceil(math.log10(max(xs)))
    low, high = math.floor(math.log10(min(ys))), math.ceil(math.log10(max(ys)))
    right, high = max(right, left + 1), max(high, low + 1)

    def x(value: float) -> float:
        return 100 * (math.log10(value) - left) / (right - left)

    def y(value: float) -> float:
        return 100 - 100 * (math.log10(value) - low) / (high - low)

    dots = tuple(
        Dot(
            number,
            name,
            x(intensity),
            y(rate),
            intensity,
            rate,
            100 * rate / min(roof.macs_per_cycle, intensity * roof.bytes_per_cycle),
            provenance,
        )
        for number, (name, intensity, rate, provenance) in enumerate(points, 1)
    )
    start = max(10.0**left, 10.0**low / roof.bytes_per_cycle)
    roof_line = [(x(start), y(start * roof.bytes_per_cycle))] if start < corner else []
    roof_line += [(x(corner), y(roof.macs_per_cycle)), (100.0, y(roof.macs_per_cycle))]
    return Roofline(
        dots,
        tuple(roof_line),
        tuple((x(10.0**e), f"{10.0**e:g}") for e in range(left, right + 1)),
        tuple((y(10.0**e), f"{10.0**e:g}") for e in range(low, high + 1)),
        roof.macs_per_cycle,
        roof.bytes_per_cycle,
        roof.basis,
    )


def _points(report: Report) -> list[tuple[str, float, float, str]]:
    """Name, MAC a byte, MAC a cycle and provenance of each layer that multiplies."""
    points = []
    for row in report.layers:
        moved = layer_value(row, "moved_bytes", Provenance.ESTIMATED)
        for provenance in (Provenance.SIMULATED, Provenance.ESTIMATED):
            cycles = layer_cycles(row, provenance)
            if row.macs and moved and cycles:
                points.append((row.name, row.macs / moved, row.macs / cycles, provenance.value))
                break
    return points
