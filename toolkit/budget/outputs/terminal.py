"""A result as lines for the terminal and the log of a job."""

from __future__ import annotations

from toolkit.budget.model import Result
from toolkit.budget.outputs.words import headline, mark, verdict_of
from toolkit.report.text import printable

_MARKS = {"ok": "ok  ", "fail": "FAIL", "warn": "warn"}


def result_text(result: Result) -> str:
    """A line a rule, the broken ones with their cause and a line of advice."""
    lines = []
    for gate in result.gates:
        lines.append(f"{gate.name}: {headline(gate)}")
        if gate.problem is not None:
            lines.append(f"  ERROR {gate.problem.text}")
        lines += [f"  {text}" for text in gate.changes]
        for verdict in gate.verdicts:
            lines.append(f"  {_MARKS[mark(verdict)]} {verdict.name}: {verdict.message}")
            if verdict.advice:
                lines.append(f"       → {verdict.advice}.")
        lines += [f"  {text}" for text in gate.notes]
    lines += [f"gone: the base has a budget '{name}', this file has not" for name in result.gone]
    if len(result.gates) > 1:
        lines.append(f"{verdict_of(result)}.")
    return "\n".join(map(printable, lines)) + "\n"
