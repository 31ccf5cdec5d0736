"""Chooses how a model runs: frame by frame in constant memory, or the whole clip from an arena."""

from __future__ import annotations

from dataclasses import dataclass

from toolkit.errors import NotStreamableError
from toolkit.ir import Graph
from toolkit.loading import feature_spec
from toolkit.measurement import Issue
from toolkit.ops.rows import TIME_AXIS
from toolkit.plan import Plan, StreamPlan, plan_arena, plan_stream
from toolkit.plan.time_axis import retime
from toolkit.targets import Target

#: ``balanced`` takes int16 rows while the state stays within this part of the target's RAM.
BALANCED_RAM_PART = 1 / 16


@dataclass(frozen=True)
class ScheduleRequest:
    """How the user wants the model to run.

    ``schedule`` is auto, batch or stream; ``time_axis`` the input's time axis where no feature
    specification says it; ``optimize`` is size (streamed rows as int8), speed (as int16 where
    convolutions read them) or balanced (int16 while memory allows).
    """

    schedule: str = "auto"
    time_axis: int | None = None
    optimize: str = "balanced"


def choose_plan(
    graph: Graph, request: ScheduleRequest, target: Target
) -> tuple[Plan, tuple[Issue, ...]]:
    """The memory plan of a quantised graph, and a note where it is not what one would expect.

    ``auto`` streams when the time axis is declared and the model can, and says why where it cannot.
    Raises NotStreamableError for ``stream`` on a model that cannot.
    """
    declared = request.time_axis is not None or feature_spec(graph) is not None
    if request.schedule == "batch" or (request.schedule == "auto" and not declared):
        return plan_arena(graph), ()
    try:
        return _plan_stream(graph, request, target), ()
    except NotStreamableError as error:
        if request.schedule == "stream":
            raise
        return plan_arena(graph), (Issue("schedule.batch", f"runs in batch: {error.message}"),)


def stream_state_bytes(graph: Graph) -> int | None:
    """The least the model would need streamed; None when that is not possible."""
    try:
        return plan_stream(graph).state_bytes
    except NotStreamableError:
        return None


def at_clip_length(graph: Graph, plan: Plan, rows: int | None) -> Graph:
    """The batch network for a clip of ``rows`` frames, which a streamed run must equal.

    A batch plan, or None, means the file's own length.  Raises TooFewFramesError.
    """
    return retime(plan.time, rows) if isinstance(plan, StreamPlan) and rows is not None else graph


def _plan_stream(graph: Graph, request: ScheduleRequest, target: Target) -> StreamPlan:
    axis = TIME_AXIS if request.time_axis is None else request.time_axis
    narrow = plan_stream(graph, axis)
    if request.optimize == "size":
        return narrow
    wide = plan_stream(graph, axis, wide_rows=True)
    affordable = wide.state_bytes <= target.ram_bytes * BALANCED_RAM_PART
    return wide if request.optimize == "speed" or affordable else narrow
