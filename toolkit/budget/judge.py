"""Holds what was built against a budget, and against a base."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from toolkit.budget.baseline import Accepted
from toolkit.budget.explain import advice, explain
from toolkit.budget.facts import Facts, facts_of
from toolkit.budget.identity import DATA, SAID, Difference, differences
from toolkit.budget.judge_checks import judge_checks
from toolkit.budget.model import Budget, Gate, Outcome, Problem, Rule, Verdict
from toolkit.budget.rules import REGIONS
from toolkit.measurement import Measurement
from toolkit.report import Report
from toolkit.report.names import figure
from toolkit.report.text import format_number, format_value, strongest

#: Accuracy that needs no labels.
_OF_TEST = ("int8_snr_db", "int8_ccc_to_float_", "int8_max_deviation")
NOTHING: Accepted = {}


@dataclass(frozen=True)
class Base:
    """What a budget's growth is judged against.

    ``facts`` are None where there are none: with a ``problem``, or where the base has no such
    budget yet.  ``accepted`` is what the change under judgement accepts; ``loosened`` names what
    may differ all the same.
    """

    facts: Facts | None = None
    problem: Problem | None = None
    accepted: Accepted = field(default_factory=dict)
    loosened: frozenset[str] = frozenset()


@dataclass(frozen=True)
class _Subject:
    """What is judged and with what it is compared; ``blocked`` by origin ("": all) says why growth
    is not."""

    budget: Budget
    report: Report
    now: Facts
    base: Base
    blocked: Mapping[str, str]


def judge(budget: Budget, report: Report, identity: Mapping[str, str], base: Base) -> Gate:
    """Every rule and check of the budget, in its order; ``identity`` is that of the report.

    A base that cannot be compared is a problem of the gate; its limits and checks are judged.
    """
    then = base.facts
    now = facts_of(report, identity, mapped=then.mapped if then else True)
    unlike = differences(identity, then.identity) if then else ()
    guards = [d for d in unlike if _guards(d, base) and _concerns(d, budget)]
    problem = (base.problem if budget.grows else None) or _incomparable(budget, guards)
    subject = _Subject(budget, report, now, base, _blocked(base, guards))
    verdicts = [verdict for rule in budget.rules for verdict in _rule(rule, subject)]
    verdicts += judge_checks(budget, report, then)
    return Gate(
        name=budget.name,
        model=report.model_name,
        target=report.target,
        verdicts=tuple(verdicts),
        identity=dict(identity),
        changes=tuple(_said(d, base) for d in unlike),
        problem=problem,
        line=budget.line,
    )


def _guards(difference: Difference, base: Base) -> bool:
    """Whether figures cannot be compared because of it."""
    key = difference.key
    return not (key in SAID or key in base.loosened or _is_accepted(difference, base))


def _concerns(difference: Difference, budget: Budget) -> bool:
    """Whether the growth of any figure is another thing because of it."""
    grown = [figure(rule.figure).origin for rule in budget.rules if rule.kind == "growth"]
    return "accuracy" in grown if difference.key in DATA else bool(grown)


def _is_accepted(difference: Difference, base: Base) -> bool:
    return base.accepted.get(difference.key) == (difference.then, difference.now)


def _said(difference: Difference, base: Base) -> str:
    if _is_accepted(difference, base):
        return f"{difference.text} (accepted with this change)"
    loosened = difference.key in base.loosened and difference.key not in SAID
    return f"{difference.text} (compared all the same)" if loosened else difference.text


def _incomparable(budget: Budget, guards: list[Difference]) -> Problem | None:
    if not guards:
        return None
    keys = ",".join(d.key for d in guards)
    return Problem(
        f"{budget.name}: the base cannot be compared: {'; '.join(d.text for d in guards)}. "
        f"Compare all the same with --allow-different={keys}, or accept the new state with "
        "`toolkit check --update --accept`."
    )


def _blocked(base: Base, guards: list[Difference]) -> dict[str, str]:
    if base.problem is not None:
        return {"": base.problem.text}
    return {("accuracy" if d.key in DATA else ""): d.text for d in guards}


def _rule(rule: Rule, subject: _Subject) -> list[Verdict]:
    budget, report = subject.budget, subject.report
    found = strongest(report, rule.figure)
    title, origin = figure(rule.figure).title, figure(rule.figure).origin
    if found is None:
        text = f"{title} is not in the report"
        if origin == "accuracy":
            data = "`test`" if rule.figure.startswith(_OF_TEST) else "`labels`"
            text += f"; {data} in the budget has it measured"
        return [_missing(rule, budget, _words(rule, "", None), text)]
    if rule.kind == "limit":
        return [_limit(rule, found, subject)]
    shown = f"{title} {format_value(found)} ({found.provenance.value})"
    why = subject.blocked.get("") or subject.blocked.get(origin)
    words = _words(rule, found.unit, None)
    if why:
        return [_open(rule, "not compared", words, (f"{shown}: not compared: {why}", found))]
    if subject.base.facts is None:
        text = f"{shown}: new, there is nothing to compare with"
        return [_open(rule, "new", words, (text, found))]
    then = subject.base.facts.find(rule.figure, found.provenance)
    if then is None:
        text = f"{title} cannot be compared: the baseline lacks it ({found.provenance.value})"
        return [_missing(rule, budget, words, text)]
    return _growth(rule, found, then, subject)


def _open(rule: Rule, outcome: Outcome, words: str, what: tuple[str, Measurement]) -> Verdict:
    """A rule that could not be judged: where the gate has a problem that says why, it fails."""
    text, found = what
    fails = outcome == "not compared" and rule.level == "fail"
    return Verdict(rule.figure, rule.kind, outcome, words, text, found, fails=fails, line=rule.line)


def _limit(rule: Rule, found: Measurement, subject: _Subject) -> Verdict:
    if not rule.percent:
        return _judged(rule, _Bar(found, rule.amount, _words(rule, found.unit, None)), subject)
    region = REGIONS[rule.figure]
    fit = next((fit for fit in subject.report.fits if fit.region == region), None)
    words = _words(rule, found.unit, None)
    if fit is None:
        text = f"{figure(rule.figure).title}: the report does not say how much {region} there is"
        return _missing(rule, subject.budget, words, text)
    words = f"{words} of the part's {fit.available_bytes:,} B"
    bar = _Bar(found, fit.available_bytes * rule.amount / 100, words)
    return _judged(rule, bar, subject)


def _growth(rule: Rule, found: Measurement, then: Measurement, subject: _Subject) -> list[Verdict]:
    slack = max(abs(then.value) * rule.amount / 100 if rule.percent else rule.amount, rule.least)
    more = _more(rule)
    allowed = then.value - slack if more else then.value + slack
    verdict = _judged(rule, _Bar(found, allowed, _words(rule, found.unit, then), then), subject)
    gain = found.value - then.value if more else then.value - found.value
    if not rule.tighten or gain <= slack:
        return [verdict]
    now, before = format_value(found), format_value(then)
    message = (
        f"{figure(rule.figure).title} {now} ({found.provenance.value}): the baseline's {before} is "
        f"loose, {format_number(gain + slack, found.unit)} could be lost unseen"
    )
    loose = Verdict(
        name=rule.figure,
        kind="tighten",
        outcome="loose",
        rule="the baseline follows",
        message=message,
        value=found,
        baseline=then,
        fails=rule.tighten == "fail",
        advice="Write the better figures with `toolkit check --update`",
        line=rule.line,
    )
    return [verdict, loose]


@dataclass(frozen=True)
class _Bar:
    """What a figure may be at most (or least) by a rule; ``then`` is the baseline's."""

    found: Measurement
    allowed: float
    words: str
    then: Measurement | None = None


def _judged(rule: Rule, bar: _Bar, subject: _Subject) -> Verdict:
    found, allowed, then = bar.found, bar.allowed, bar.then
    more = _more(rule)
    holds = found.value >= allowed if more else found.value <= allowed
    message = f"{figure(rule.figure).title} {format_value(found)} ({found.provenance.value})"
    message += f", {bar.words}"
    cause = remedy = ""
    outcome: Outcome = "holds" if holds else "exceeded"
    if not holds:
        off = format_number(abs(found.value - allowed), found.unit)
        message += f": {off} too {'little' if more else 'much'}"
        cause = explain(found, subject.now, subject.base.facts)
        remedy = advice(found, against=rule.kind == "growth")
        accepted = subject.base.accepted.get(rule.figure)
        if then is not None and _covers(accepted, found, then, more):
            outcome, message = "accepted", f"{message}; accepted with this change"
        message += f"; {cause}" if cause else ""
    return Verdict(
        name=rule.figure,
        kind=rule.kind,
        outcome=outcome,
        rule=bar.words,
        message=message,
        value=found,
        baseline=then,
        fails=outcome == "exceeded" and rule.level == "fail",
        cause=cause,
        advice=remedy if outcome == "exceeded" else "",
        line=rule.line,
    )


def _covers(
    accepted: tuple[object, object] | None, found: Measurement, then: Measurement, more: bool
) -> bool:
    """Whether a change from the base to a figure at least as bad was accepted."""
    if accepted is None or accepted[0] != then.value or not isinstance(accepted[1], int | float):
        return False
    return found.value >= accepted[1] if more else found.value <= accepted[1]


def _words(rule: Rule, unit: str, then: Measurement | None) -> str:
    """The rule for people, such as ``allowed at most 2 % above the baseline's 31,468 B``."""
    amount = f"{rule.amount:g} %" if rule.percent else format_number(rule.amount, unit)
    if rule.kind == "limit":
        return f"allowed {'at least' if _more(rule) else 'at most'} {amount}"
    side = "below" if _more(rule) else "above"
    if not rule.amount and not rule.least:
        amount = "nothing"
    elif rule.least:
        amount += f", but {format_number(rule.least, unit)} in any case,"
    value = f"the baseline's {format_value(then)}" if then else "the baseline"
    return f"allowed {amount} {side} {value}"


def _missing(rule: Rule, budget: Budget, words: str, text: str) -> Verdict:
    fails = budget.missing == "fail" and rule.level == "fail"
    return Verdict(rule.figure, rule.kind, "missing", words, text, fails=fails, line=rule.line)


def _more(rule: Rule) -> bool:
    return figure(rule.figure).better == "more"
