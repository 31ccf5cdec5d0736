"""``toolkit profile``: what a model will cost on one target or many, from its graph alone."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from toolkit.deploy.deployment import Deployment
from toolkit.deploy.model import load
from toolkit.features.metadata import DEFAULT_CLIP_SECONDS
from toolkit.ir import Shape
from toolkit.plan.schedule import ScheduleRequest
from toolkit.profiling.alternatives import advice, alternatives, placement_advice
from toolkit.report import Report
from toolkit.targets import IN_FLASH, Placement, load_target
from toolkit.verbs.build import BuildRequest, build
from toolkit.verbs.stages import Stage, silent


@dataclass(frozen=True)
class ProfileRequest:
    """What the user asked for; with ``simulate`` the firmware is built and run as well."""

    model: str
    targets: tuple[str, ...]
    clip_seconds: float = DEFAULT_CLIP_SECONDS
    calib: Path | None = None
    schedule: ScheduleRequest = field(default_factory=ScheduleRequest)
    arithmetic: str = "auto"
    policy: str | None = None
    simulate: bool = False
    max_seconds: float | None = None
    placement: Placement = IN_FLASH
    shapes: Mapping[str, Shape] = field(default_factory=dict)  # of inputs with open dimensions
    states: tuple[str, ...] = ()
    features: str | None = None


def profile(request: ProfileRequest, stage: Stage = silent) -> tuple[Report, ...]:
    """A report for each target; for a single one beside other ways to run the model."""
    model = load(
        request.model,
        request.clip_seconds,
        request.max_seconds,
        request.shapes,
        request.schedule.time_axis,
        request.states,
        request.features,
    ).quantize(request.calib)
    parts = [
        load_target(name, request.policy).placing(request.placement) for name in request.targets
    ]
    reports = []
    for part in parts:
        deployment = model.deploy(part, request.schedule, request.arithmetic)
        report = deployment.estimate()
        if len(parts) == 1:
            report = beside_others(report, deployment)
        reports.append(_simulated(report, request, stage) if request.simulate else report)
    return tuple(reports)


def beside_others(report: Report, deployment: Deployment) -> Report:
    """The report with other ways to run the model, and what they would save."""
    laid_out = deployment.plan, deployment.front_end, deployment.request, deployment.target
    others = alternatives(*laid_out)
    issues = (*report.issues, *advice(others), *placement_advice(*laid_out))
    return replace(report, issues=issues, alternatives=others)


def _simulated(report: Report, request: ProfileRequest, stage: Stage) -> Report:
    """The report of a build, with what only the estimated one says."""
    with tempfile.TemporaryDirectory(prefix="toolkit-profile-") as scratch:
        wanted = BuildRequest(
            model=request.model,
            target=report.target,
            out=Path(scratch) / "firmware",
            calib=request.calib,
            clip_seconds=request.clip_seconds,
            max_seconds=request.max_seconds,
            shapes=request.shapes,
            states=request.states,
            features=request.features,
            schedule=request.schedule,
            arithmetic=request.arithmetic,
            policy=request.policy,
            placement=request.placement,
            allow_misfit=True,
        )
        run = build(wanted, stage)
    notes = tuple(issue for issue in report.issues if issue not in run.issues)
    return replace(run, issues=(*run.issues, *notes), alternatives=report.alternatives)
