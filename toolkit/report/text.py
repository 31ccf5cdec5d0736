"""What the renderings share: figures and names as text for people."""

from __future__ import annotations

from toolkit.measurement import Measurement, Provenance
from toolkit.report.model import LayerRow, Report


def printable(text: str) -> str:
    """A name from a file, without what would steer a terminal or the direction of writing."""
    return "".join(c if c.isprintable() else "?" for c in text)


def words_of_check(name: str) -> str:
    """The name of a check in words: ``fits ram`` is ``fits_ram``."""
    return name.replace("_", " ")


def tail(text: str, width: int) -> str:
    """The end of a name, which tells layers apart better than its beginning."""
    return text if len(text) <= width else "…" + text[1 - width :]


#: From here on three digits would round to 1000, which ``.3g`` writes as 1e+03.
ROUNDS_UP = 999.5


def compact(value: float) -> str:
    """A count in at most five characters, such as 19.8M; nothing for zero."""
    for unit, size in (("G", 1e9), ("M", 1e6), ("k", 1e3)):
        if value >= ROUNDS_UP * size / 1e3:
            return f"{max(value / size, 1):.3g}{unit}"
    return f"{value:.0f}" if value else ""


def format_number(value: float, unit: str) -> str:
    """A number with its unit, for people."""
    if unit == "fraction":
        return f"{100 * value:.3f} %"
    if unit == "CCC":
        return f"{value:.4f}"  # the title has the unit
    if isinstance(value, int) or abs(value) >= ROUNDS_UP:
        return f"{value:,.0f} {unit}".rstrip()
    return f"{value:.3g} {unit}".rstrip()


def format_value(m: Measurement) -> str:
    """A figure with its unit, for people."""
    return format_number(m.value, m.unit)


def layer_value(row: LayerRow, name: str, provenance: Provenance) -> float | None:
    """A layer's figure of that name and provenance."""
    found = (m for m in row.measurements if (m.name, m.provenance) == (name, provenance))
    return next((m.value for m in found), None)


def layer_cycles(row: LayerRow, provenance: Provenance) -> float | None:
    """A layer's cycles, as simulated or as estimated."""
    return layer_value(row, "cycles", provenance)


def strongest(report: Report, name: str) -> Measurement | None:
    """The figure of that name: as measured, else as simulated, else as estimated."""
    found = (report.find(name, provenance) for provenance in Provenance)
    return next((m for m in found if m is not None), None)


def errors_of_estimates(measurements: tuple[Measurement, ...]) -> dict[str, float]:
    """By name, how far the estimate lies from the simulated or measured figure, in percent of it;
    for figures that have both."""
    estimates = {m.name: m.value for m in measurements if m.provenance is Provenance.ESTIMATED}
    return {
        m.name: 100 * (estimates[m.name] - m.value) / m.value
        for m in measurements
        if m.provenance is not Provenance.ESTIMATED and m.name in estimates and m.value
    }
