"""``toolkit check``: models built or profiled, and held against their budgets and baselines.

Everything is read and checked before the first build, and each budget ends for itself.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from toolkit.budget.baseline import baseline_text
from toolkit.budget.facts import facts_of
from toolkit.budget.identity import GUARDS, identity_of
from toolkit.budget.judge import Base, judge
from toolkit.budget.load import load_budgets
from toolkit.budget.model import Budget, Gate, Problem, Result, Subject
from toolkit.budget.names import slug
from toolkit.errors import InputError, ToolkitError
from toolkit.report import Report
from toolkit.report.json_format import report_json
from toolkit.report.model import SCHEMA_VERSION
from toolkit.report.read import read_report
from toolkit.report.render import made_folder, write_text
from toolkit.verbs.check_base import SAVED, Bases, head_commit
from toolkit.verbs.check_make import Made, Workshop, make_all
from toolkit.verbs.check_prepare import problem_of
from toolkit.verbs.check_subject import identity, merged
from toolkit.verbs.check_update import Judged, updated
from toolkit.verbs.stages import Stage


@dataclass(frozen=True)
class CheckRequest:
    """What the user asked for.

    ``reports`` are judged instead of a build, or give a build the figures that it lacks.
    ``against`` and ``loosened`` as in `Bases`; ``update`` writes the baselines of budgets that
    hold, with ``accept`` also of those that do not.  ``save`` is a folder for every report.
    """

    budget: Path
    model: str | None = None
    reports: tuple[Path, ...] = ()
    targets: tuple[str, ...] = ()
    against: str | None = None
    loosened: frozenset[str] = frozenset()
    update: bool = False
    accept: bool = False
    workshop: Workshop = field(default_factory=Workshop)
    save: Path | None = None
    title: str = ""


def check(request: CheckRequest, stage: Stage) -> Result:
    """Judge every budget that applies.  What fails becomes the problem of a gate, never an error:
    so that outputs are always written."""
    bases = Bases(request.budget, request.against, request.loosened, request.update)
    against = ""
    gone: tuple[str, ...] = ()
    try:
        _require_usable(request)
        budgets, given = _applying(request)
        against, gone = bases.label, bases.gone(_names(request))
        gates = tuple(_judge_all(request, budgets, given, bases, stage))
    except ToolkitError as error:
        problem = Problem(str(error), error.exit_code)
        gates = (Gate(request.budget.name, "", "", problem=problem, line=1),)
    commit = head_commit(request.budget.resolve().parent)
    return Result(gates, str(request.budget), request.title, commit, against, gone)


def _names(request: CheckRequest) -> frozenset[str]:
    """Names of all budgets of the file, whichever were asked for."""
    return frozenset(budget.name for budget in load_budgets(request.budget))


def _require_usable(request: CheckRequest) -> None:
    if request.accept and not request.update:
        raise InputError("--accept goes with --update.")
    for key in request.loosened:
        if key not in GUARDS:
            raise InputError(
                f"--allow-different: nothing is called '{key}'.",
                hint=f"It is of {_listed(GUARDS)}.",
            )


def _listed(words: Sequence[str]) -> str:
    return ", ".join(words)


@dataclass(frozen=True)
class _Given:
    """Reports that exist already: ``subject`` is judged as it is, ``extra`` add figures."""

    subject: Report | None = None
    extra: tuple[Report, ...] = ()
    version: str = ""


def _applying(request: CheckRequest) -> tuple[list[Budget], _Given]:
    """The budgets that are for what was asked for; InputError where there are none."""
    budgets = load_budgets(request.budget, request.model)
    extra = tuple(read_report(path) for path in request.reports)
    given = _Given(extra=extra)
    targets = {*request.targets, ""} if request.targets else {b.subject.target for b in budgets}
    chosen = [b for b in budgets if b.subject.target in targets]
    if request.model is None and extra:
        report = merged(extra[0], extra[1:])
        given = _Given(report, version=_version_of(request.reports[0]))
        chosen = [b for b in chosen if b.problem is not None or _is_of(b.subject, report)]
    elif request.model is not None:
        model = request.model
        chosen = [b for b in chosen if b.problem is not None or _takes(b.subject, model)]
    else:
        named = [b for b in chosen if b.problem or b.subject.model or b.subject.mode == "firmware"]
        chosen = named or chosen
    if not chosen:
        raise InputError(
            f"{request.budget}: no budget applies.",
            hint="A budget applies by its target, and its model where it names one.",
        )
    if request.update and not any(b.baseline is not None or b.problem for b in chosen):
        raise InputError(
            f"--update: no budget of {request.budget} names a baseline.",
            hint="docs/CI.md shows a budget with one.",
        )
    return chosen, given


def _judge_all(
    request: CheckRequest, budgets: Sequence[Budget], given: _Given, bases: Bases, stage: Stage
) -> list[Gate]:
    problems = {b.name: problem_of(b, given.subject is not None) for b in budgets}
    found = {b.name: bases.of(b) for b in budgets if problems[b.name] is None}
    bases.require_any([found[b.name] for b in budgets if b.name in found and b.grows])
    for budget in budgets:  # nothing is built for what could not be judged in any part
        if budget.name in found and all(rule.kind == "growth" for rule in budget.rules):
            unusable = None if request.accept else found[budget.name].problem
            problems[budget.name] = unusable if budget.grows else None
    files = [slug(budget.name) for budget in budgets]
    if request.save is not None and len({*files}) < len(files):
        twice = sorted({file for file in files if files.count(file) > 1})
        raise InputError(f"--save: several budgets would be '{twice[0]}'; give them other names.")
    for folder in (request.save, request.workshop.kept):
        if folder is not None:
            made_folder(folder / "report.json")
    ready = [b for b in budgets if problems[b.name] is None]
    made = _made(request, ready, given, stage)
    gates = []
    for budget in budgets:
        problem = problems[budget.name]
        if problem is not None:
            gates.append(_broken(budget, problem))
            continue
        gates.append(_gate(request, budget, made[budget.name], (found[budget.name], bases, given)))
    return gates


def _made(
    request: CheckRequest, budgets: Sequence[Budget], given: _Given, stage: Stage
) -> Mapping[str, Made]:
    if given.subject is not None:
        return {budget.name: Made(given.subject) for budget in budgets}
    made = make_all([budget.subject for budget in budgets], request.workshop, stage)
    return {budget.name: made[budget.subject] for budget in budgets}


def _gate(
    request: CheckRequest, budget: Budget, made: Made, what: tuple[Base, Bases, _Given]
) -> Gate:
    base, bases, given = what
    problem, report = made.problem, made.report
    try:
        if report is not None:
            report = merged(report, given.extra)
    except ToolkitError as error:
        problem = Problem(str(error), error.exit_code)
    if problem is not None or report is None:
        words = Problem("nothing was made") if problem is None else problem
        named = Problem(f"{budget.name}: {words.text}", words.exit_code)
        return replace(_broken(budget, named), seconds=made.seconds)
    if given.subject is not None:
        known = identity_of(report, given.version, SCHEMA_VERSION)
    else:
        known = identity(budget.subject, report)
    gate = judge(budget, report, known, base)
    judged = Judged(budget, report, known, base, gate)
    try:
        if request.save is not None:
            _save(request.save, judged)
        gate = updated(judged, bases, accept=request.accept)
    except ToolkitError as error:
        gate = replace(gate, problem=Problem(f"{budget.name}: {error}", error.exit_code))
    return replace(gate, seconds=made.seconds)


def _broken(budget: Budget, problem: Problem) -> Gate:
    """A gate of a budget that could not be judged."""
    subject = budget.subject
    model = Path(subject.model).stem if subject.model else ""
    return Gate(budget.name, model, subject.target, problem=problem, line=budget.line)


def _save(folder: Path, judged: Judged) -> None:
    """The report, and beside it a baseline with all its figures."""
    name = slug(judged.budget.name)
    write_text(folder / f"{name}.json", report_json(judged.report))
    facts = facts_of(judged.report, judged.identity)
    text = baseline_text(judged.budget.name, facts, judged.report.measurements, {})
    write_text(folder / f"{name}{SAVED}", text)


def _version_of(path: Path) -> str:
    """The toolkit that wrote a report."""
    return str(json.loads(path.read_text(encoding="utf-8")).get("toolkit_version", ""))


def _is_of(subject: Subject, report: Report) -> bool:
    named = subject.model is None or Path(subject.model).stem == report.model_name
    return named and subject.target == report.target


def _takes(subject: Subject, model: str) -> bool:
    """Whether the MODEL argument is the subject's zoo name or file."""
    own = subject.model
    if subject.mode == "firmware" or own is None:
        return False
    return own == model or (bool(Path(own).suffix) and Path(own).resolve() == Path(model).resolve())
