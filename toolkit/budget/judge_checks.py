"""The checks of a report that a budget asks for, or that decide by themselves."""

from __future__ import annotations

from toolkit.budget.explain import advice_on_check
from toolkit.budget.facts import Facts
from toolkit.budget.model import Budget, Outcome, Verdict
from toolkit.report import Report
from toolkit.report.text import printable

#: Checks that need what not every machine has: where they cannot run, a line says so.
ELSEWHERE = {
    "tflm_match": "it needs tflite-micro, and a model of builtin operators",
    "import_match": "it needs onnxruntime, and a float model",
    "import_match_other_lengths": "it needs onnxruntime, and a float model",
}


def judge_checks(budget: Budget, report: Report, then: Facts | None) -> list[Verdict]:
    """The required checks of the report, those the base had, and those that the budget names."""
    by_name = {check.name: check for check in report.checks}
    required = [check.name for check in report.checks if check.required]
    before = [check.name for check in then.checks if check.required] if then is not None else []
    verdicts = []
    for name in dict.fromkeys((*required, *before, *budget.checks)):
        check, named = by_name.get(name), name in budget.checks
        cause = ""
        outcome: Outcome = "missing"
        if check is None and name in ELSEWHERE:
            outcome, text, fails = "not run", f"not run here: {ELSEWHERE[name]}", named
        elif check is None:
            text = f"the report has no check '{name}'{'' if named else '; the baseline has'}"
            fails = budget.missing == "fail"
        elif check.passed is None:
            outcome, text, fails = "not run", printable(check.detail), named
        else:
            text, fails = printable(check.detail), not check.passed
            outcome = "holds" if check.passed else "exceeded"
            cause = printable(check.where) if fails else ""
        verdicts.append(
            Verdict(
                name=name,
                kind="check",
                outcome=outcome,
                rule="must pass",
                message=text,
                fails=fails,
                cause=cause,
                advice=advice_on_check(name) if outcome == "exceeded" else "",
                line=budget.line,
            )
        )
    return verdicts
