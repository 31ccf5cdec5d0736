"""What changed between two reports: lines for the terminal, markdown, JSON; the verdict first."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import Any

from toolkit.budget.diff import Change, ChangeTable, Diff, FigureChange, Side, headline, shown
from toolkit.measurement import Measurement
from toolkit.report.markdown import escape, table
from toolkit.report.names import figure
from toolkit.report.text import format_number, printable

SCHEMA_VERSION = 1
#: Rows of a table for people; the JSON has all.
_ROWS = 12
#: Longest name on a line of the terminal.
_NAME = 48


def diff_text(diff: Diff) -> str:
    """Lines for the terminal."""
    lines = [verdict(diff), *_said(diff)]
    rows = [(figure(f.of.name).title, *_cells(f.change, f.of.unit), _how(f)) for f in shown(diff)]
    lines += ["", *_aligned(rows)] if rows else []
    for found in diff.tables:
        if found.changed:
            lines += ["", f"{_title(found)}:", *_aligned(_rows(found)), *_rest(found)]
    return "\n".join(map(printable, lines)) + "\n"


def diff_markdown(diff: Diff) -> str:
    """GitHub-flavoured markdown."""
    blocks = [f"## {escape(verdict(diff))}", "\n".join(f"- {escape(t)}" for t in _said(diff))]
    rows = [
        (escape(figure(f.of.name).title), *_cells(f.change, f.of.unit), _how(f))
        for f in shown(diff)
    ]
    if rows:
        header = ("figure", "before", "after", "change", "provenance")
        blocks.append(table(header, "lrrrl", rows))
    for found in diff.tables:
        if found.changed:
            cells = [(escape(row[0]), *row[1:]) for row in _rows(found)]
            text = table((found.by, "before", "after", "change"), "lrrr", cells)
            blocks += [f"### {escape(_title(found))}", text, *map(str.strip, _rest(found))]
    return "\n\n".join(block for block in blocks if block) + "\n"


def diff_json(diff: Diff) -> str:
    """Every figure and every row, those that stayed too; same reports, same bytes."""
    data = {
        "schema_version": SCHEMA_VERSION,
        "verdict": verdict(diff),
        "before": _side(diff.before),
        "after": _side(diff.after),
        "differences": [{"key": d.key, "before": d.then, "after": d.now} for d in diff.differences],
        "figures": [_figure(f) for f in diff.figures],
        "tables": [
            {
                "what": t.what,
                "by": t.by,
                "unit": t.unit,
                "provenance": t.provenance.value,
                "rows": [{"names": list(row.names), **_amounts(row)} for row in t.rows],
            }
            for t in diff.tables
        ],
    }
    return json.dumps(data, indent=2, ensure_ascii=True, allow_nan=False) + "\n"


def verdict(diff: Diff) -> str:
    """What became of flash, RAM, stack and time, in a line."""
    found = headline(diff)
    if not any(f.change.delta for f in diff.figures) and not any(t.changed for t in diff.tables):
        return f"nothing changed: {len(diff.figures)} figures are the same"
    words = [f"{figure(f.of.name).title} {_change(f.change, f.of.unit)}" for f in found]
    return ", ".join(words) if words else "no figure of size or time is in both"


def _said(diff: Diff) -> list[str]:
    """What else is not the same."""
    names = [side.report.model_name for side in (diff.before, diff.after)]
    lines = [f"model {names[1]} ← {names[0]}"] if names[0] != names[1] else []
    clips = [side.report.clip for side in (diff.before, diff.after)]
    if clips[0] and clips[1] and clips[0].name != clips[1].name:
        lines.append(f"clip {clips[1].name} ← {clips[0].name}")
    return lines + [d.text for d in diff.differences]


def _title(found: ChangeTable) -> str:
    return f"{found.what} by {found.by} ({found.provenance.value})"


def _rows(found: ChangeTable) -> list[tuple[str, str, str, str]]:
    rows = found.changed[:_ROWS]
    return [(" ".join(row.names), *_cells(row, found.unit)) for row in rows]


def _rest(found: ChangeTable) -> list[str]:
    more = found.changed[_ROWS:]
    if not more:
        return []
    total = sum(row.delta for row in more)
    return [f"  … and {len(more)} more, {_signed(total, found.unit)} together; --json has all"]


def _cells(change: Change, unit: str) -> tuple[str, str, str]:
    before, after = (
        "—" if value is None else format_number(value, unit)
        for value in (change.before, change.after)
    )
    return before, after, _change(change, unit)


def _change(change: Change, unit: str) -> str:
    if not change.delta:
        return "="
    share = change.percent
    percent = "" if share is None else f" ({'+' if share > 0 else '−'}{abs(share):.1f} %)"
    return f"{_signed(change.delta, unit)}{percent}"


def _signed(value: float, unit: str) -> str:
    return f"{'−' if value < 0 else '+'}{format_number(abs(value), unit)}"


def _how(found: FigureChange) -> str:
    """The provenance, and whether one side only has it."""
    words = found.of.provenance.value
    if found.before is None:
        return f"{words}, new"
    return f"{words}, gone" if found.after is None else words


def _aligned(rows: Sequence[Sequence[str]]) -> Iterator[str]:
    """The first column to the left, amounts to the right, the rest as it is."""
    cells = [(_short(row[0]), *row[1:]) for row in rows]
    widths = [max(len(row[i]) for row in cells) for i in range(4)]
    for row in cells:
        amounts = (cell.rjust(width) for cell, width in zip(row[1:4], widths[1:], strict=True))
        yield "  ".join(["", row[0].ljust(widths[0]), *amounts, *row[4:]]).rstrip()


def _short(name: str) -> str:
    """The middle of a long name is left out."""
    half = _NAME // 2
    return name if len(name) <= _NAME else f"{name[: half - 1]}…{name[-half:]}"


def _side(side: Side) -> dict[str, Any]:
    report = side.report
    return {
        "file": side.where,
        "model": {"name": report.model_name, "sha256": report.model_sha256},
        "library": report.library,
        "identity": dict(side.identity),
    }


def _figure(found: FigureChange) -> dict[str, Any]:
    return {
        "name": found.of.name,
        "unit": found.of.unit,
        "provenance": found.of.provenance.value,
        **_amounts(found.change),
        "basis": {"before": _basis(found.before), "after": _basis(found.after)},
    }


def _basis(m: Measurement | None) -> str | None:
    return None if m is None else m.basis


def _amounts(change: Change) -> dict[str, Any]:
    return {
        "before": change.before,
        "after": change.after,
        "delta": change.delta,
        "percent": change.percent,
    }
