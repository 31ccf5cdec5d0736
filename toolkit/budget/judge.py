"""Holds a report against a budget."""

from __future__ import annotations

from dataclasses import dataclass

from toolkit.budget.culprits import culprits
from toolkit.budget.model import Budget, Gate, Outcome, Rule, Verdict
from toolkit.errors import InputError
from toolkit.measurement import Measurement
from toolkit.report import Report
from toolkit.report.names import figure
from toolkit.report.text import decisive, format_number, format_value, printable

#: Accuracy that needs no labels.
_OF_TEST = ("int8_snr_db", "int8_ccc_to_float_", "int8_max_deviation")


def judge(
    budget: Budget, report: Report, baseline: Report | None, allow_different: bool = False
) -> Gate:
    """Every rule and check of the budget, in its order.

    Raises InputError where the baseline is of something else, unless ``allow_different``.
    """
    unlike = differences(report, baseline) if baseline is not None else ()
    if unlike and not allow_different:
        raise InputError(
            f"{report.model_name} on {report.target}: the baseline cannot be compared: "
            f"{'; '.join(unlike)}.",
            hint="Compare all the same with --allow-different, or accept the new state with "
            "--update.",
        )
    verdicts = [_rule(rule, budget, report, baseline) for rule in budget.rules]
    verdicts += _checks(budget, report)
    return Gate(budget, report, tuple(verdicts), unlike)


def differences(report: Report, baseline: Report) -> tuple[str, ...]:
    """What makes two reports incomparable, in words; empty where nothing does."""
    pairs = (
        ("model", report.model_sha256[:12], baseline.model_sha256[:12]),
        ("target", report.target, baseline.target),
        ("toolchain", report.toolchain, baseline.toolchain),
        ("simulator", report.simulator, baseline.simulator),
        ("schedule", report.schedule, baseline.schedule),
    )
    return tuple(
        f"{what} is {printable(now) or 'none'}, the baseline's {printable(then) or 'none'}"
        for what, now, then in pairs
        if now != then
    )


def _rule(rule: Rule, budget: Budget, report: Report, baseline: Report | None) -> Verdict:
    found = decisive(report, rule.figure)
    title = figure(rule.figure).title
    if found is None:
        text = f"{title} is not in the report"
        if figure(rule.figure).origin == "accuracy":
            data = "`test`" if rule.figure.startswith(_OF_TEST) else "`labels`"
            text += f"; {data} in the budget has it measured"
        return _missing(rule, budget, _words(rule, "", None), text)
    if rule.kind == "limit":
        return _judged(_Bar(rule, rule.amount), found, report, baseline)
    then = None if baseline is None else baseline.find(rule.figure, found.provenance)
    if then is None:
        why = "there is no baseline" if baseline is None else "the baseline lacks it"
        text = f"{title} cannot be compared: {why} ({found.provenance.value})"
        return _missing(rule, budget, _words(rule, found.unit, None), text)
    slack = abs(then.value) * rule.amount / 100 if rule.percent else rule.amount
    allowed = then.value - slack if _more(rule) else then.value + slack
    return _judged(_Bar(rule, allowed, then), found, report, baseline)


@dataclass(frozen=True)
class _Bar:
    """What a figure may be at most (or least) by a rule; ``then`` is the baseline's."""

    rule: Rule
    allowed: float
    then: Measurement | None = None


def _judged(bar: _Bar, found: Measurement, report: Report, baseline: Report | None) -> Verdict:
    rule, allowed, then = bar.rule, bar.allowed, bar.then
    holds = found.value >= allowed if _more(rule) else found.value <= allowed
    words = _words(rule, found.unit, then)
    message = f"{figure(rule.figure).title} {format_value(found)} ({found.provenance.value})"
    message += f", {words}"
    if not holds:
        off = format_number(abs(found.value - allowed), found.unit)
        message += f": {off} too {'little' if _more(rule) else 'much'}"
        cause = culprits(found, report, baseline)
        message += f"; {cause}" if cause else ""
    outcome: Outcome = "holds" if holds else "exceeded"
    return Verdict(rule.figure, rule.kind, outcome, words, message, found, then, fails=not holds)


def _words(rule: Rule, unit: str, then: Measurement | None) -> str:
    """The rule for people, such as ``allowed at most 2 % above the baseline's 31,468 B``."""
    if rule.kind == "limit":
        most = "at least" if _more(rule) else "at most"
        return f"allowed {most} {format_number(rule.amount, unit)}"
    side = "below" if _more(rule) else "above"
    amount = f"{rule.amount:g} %" if rule.percent else format_number(rule.amount, unit)
    if not rule.amount:
        amount = "nothing"
    value = f"the baseline's {format_value(then)}" if then else "the baseline"
    return f"allowed {amount} {side} {value}"


def _missing(rule: Rule, budget: Budget, words: str, text: str) -> Verdict:
    return Verdict(rule.figure, rule.kind, "missing", words, text, fails=budget.missing == "fail")


def _checks(budget: Budget, report: Report) -> list[Verdict]:
    """The required checks of the report, and those that the budget names."""
    by_name = {check.name: check for check in report.checks}
    required = [check.name for check in report.checks if check.required]
    verdicts = []
    for name in dict.fromkeys((*required, *budget.checks)):
        check = by_name.get(name)
        outcome: Outcome = "missing"
        if check is None:
            text = f"the report has no check '{name}'"
            fails = budget.missing == "fail"
        elif check.passed is None:
            text = printable(check.detail)
            fails = name in budget.checks and budget.missing == "fail"
        else:
            outcome = "holds" if check.passed else "exceeded"
            text = printable(check.detail)
            fails = check.failed
        verdicts.append(Verdict(name, "check", outcome, "must pass", text, fails=fails))
    return verdicts


def _more(rule: Rule) -> bool:
    return figure(rule.figure).better == "more"
