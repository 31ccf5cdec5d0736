"""Reports of models that are profiled, several to a loaded model."""

from __future__ import annotations

from toolkit.deploy.model import Model
from toolkit.plan.schedule import ScheduleRequest
from toolkit.report import Report
from toolkit.targets import Target
from toolkit.verbs.profile import beside_others


def profiled(
    model: Model,
    target: str | Target,
    schedule: ScheduleRequest | None = None,
    arithmetic: str = "auto",
) -> Report:
    """What the model costs there."""
    return model.deploy(target, schedule, arithmetic).estimate()


def profiled_beside(
    model: Model, target: str | Target, schedule: ScheduleRequest | None = None
) -> Report:
    """The same, beside other ways to run it."""
    deployment = model.deploy(target, schedule)
    return beside_others(deployment.estimate(), deployment)
