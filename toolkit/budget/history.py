"""How figures moved over states: table, CSV, and one page with a curve a figure."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from html import escape

from toolkit.measurement import Measurement
from toolkit.report.text import format_number, printable

#: A figure of a budget.
Key = tuple[str, str]


@dataclass(frozen=True)
class HistoryState:
    """The figures at one commit, or of one result; ``label`` is its short name, ``words`` its
    subject, ``date`` as ISO 8601 where it is known."""

    label: str
    words: str
    date: str
    figures: Mapping[Key, Measurement]


@dataclass(frozen=True)
class _Point:
    state: HistoryState
    value: float
    unit: str
    moved: bool


def only(states: Sequence[HistoryState], figures: Sequence[str]) -> list[HistoryState]:
    """The states with these figures only; all of them where none are named."""
    return [
        replace(s, figures={k: m for k, m in s.figures.items() if not figures or k[1] in figures})
        for s in states
    ]


def history_text(states: Sequence[HistoryState]) -> str:
    """A line a figure, and under it the states that moved it."""
    lines = [f"{len(states)} states"]
    for (budget, figure), points in _curves(states):
        first, last = points[0], points[-1]
        total = _change(first.value, last.value, last.unit)
        ends = f"{format_number(first.value, first.unit)} → {format_number(last.value, last.unit)}"
        lines.append(f"{budget}: {figure} {ends} ({total})")
        before = first
        for point in points[1:]:
            if point.moved:
                change = _change(before.value, point.value, point.unit)
                lines.append(f"  {point.state.label} {change} {point.state.words}".rstrip())
            before = point
    return "\n".join(map(printable, lines)) + "\n"


def history_csv(states: Sequence[HistoryState]) -> str:
    """A row a figure and state."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(("state", "date", "words", "budget", "figure", "value", "unit", "provenance"))
    for state in states:
        for (budget, figure), m in sorted(state.figures.items()):
            row = (budget, figure, m.value, m.unit, m.provenance.value)
            writer.writerow((_cell(state.label), state.date, _cell(state.words), *map(_cell, row)))
    return text.getvalue()


def history_html(states: Sequence[HistoryState]) -> str:
    """One self-contained page: a curve a figure; a dot where it moved names the state that did."""
    blocks = [_figure(key, points) for key, points in _curves(states)]
    return _PAGE.format(count=len(states), figures="\n".join(blocks))


_PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>How figures moved</title>
<style>
:root {{ color-scheme: light dark; font: 15px/1.5 system-ui, sans-serif; }}
body {{ max-width: 60rem; margin: 2rem auto; padding: 0 1rem; }}
figure {{ margin: 2rem 0; }} figcaption {{ font-weight: 600; }}
svg {{ width: 100%; height: auto; overflow: visible; }}
polyline {{ fill: none; stroke: #2563eb; stroke-width: 2; }}
circle.worse {{ fill: #dc2626; }} circle.better {{ fill: #16a34a; }}
ul {{ font-size: 0.9em; }}
</style></head><body>
<h1>How figures moved</h1><p>{count} states, the oldest at the left.</p>
{figures}
</body></html>
"""
_WIDTH, _HEIGHT, _EDGE = 800, 120, 8


def _figure(key: Key, points: Sequence[_Point]) -> str:
    values = [point.value for point in points]
    low, high = min(values), max(values)
    places = [
        (
            _EDGE + (_WIDTH - 2 * _EDGE) * index / max(1, len(points) - 1),
            _HEIGHT - _EDGE - (_HEIGHT - 2 * _EDGE) * (value - low) / ((high - low) or 1),
        )
        for index, value in enumerate(values)
    ]
    line = " ".join(f"{x:.1f},{y:.1f}" for x, y in places)
    dots, rows = [], []
    for before, point, (x, y) in zip(points, points[1:], places[1:], strict=False):
        if point.moved:
            change = _change(before.value, point.value, point.unit)
            words = escape(printable(f"{point.state.label} {change} {point.state.words}".rstrip()))
            side = "worse" if point.value > before.value else "better"
            dots.append(
                f'<circle class="{side}" cx="{x:.1f}" cy="{y:.1f}" r="4">'
                f"<title>{words}</title></circle>"
            )
            rows.append(f"<li>{words}</li>")
    last = format_number(points[-1].value, points[-1].unit)
    title = escape(printable(f"{key[0]}: {key[1]} {last}"))
    return (
        f"<figure><figcaption>{title}</figcaption>"
        f'<svg viewBox="0 0 {_WIDTH} {_HEIGHT}" role="img" aria-label="{title}">'
        f'<polyline points="{line}"/>{"".join(dots)}</svg>'
        f"<ul>{''.join(rows)}</ul></figure>"
    )


def _curves(states: Sequence[HistoryState]) -> Iterator[tuple[Key, list[_Point]]]:
    """Every figure with its values, in the order of the states."""
    for key in sorted({key for state in states for key in state.figures}):
        points: list[_Point] = []
        for state in states:
            found = state.figures.get(key)
            if found is not None:
                moved = bool(points) and points[-1].value != found.value
                points.append(_Point(state, found.value, found.unit, moved))
        yield key, points


def _change(before: float, now: float, unit: str) -> str:
    change = now - before
    if not change:
        return "="
    sign = "+" if change > 0 else "−"
    share = f", {sign}{100 * abs(change / before):.1f} %" if before else ""
    return f"{sign}{format_number(abs(change), unit)}{share}"


def _cell(value: object) -> object:
    """Text that no spreadsheet takes for a formula."""
    if isinstance(value, str) and value.startswith(("=", "+", "-", "@")):
        return f"'{value}"
    return value
