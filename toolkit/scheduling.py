"""Chooses how a model runs: frame by frame in constant memory, or the whole clip from an arena."""

from __future__ import annotations

from toolkit.errors import InputError, NotStreamableError
from toolkit.ir import Graph
from toolkit.loading import feature_spec
from toolkit.measurement import Issue
from toolkit.plan import Plan, StreamPlan, plan_arena, plan_stream
from toolkit.plan.time_axis import retime

SCHEDULES = ("auto", "batch", "stream")


def choose_plan(
    graph: Graph, schedule: str = "auto", time_axis: int | None = None
) -> tuple[Plan, tuple[Issue, ...]]:
    """The memory plan of a quantised graph, and a note where it is not what one would expect.

    ``auto`` streams when the time axis is declared (feature specification or ``time_axis``) and the
    model can, and says why where it cannot.  Raises NotStreamableError for ``stream`` on a model
    that cannot, InputError for an unknown schedule.
    """
    if schedule not in SCHEDULES:
        raise InputError(f"unknown schedule {schedule!r}.", hint=f"Use {', '.join(SCHEDULES)}.")
    declared = time_axis is not None or feature_spec(graph) is not None
    if schedule == "batch" or (schedule == "auto" and not declared):
        return plan_arena(graph), ()
    try:
        return _plan_stream(graph, time_axis), ()
    except NotStreamableError as error:
        if schedule == "stream":
            raise
        return plan_arena(graph), (Issue("schedule.batch", f"runs in batch: {error.message}"),)


def stream_state_bytes(graph: Graph, time_axis: int | None = None) -> int | None:
    """What the model would need streamed; None when that is not possible."""
    try:
        return _plan_stream(graph, time_axis).state_bytes
    except NotStreamableError:
        return None


def at_clip_length(graph: Graph, plan: Plan, rows: int | None) -> Graph:
    """The batch network for a clip of ``rows`` frames, which a streamed run must equal.

    A batch plan, or None, means the file's own length.  Raises TooFewFramesError.
    """
    return retime(plan.time, rows) if isinstance(plan, StreamPlan) and rows is not None else graph


def _plan_stream(graph: Graph, time_axis: int | None) -> StreamPlan:
    return plan_stream(graph) if time_axis is None else plan_stream(graph, time_axis)
