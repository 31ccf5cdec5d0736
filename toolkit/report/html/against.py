"""Two reports side by side: the figures that changed, and the layers whose cycles did."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from toolkit.measurement import Measurement, Provenance
from toolkit.report.model import Report
from toolkit.report.names import figure, place
from toolkit.report.text import compact, format_value, layer_cycles, strongest

#: A change of less, in percent, is drawn as none.
_LEAST_PERCENT = 0.05


@dataclass(frozen=True)
class Pair:
    """A figure before and now, as text; ``change`` is "" for none, ``better`` None where neither
    is."""

    title: str
    before: str
    now: str
    change: str
    better: bool | None
    provenance: str


@dataclass(frozen=True)
class SideBySide:
    """What stands beside a report: whose it was, the figures and the layers that changed, and how
    many figures are the ``same``."""

    name: str
    figures: tuple[Pair, ...]
    layers: tuple[Pair, ...]
    same: int


def side_by_side(now: Report, before: Report) -> SideBySide:
    """The report beside an older one; figures of another provenance are not compared."""
    name = f"{before.model_name} on {before.target}, model {before.model_sha256[:12]}"
    figures = list(_figures(now, before))
    changed = tuple(pair for pair in figures if pair.change)
    layers = tuple(_layers(now, before))
    return SideBySide(name, changed, layers, len(figures) - len(changed))


def _figures(now: Report, before: Report) -> Iterator[Pair]:
    for name in sorted({m.name for m in now.measurements}, key=place):
        found, then = strongest(now, name), strongest(before, name)
        if found is not None and then is not None and found.provenance is then.provenance:
            yield _pair(figure(name).title, then, found, figure(name).better)


def _pair(title: str, then: Measurement, found: Measurement, wanted: str) -> Pair:
    change, grows = _change(then.value, found.value)
    better = None if not wanted or not change else grows == (wanted == "more")
    texts = (format_value(then), format_value(found))
    return Pair(title, *texts, change, better, found.provenance.value)


def _layers(now: Report, before: Report) -> Iterator[Pair]:
    """Layers of the same name whose cycles changed, in order of execution."""
    old = {row.name: row for row in before.layers}
    for row in now.layers:
        for provenance in (Provenance.SIMULATED, Provenance.ESTIMATED):
            then = None if row.name not in old else layer_cycles(old[row.name], provenance)
            found = layer_cycles(row, provenance)
            if then is not None and found is not None:
                change, grows = _change(then, found)
                if change:
                    texts = (compact(then) or "0", compact(found) or "0")
                    yield Pair(row.name, *texts, change, not grows, provenance.value)
                break


def _change(then: float, found: float) -> tuple[str, bool]:
    """The change in percent, "" for none; and whether it is more now."""
    if then == found:
        return "", False
    if not then:
        return "new", found > then
    percent = 100 * (found - then) / abs(then)
    text = f"{percent:+.1f} %".replace("-", "−")
    return ("" if abs(percent) < _LEAST_PERCENT else text), found > then
