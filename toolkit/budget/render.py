"""Gates as text: terminal lines, markdown, JUnit, JSON, annotations of a CI service."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any, Literal

from toolkit.budget.model import Gate, Verdict
from toolkit.measurement import Measurement
from toolkit.report.junit import Case, Suite, junit
from toolkit.report.markdown import escape, table
from toolkit.report.text import format_number, format_value

SCHEMA_VERSION = 1
State = Literal["ok", "fail", "warn"]
#: Lets a CI job find the comment that it wrote before.
MARKER = "<!-- hearing-aid-toolkit: check -->"


def gates_text(gates: Sequence[Gate]) -> str:
    """A line a rule, the failing ones with their culprits."""
    lines = []
    for gate in gates:
        lines.append(f"{gate.title}: {_summary(gate)}")
        lines += [f"  compared all the same: {text}" for text in gate.differences]
        lines += [f"  {_MARKS[_state(v)]} {v.name}: {v.message}" for v in gate.verdicts]
    return "\n".join(lines) + "\n"


def gates_markdown(gates: Sequence[Gate]) -> str:
    """A comment or job summary: the verdict first, what fails, then every figure."""
    passed = all(gate.passed for gate in gates)
    blocks = [MARKER, f"## {'✅ Budgets hold' if passed else '❌ Budgets exceeded'}"]
    for gate in gates:
        blocks.append(f"### {escape(gate.title)}: {_summary(gate)}")
        unlike = [f"- compared all the same: {escape(text)}" for text in gate.differences]
        bad = [f"- **{v.name}**: {escape(v.message)}" for v in gate.verdicts if v.fails]
        blocks += ["\n".join(rows) for rows in (unlike, bad) if rows]
        rows = [_row(verdict) for verdict in gate.verdicts]
        header = ("", "figure", "value", "provenance", "baseline", "change", "rule")
        blocks.append(table(header, "llrlrrl", rows))
    return "\n\n".join(blocks) + "\n"


def gates_junit(gates: Sequence[Gate]) -> str:
    """A test suite a gate, a test case a rule."""
    suites = []
    for gate in gates:
        cases = [Case(f"{v.name} ({v.kind})", _CASES[_state(v)], v.message) for v in gate.verdicts]
        suites.append(Suite(gate.title, cases))
    return junit(suites)


def gates_json(gates: Sequence[Gate]) -> str:
    """The verdicts with the figures they judge, provenance included."""
    data = {
        "schema_version": SCHEMA_VERSION,
        "passed": all(gate.passed for gate in gates),
        "gates": [
            {
                "model": {"name": gate.report.model_name, "sha256": gate.report.model_sha256},
                "target": gate.report.target,
                "passed": gate.passed,
                "differences": list(gate.differences),
                "verdicts": [_verdict(verdict) for verdict in gate.verdicts],
            }
            for gate in gates
        ],
    }
    return json.dumps(data, indent=2, ensure_ascii=True, allow_nan=False) + "\n"


def github_annotations(gates: Sequence[Gate], budget_file: str) -> list[str]:
    """A GitHub workflow command for every rule that fails or cannot be judged."""
    lines = []
    for gate in gates:
        for verdict in gate.verdicts:
            if _state(verdict) != "ok":
                level = "error" if verdict.fails else "warning"
                title = _property(f"{verdict.name}: {gate.title}")
                where = f"file={_property(budget_file)},title={title}"
                lines.append(f"::{level} {where}::{_data(verdict.message)}")
    return lines


_CASES: Mapping[State, Literal["passed", "failed", "skipped"]] = {
    "ok": "passed",
    "fail": "failed",
    "warn": "skipped",
}
_MARKS = {"ok": "ok  ", "fail": "FAIL", "warn": "warn"}
_SYMBOLS = {"ok": "✅", "fail": "❌", "warn": "⚠️"}


def _state(verdict: Verdict) -> State:
    if verdict.fails:
        return "fail"
    return "ok" if verdict.outcome == "holds" else "warn"


def _summary(gate: Gate) -> str:
    failing = sum(verdict.fails for verdict in gate.verdicts)
    count = len(gate.verdicts)
    return f"{failing} of {count} rules broken" if failing else f"all {count} rules hold"


def _row(verdict: Verdict) -> tuple[str, ...]:
    value, then = verdict.value, verdict.baseline
    return (
        _SYMBOLS[_state(verdict)],
        f"`{verdict.name}`",
        format_value(value) if value else "",
        value.provenance.value if value else "",
        format_value(then) if then else "",
        _change(value, then),
        escape(verdict.rule),
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


def _verdict(verdict: Verdict) -> dict[str, Any]:
    def figure(m: Measurement | None) -> dict[str, Any] | None:
        return None if m is None else {**asdict(m), "provenance": m.provenance.value}

    return {
        "name": verdict.name,
        "kind": verdict.kind,
        "outcome": verdict.outcome,
        "fails": verdict.fails,
        "rule": verdict.rule,
        "message": verdict.message,
        "value": figure(verdict.value),
        "baseline": figure(verdict.baseline),
    }


def _data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")
