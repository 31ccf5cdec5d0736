"""Baselines are written after they were judged; what is broken must be accepted."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from toolkit.budget.baseline import Accepted, Baseline, baseline_text
from toolkit.budget.facts import facts_of
from toolkit.budget.identity import SAID, differences
from toolkit.budget.judge import Base, judge
from toolkit.budget.judge_checks import ELSEWHERE
from toolkit.budget.model import Budget, Gate
from toolkit.errors import ToolkitError
from toolkit.measurement import Check, Measurement
from toolkit.report import Report
from toolkit.report.names import figure
from toolkit.report.render import made_folder, write_text
from toolkit.report.text import format_value, strongest
from toolkit.verbs.check_base import Bases


@dataclass(frozen=True)
class Judged:
    """A budget with what was judged, and what it was compared with."""

    budget: Budget
    report: Report
    identity: Mapping[str, str]
    base: Base
    gate: Gate


def updated(judged: Judged, bases: Bases, accept: bool) -> Gate:
    """The gate with what became of the baseline; without --update, whether it is behind."""
    budget, gate = judged.budget, judged.gate
    if budget.baseline is None:
        return gate
    try:
        own = bases.own(budget)
    except ToolkitError:
        own = None  # damaged: a problem unless it is written anew
    if not bases.update:
        behind = _behind(judged, own) if bases.against is not None else ()
        return replace(gate, notes=behind)
    unfit = [v.name for v in gate.verdicts if v.kind == "check" and v.fails]
    if unfit or not judged.report.passed:
        what = ", ".join(unfit) or "a required check"
        return replace(gate, notes=(f"baseline not written: {what} does not pass",))
    if not (gate.passed or accept):
        return replace(gate, notes=("baseline not written: --accept accepts what is broken",))
    accepted = _accepted(judged, own) if accept else _kept(own)
    moved = _write(judged, own, accepted)
    base = replace(judged.base, accepted=accepted, problem=None)
    again = judge(budget, judged.report, judged.identity, base)
    return replace(again, notes=_changes(judged, own, moved))


def _write(judged: Judged, own: Baseline | None, accepted: Accepted) -> bool:
    """Write the baseline; whether its bytes are others."""
    budget, report = judged.budget, judged.report
    assert budget.baseline is not None
    facts = facts_of(report, judged.identity)
    if own is not None:  # checks that this machine cannot make stay those of others
        known = {check.name for check in facts.checks}
        kept = [c for c in own.facts.checks if c.name in ELSEWHERE and c.name not in known]
        facts = replace(facts, checks=(*facts.checks, *kept))
    named = tuple(Check(name, True, "") for name in budget.checks)
    facts = replace(facts, checks=(*facts.checks, *named))
    text = baseline_text(budget.name, facts, _figures(judged), accepted)
    before = budget.baseline.read_bytes() if budget.baseline.is_file() else b""
    write_text(made_folder(budget.baseline), text)
    return before != text.encode()


def _figures(judged: Judged) -> list[Measurement]:
    """The figures that the budget judges, each as it is judged."""
    names = dict.fromkeys(rule.figure for rule in judged.budget.rules)
    found = (strongest(judged.report, name) for name in names)
    return [m for m in found if m is not None]


def _accepted(judged: Judged, own: Baseline | None) -> dict[str, tuple[Any, Any]]:
    """What is accepted now: figures whose growth is broken, and what makes the base another one."""
    found = _kept(own)
    for verdict in judged.gate.verdicts:
        if verdict.kind == "growth" and verdict.outcome == "exceeded" and verdict.fails:
            assert verdict.value is not None and verdict.baseline is not None
            found[verdict.name] = (verdict.baseline.value, verdict.value.value)
    then = judged.base.facts
    if then is not None:
        for difference in differences(judged.identity, then.identity):
            if difference.key not in SAID:
                found[difference.key] = (difference.then, difference.now)
        found |= _blocked(judged)
    return found


def _blocked(judged: Judged) -> dict[str, tuple[Any, Any]]:
    """Figures that the other tools or data kept from being compared, and that are worse."""
    found = {}
    then = judged.base.facts
    for verdict in judged.gate.verdicts:
        if verdict.outcome != "not compared" or verdict.value is None or then is None:
            continue
        before = then.find(verdict.name, verdict.value.provenance)
        if before is not None and _worse(verdict.value, before):
            found[verdict.name] = (before.value, verdict.value.value)
    return found


def _worse(now: Measurement, then: Measurement) -> bool:
    more = figure(now.name).better == "more"
    return now.value < then.value if more else now.value > then.value


def _kept(own: Baseline | None) -> dict[str, tuple[Any, Any]]:
    """What was accepted before: it counts as long as the base is the same."""
    return {} if own is None else dict(own.accepted)


def _changes(judged: Judged, own: Baseline | None, moved: bool) -> tuple[str, ...]:
    """Old → new of every figure that the baseline has."""
    path = judged.budget.baseline
    if own is None:
        return (f"baseline written: {path}",)
    if not own.sealed:
        return (f"baseline written, small and with its own hash: {path}",)
    lines = [d.text for d in differences(judged.identity, own.facts.identity)]
    for now in _figures(judged):
        then = own.facts.find(now.name, now.provenance)
        if then is None or then.value != now.value:
            before = "none" if then is None else format_value(then)
            lines.append(f"{now.name} {before} → {format_value(now)}")
    return (f"baseline {'written' if lines or moved else 'unchanged'}: {path}", *lines)


def _behind(judged: Judged, own: Baseline | None) -> tuple[str, ...]:
    """Whether the baseline that comes with the change is not of this state."""
    path = judged.budget.baseline
    remedy = "`toolkit check --update` writes it"
    if own is None:
        return (f"the baseline '{path}' is not written yet: {remedy}",)
    changed = []
    for now in _figures(judged):
        then = own.facts.find(now.name, now.provenance)
        if then is not None and then.value != now.value:
            changed.append(f"{now.name} {format_value(then)} → {format_value(now)}")
    if not changed:
        return ()
    more = f" and {len(changed) - 3} more" if len(changed) > 3 else ""
    return (f"the baseline '{path}' is behind: {', '.join(changed[:3])}{more}; {remedy}",)
