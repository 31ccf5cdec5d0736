"""Everything that can be wrong with a budget, found before anything is built."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Sequence
from functools import cache
from pathlib import Path

from toolkit.budget.model import Budget, Problem
from toolkit.deploy.model import load
from toolkit.errors import InputError, ToolkitError
from toolkit.model.answer import answer_of
from toolkit.plan.schedule import ScheduleRequest
from toolkit.report.names import FAMILIES, FIGURES
from toolkit.targets import load_target
from toolkit.toolchain import find_toolchain
from toolkit.verbs.check_subject import clip_seconds, placement


def problem_of(budget: Budget, given: bool) -> Problem | None:
    """What keeps the budget from being judged; ``given`` says that its report exists already."""
    if budget.problem is not None or given:
        return budget.problem
    checks: Sequence[Callable[[Budget], None]] = (_data, _target, _tools, _model)
    try:
        for check in checks:
            check(budget)
    except ToolkitError as error:
        return Problem(f"{budget.name}: {error}", error.exit_code)
    return None


def _data(budget: Budget) -> None:
    for key in ("calib", "test", "labels", "audio", "clip", "elf", "map"):
        path: Path | None = getattr(budget.subject, key)
        if path is not None and not path.exists():
            raise InputError(
                f"{key}: '{path}' does not exist.",
                hint="Paths in a budget are relative to the budget's file.",
            )


def _target(budget: Budget) -> None:
    subject = budget.subject
    target = load_target(subject.target, subject.policy).placing(placement(subject))
    known = (*target.simulation.simulators, "host")
    if subject.simulator is not None and subject.simulator not in known:
        raise InputError(
            f"target '{target.name}' has no simulator '{subject.simulator}'.",
            hint=f"It has {', '.join(known)}.",
        )


def _tools(budget: Budget) -> None:
    subject = budget.subject
    ScheduleRequest(subject.schedule, subject.time_axis, subject.optimize)
    if subject.mode == "build":
        find_toolchain(subject.toolchain)


def _model(budget: Budget) -> None:
    """The model can be read, and has the outputs that rules name."""
    subject = budget.subject
    if subject.model is None:
        if subject.mode == "firmware":
            return
        raise InputError("no model is named.", hint="Name it in the budget, or give MODEL.")
    path = Path(subject.model)
    model = str(path.resolve()) if path.suffix else subject.model
    labels = _labels(model, clip_seconds(subject), subject.features)
    for rule in budget.rules:
        prefix = next((p for p in FAMILIES if rule.figure.startswith(p)), None)
        if prefix is None or rule.figure in FIGURES or prefix == "continuous_ccc_" or not labels:
            continue
        output = rule.figure.removeprefix(prefix)
        if output not in labels:
            near = difflib.get_close_matches(output, labels, n=1)
            meant = f"Did you mean '{prefix}{near[0]}'?" if near else f"It has {', '.join(labels)}."
            raise InputError(f"{rule.figure}: the model has no output '{output}'.", hint=meant)


@cache
def _labels(model: str, seconds: float, features: str | None) -> tuple[str, ...]:
    """Names of the outputs; none where the model is int8 already."""
    graph = load(model, seconds, features=features).source.float_graph
    return () if graph is None else answer_of(graph).labels
