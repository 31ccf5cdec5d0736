"""A result as JUnit XML: a suite a budget, a test case a rule, one more for the build."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from toolkit.budget.model import Gate, Result, Verdict
from toolkit.budget.outputs.words import Mark, mark
from toolkit.report.junit import Case, Suite, junit

Outcome = Literal["passed", "failed", "skipped", "error"]
_CASES: Mapping[Mark, Outcome] = {"ok": "passed", "fail": "failed", "warn": "skipped"}


def result_junit(result: Result) -> str:
    """Names are unique: the budget's is the suite's and the class's of its cases."""
    prefix = f"{result.title}: " if result.title else ""
    return junit([_suite(prefix + gate.name, gate) for gate in result.gates])


def _suite(name: str, gate: Gate) -> Suite:
    problem = gate.problem
    build = Case(
        "judged",
        "passed" if problem is None else "error",
        "built and compared" if problem is None else problem.text,
        seconds=gate.seconds,
    )
    cases = [build, *(_case(verdict) for verdict in gate.verdicts)]
    return Suite(name, cases, tuple(gate.identity.items()))


def _case(verdict: Verdict) -> Case:
    advice = f"\n{verdict.advice}." if verdict.advice else ""
    return Case(
        f"{verdict.name} ({verdict.kind})",
        _CASES[mark(verdict)],
        verdict.message,
        body=verdict.message + advice,
    )
