"""A result as a comment to post, or the summary of a job: at most `LIMIT` characters by design.

Its first line, an HTML comment with the title, lets a job find the comment that it wrote before.
What matters most comes first and is cut last: the verdict, gates in error and failing ones, the
table of all gates, then the details, folded.
"""

from __future__ import annotations

import re

from toolkit.budget.model import Gate, Result, Verdict
from toolkit.budget.outputs.words import headline, mark, verdict_of, versions, worst_first
from toolkit.measurement import Measurement
from toolkit.report.markdown import escape, table
from toolkit.report.text import format_number, format_value

MARKER = "<!-- hearing-aid-toolkit: check{} -->"
LIMIT = 60_000
#: Longest line of a rule, and what failing gates and the table of gates may take, in characters.
_LINE, _FAILING, _TABLE = 700, 25_000, 15_000
#: Most rules of a failing gate that are listed above the tables.
_RULES = 8
_SYMBOLS = {"ok": "✅", "fail": "❌", "warn": "⚠️", "error": "💥"}
#: What a service would turn into a mention or a link to an issue.
_CALLS = re.compile(r"@(?=\w)|#(?=\d)|(?<=\b[Gg][Hh])-(?=\d)")
_NO_BREAK = "\u200b"


def marker(title: str) -> str:
    """The first line of the comment of that title."""
    words = re.sub(r"[^\w. /-]|--+", "-", title).strip()
    return MARKER.format(f" {words}" if words else "")


def comment(result: Result) -> str:
    """Markdown for GitHub and GitLab."""
    symbol = "✅" if result.passed else "❌" if not result.count("error") else "💥"
    title = f"{_safe(result.title, 100)}: " if result.title else ""
    head = [marker(result.title), f"## {symbol} {title}{verdict_of(result)}"]
    about = versions(result)
    head += [_safe(about, 500)] if about else []
    if result.gone:
        head.append(
            f"⚠️ budgets that the base has, and this has not: {_safe(', '.join(result.gone))}"
        )
    gates = worst_first(result)
    failing = [gate for gate in gates if gate.state != "ok"]
    bad = [_failing(gate, _FAILING // len(failing)) for gate in failing]
    blocks = [*head, *_cut(bad, _FAILING, "more failing budgets")]
    if len(gates) > 1:
        rows = [_summary_row(gate) for gate in gates]
        kept = _rows(rows, _TABLE)
        blocks.append(table(("", "budget", "verdict", "changed"), "llll", kept))
        if len(kept) < len(rows):
            blocks.append(f"… and {len(rows) - len(kept)} more budgets.")
    room = LIMIT - sum(len(block) + 2 for block in blocks) - 200
    blocks += _cut([_details(gate) for gate in gates], room, "more tables, in the job's files")
    return "\n\n".join(blocks) + "\n"


def _safe(text: str, longest: int = _LINE) -> str:
    """Text of any origin in which nothing is markup, and nobody is called."""
    cut = text if len(text) <= longest else text[: longest - 1] + "…"
    return _CALLS.sub(lambda found: found[0] + _NO_BREAK, escape(cut))


def _cut(blocks: list[str], room: int, what: str) -> list[str]:
    """The first blocks that have room, and how many there are besides."""
    kept: list[str] = []
    for block in blocks:
        room -= len(block) + 2
        if room < 0:
            return [*kept, f"… and {len(blocks) - len(kept)} {what}."]
        kept.append(block)
    return kept


def _rows(rows: list[tuple[str, ...]], room: int) -> list[tuple[str, ...]]:
    kept = []
    for row in rows:
        room -= sum(len(cell) + 3 for cell in row) + 2
        if room < 0:
            break
        kept.append(row)
    return kept


def _failing(gate: Gate, room: int) -> str:
    """What is wrong with a gate, in about ``room`` characters."""
    shown = max(1, min(_RULES, room // 600))
    longest = max(80, min(_LINE, room // (3 * shown)))  # what is escaped may double
    name = _safe(gate.name, min(200, longest))
    lines = [f"### {_SYMBOLS[gate.state]} {name}: {headline(gate)}", ""]
    if gate.problem is not None:
        lines.append(f"- **error**: {_safe(gate.problem.text, longest)}")
    lines += [f"- {_safe(text, min(200, longest))}" for text in gate.changes[:shown]]
    broken = [verdict for verdict in gate.verdicts if verdict.fails]
    for verdict in broken[:shown]:
        lines.append(f"- **{_safe(verdict.name, 80)}**: {_safe(verdict.message, longest)}")
        if verdict.advice and shown > 1:
            lines.append(f"  → {_safe(verdict.advice)}.")
    if len(broken) > shown:
        lines.append(f"- … and {len(broken) - shown} more rules")
    return "\n".join(lines)


def _summary_row(gate: Gate) -> tuple[str, ...]:
    moved = [
        f"{_safe(v.name, 60)} {_change(v.value, v.baseline)}"
        for v in gate.verdicts
        if v.kind == "growth" and _change(v.value, v.baseline) not in ("", "=")
    ]
    more = f", +{len(moved) - 3} more" if len(moved) > 3 else ""
    changed = f"{', '.join(moved[:3])}{more}"
    return (_SYMBOLS[gate.state], _safe(gate.name, 120), headline(gate), changed)


def _details(gate: Gate) -> str:
    """A folded table of every rule; warnings and what became of the baseline with their words."""
    summary = f"{_safe(gate.name, 120)}: {headline(gate)}".replace("<", "&lt;")
    blocks = [f"<details><summary>{summary}</summary>"]
    lines = [_safe(text, 200) for text in (*gate.changes, *gate.notes)]
    lines += [
        f"{_safe(v.name, 80)}: {_safe(v.message)}" for v in gate.verdicts if mark(v) == "warn"
    ]
    if lines:
        blocks.append("\n".join(f"- {line}" for line in lines))
    if gate.verdicts:
        header = ("", "figure", "value", "provenance", "baseline", "change", "rule")
        blocks.append(table(header, "llrlrrl", [_row(verdict) for verdict in gate.verdicts]))
    return "\n\n".join([*blocks, "</details>"])


def _row(verdict: Verdict) -> tuple[str, ...]:
    value, then = verdict.value, verdict.baseline
    return (
        _SYMBOLS[mark(verdict)],
        _safe(verdict.name, 80),
        _safe(format_value(value), 60) if value else "",
        value.provenance.value if value else "",
        _safe(format_value(then), 60) if then else "",
        _change(value, then),
        _safe(verdict.rule, 160),
    )


def _change(value: Measurement | None, then: Measurement | None) -> str:
    if value is None or then is None:
        return ""
    change = value.value - then.value
    if not change:
        return "="
    sign = "+" if change > 0 else "−"
    text = f"{sign}{format_number(abs(change), value.unit)}"
    return f"{text} ({sign}{100 * abs(change / then.value):.1f} %)" if then.value else text
