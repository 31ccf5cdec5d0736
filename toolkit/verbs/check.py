"""``toolkit check``: models built or profiled, and held against their budgets and baselines."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

from toolkit.budget.judge import judge
from toolkit.budget.load import load_budgets
from toolkit.budget.model import Budget, Gate
from toolkit.compare.accuracy import Accuracy, measure_accuracy
from toolkit.deploy.model import load
from toolkit.errors import InputError
from toolkit.features.metadata import DEFAULT_CLIP_SECONDS
from toolkit.measurement import Measurement
from toolkit.plan.schedule import ScheduleRequest
from toolkit.report import LayerRow, Report
from toolkit.report.json_format import report_json
from toolkit.report.read import read_report
from toolkit.report.render import write_text
from toolkit.verbs.build import BuildRequest, build
from toolkit.verbs.evaluate import EvaluationRequest, evaluate
from toolkit.verbs.profile import ProfileRequest, profile
from toolkit.verbs.stages import Stage, silent


@dataclass(frozen=True)
class CheckRequest:
    """What the user asked for.

    ``reports`` are judged instead of a build, or give a build the figures that it lacks.
    """

    budget: Path
    model: str | None = None
    reports: tuple[Path, ...] = ()
    targets: tuple[str, ...] = ()
    baseline: Path | None = None
    allow_different: bool = False
    update: bool = False


def check(request: CheckRequest, stage: Stage) -> tuple[Gate, ...]:
    """Judge every budget that applies; with ``update`` the new reports become the baselines.

    Raises InputError where nothing applies, or a baseline is missing, damaged or of something else.
    """
    budgets = load_budgets(request.budget)
    extra = [read_report(path) for path in request.reports]
    applying = [b for b in budgets if not request.targets or b.target in request.targets]
    if request.model is None and extra:
        subject = _merged(extra[0], extra[1:])
        applying = [b for b in applying if _is_of(b, subject)]
        found = [(budget, subject) for budget in applying]
    else:
        found = list(_reports(request, applying, extra, stage))
    if not found:
        raise InputError(
            f"{request.budget}: no budget applies.",
            hint="A budget applies by its target, and its model where it names one.",
        )
    if request.baseline is not None:
        if len(found) > 1:
            raise InputError(
                f"--baseline is for one budget; {len(found)} of {request.budget} apply.",
                hint="Name the baselines in the file, or choose with --target.",
            )
        found = [(replace(b, baseline=request.baseline), report) for b, report in found]
    if request.update:
        _write_baselines(found, request.budget)
    gates = []
    for budget, report in found:
        baseline = _baseline(budget, request.allow_different)
        gates.append(judge(budget, report, baseline, request.allow_different))
    return tuple(gates)


def _reports(
    request: CheckRequest, budgets: Sequence[Budget], extra: Sequence[Report], stage: Stage
) -> Iterator[tuple[Budget, Report]]:
    """A report for each budget that is for the model asked for, or names its own."""
    made: dict[tuple[str, Budget], Report] = {}
    measure = cache(_measure)  # the same for every target
    for budget in budgets:
        model = request.model if request.model is not None else budget.model
        if model is None or (budget.model is not None and not _same(budget.model, model)):
            continue
        key = (model, replace(budget, model=None, rules=(), baseline=None, checks=()))
        if key not in made:
            _require_data(budget)
            with stage(f"{budget.mode.title()} {Path(model).stem} for {budget.target}"):
                made[key] = _report(budget, model)
            if budget.test is not None or budget.labels is not None:
                with stage(f"Measure the accuracy of {Path(model).stem}"):
                    made[key] = _with_accuracy(made[key], budget, model, measure)
        yield budget, _merged(made[key], extra)


def _report(budget: Budget, model: str) -> Report:
    schedule = ScheduleRequest(budget.schedule)
    if budget.mode == "profile":
        seconds = DEFAULT_CLIP_SECONDS if budget.seconds is None else budget.seconds
        wanted = ProfileRequest(model, (budget.target,), seconds, budget.calib, schedule)
        return profile(wanted)[0]
    with tempfile.TemporaryDirectory(prefix="toolkit-check-") as folder:
        request = BuildRequest(
            model=model,
            target=budget.target,
            out=Path(folder) / "out",
            calib=budget.calib,
            clip_seconds=budget.seconds,
            toolchain=budget.toolchain,
            schedule=schedule,
            allow_misfit=True,  # what must hold is what the budget says
        )
        return build(request, silent)


def _merged(report: Report, others: Sequence[Report]) -> Report:
    """The report with the figures of others of the same model; its own come first."""
    for other in others:
        if other.model_sha256 != report.model_sha256:
            raise InputError(
                f"--report: {other.model_name} ({other.model_sha256[:12]}) is another model than "
                f"{report.model_name} ({report.model_sha256[:12]})."
            )
        by_name = {row.name: row.measurements for row in other.layers}
        report = replace(
            report,
            measurements=(*report.measurements, *other.measurements),
            checks=(*report.checks, *other.checks),
            layers=_joined(report.layers, by_name) or other.layers,
        )
    return report


def _joined(
    layers: tuple[LayerRow, ...], figures: Mapping[str, tuple[Measurement, ...]]
) -> tuple[LayerRow, ...]:
    return tuple(
        replace(row, measurements=(*row.measurements, *figures.get(row.name, ()))) for row in layers
    )


def _with_accuracy(
    report: Report, budget: Budget, model: str, measure: Callable[..., Accuracy]
) -> Report:
    """The report with what the budget's data tell of its accuracy.

    Figures against float come from ``test``, or without it from the labelled recordings; where
    both give a figure, ``test`` has it.
    """
    measurements: list[Measurement] = []
    layers: Mapping[str, tuple[Measurement, ...]] = {}
    issues = report.issues
    if budget.test is not None:
        found = measure(model, budget.test, budget.calib, budget.seconds)
        measurements, layers = list(found.measurements), found.layers
        issues += found.issues
    checks = report.checks
    if budget.labels is not None and budget.audio is not None:
        request = EvaluationRequest(
            model=model,
            data=budget.labels,
            audio=budget.audio,
            clip_seconds=budget.seconds,
            calib=budget.calib,
            label_range=budget.label_range,
            toolchain=budget.toolchain,
            target=budget.target,
        )
        evaluated = evaluate(request, silent)
        known = {m.name for m in measurements}
        measurements += [m for m in evaluated.measurements if m.name not in known]
        issues += tuple(issue for issue in evaluated.issues if issue not in issues)
        checks += tuple(replace(c, name=f"{c.name}_recordings") for c in evaluated.checks)
        if budget.test is None and Path(model).suffix.lower() != ".tflite":
            layers = measure(model, budget.audio, budget.calib, budget.seconds).layers
    return replace(
        report,
        measurements=(*report.measurements, *measurements),
        checks=checks,
        layers=_joined(report.layers, layers),
        issues=issues,
    )


def _measure(model: str, test: Path, calib: Path | None, clip_seconds: float | None) -> Accuracy:
    """The int8 form that a build makes of ``model``, against its float form."""
    seconds = DEFAULT_CLIP_SECONDS if clip_seconds is None else clip_seconds
    return measure_accuracy(load(model, seconds).quantize(calib).int8, test)


def _require_data(budget: Budget) -> None:
    for key in ("calib", "test", "labels", "audio"):
        path = getattr(budget, key)
        if path is not None and not path.exists():
            raise InputError(
                f"{key}: '{path}' does not exist.",
                hint="Paths in a budget are relative to the budget's file.",
            )


def _is_of(budget: Budget, report: Report) -> bool:
    named = budget.model is None or Path(budget.model).stem == report.model_name
    return named and budget.target == report.target


def _same(one: str, other: str) -> bool:
    """Whether two MODEL arguments are the same zoo name or file."""
    return one == other or (bool(Path(one).suffix) and Path(one).resolve() == Path(other).resolve())


def _baseline(budget: Budget, any_schema: bool) -> Report | None:
    if budget.baseline is None:
        return None
    if not budget.baseline.is_file():
        if not any(rule.kind == "growth" for rule in budget.rules):
            return None
        raise InputError(
            f"the baseline '{budget.baseline}' does not exist.",
            hint="`toolkit check --update` writes it.",
        )
    return read_report(budget.baseline, any_schema)


def _write_baselines(found: Sequence[tuple[Budget, Report]], budget_file: Path) -> None:
    """Each report becomes its budget's baseline; a firmware that fails a required check cannot."""
    if not any(budget.baseline is not None for budget, _ in found):
        raise InputError(
            f"--update: no budget of {budget_file} names a baseline.",
            hint="Name it in the file, or with --baseline.",
        )
    for budget, report in found:
        if budget.baseline is not None and report.passed:
            write_text(budget.baseline, report_json(report))
