"""Chooses how a model runs: frame by frame in constant memory, or the whole clip from an arena."""

from __future__ import annotations

from dataclasses import dataclass

from toolkit.errors import InputError, NotStreamableError
from toolkit.features.metadata import MAX_CLIP_SECONDS, feature_spec, frames_of
from toolkit.ir import Graph
from toolkit.measurement import Issue
from toolkit.ops.parts.rows import TIME_AXIS
from toolkit.passes.put_time_first import time_axis_in
from toolkit.plan import (
    ArenaPlan,
    ContinuousPlan,
    Plan,
    StreamPlan,
    plan_arena,
    plan_continuous,
    plan_stream,
)
from toolkit.plan.choose import ALLOWANCES, choose_variants
from toolkit.plan.continuous import require_endless_level
from toolkit.plan.time_axis import find_time_axis
from toolkit.targets import Target

SCHEDULES = ("auto", "batch", "stream")


@dataclass(frozen=True)
class ScheduleRequest:
    """How the user wants the model to run.

    ``schedule`` is auto, batch or stream; ``time_axis`` the input's time axis, in the layout of the
    file that it was, where no feature specification says it; ``optimize`` is speed, size or
    balanced, how kernels trade flash and RAM for speed (`toolkit.plan.choose`).  With
    ``hop_out_seconds`` the model runs continuously: endless audio, an output every so often over
    the last ``window_seconds``.  Raises InputError for other words.
    """

    schedule: str = "auto"
    time_axis: int | None = None
    optimize: str = "balanced"
    hop_out_seconds: float | None = None
    window_seconds: float = 2.0

    def __post_init__(self) -> None:
        if self.schedule not in SCHEDULES:
            raise InputError(
                f"the schedule must be one of {', '.join(SCHEDULES)}; got '{self.schedule}'."
            )
        if self.optimize not in ALLOWANCES:
            raise InputError(
                f"optimize must be one of {', '.join(ALLOWANCES)}; got '{self.optimize}'."
            )


def choose_plan(
    graph: Graph, request: ScheduleRequest, target: Target
) -> tuple[Plan, tuple[Issue, ...]]:
    """The memory plan of a quantised graph, and a note where it is not what one would expect.

    ``auto`` streams when the time axis is declared and the model can, and says why where it cannot.
    Raises NotStreamableError for ``stream`` on a model that cannot, InputError for a continuous
    model without features or of unusable times.
    """
    if request.hop_out_seconds is not None:
        note = "continuous mode, not exact: the outputs shown are those of the last window"
        return _plan_continuous(graph, request, target), (Issue("schedule.continuous", note),)
    declared = request.time_axis is not None or feature_spec(graph) is not None
    if request.schedule == "batch" or (request.schedule == "auto" and not declared):
        return _plan_batch(graph, request, target), ()
    try:
        return _plan_stream(graph, request, target), ()
    except NotStreamableError as error:
        if request.schedule == "stream":
            raise
        reason = Issue("schedule.batch", f"runs in batch: {error.message}")
        return _plan_batch(graph, request, target), (reason,)


def stream_state_bytes(graph: Graph) -> int | None:
    """The least the model would need streamed; None when that is not possible."""
    try:
        return plan_stream(graph).state_bytes
    except NotStreamableError:
        return None


def _plan_batch(graph: Graph, request: ScheduleRequest, target: Target) -> ArenaPlan:
    fast = plan_arena(graph, choose_variants(graph, target, request.optimize))
    limit_bytes = ALLOWANCES[request.optimize].state * target.ram_bytes
    if fast.arena_bytes <= limit_bytes:
        return fast
    lean = plan_arena(graph, choose_variants(graph, target, "size"))
    return lean if lean.arena_bytes <= limit_bytes else fast


def _plan_stream(graph: Graph, request: ScheduleRequest, target: Target) -> StreamPlan:
    stated = request.time_axis if feature_spec(graph) is None else None
    axis = TIME_AXIS if stated is None else time_axis_in(graph, stated)
    behaviours = find_time_axis(graph, axis).behaviours
    fast = plan_stream(graph, axis, choose_variants(graph, target, request.optimize, behaviours))
    limit_bytes = ALLOWANCES[request.optimize].state * target.ram_bytes
    if fast.state_bytes <= limit_bytes:
        return fast
    lean = plan_stream(graph, axis, choose_variants(graph, target, "size", behaviours))
    return lean if lean.state_bytes <= limit_bytes else fast


def _plan_continuous(graph: Graph, request: ScheduleRequest, target: Target) -> ContinuousPlan:
    spec = feature_spec(graph)
    if spec is None:
        raise InputError(
            f"{graph.name}: continuous mode needs a feature specification, the model has none.",
            hint="Leave --hop-out away, or export the model with its features.",
        )
    require_endless_level(spec)
    hop_out, window = request.hop_out_seconds, request.window_seconds
    assert hop_out is not None
    if not (0 < hop_out <= window <= MAX_CLIP_SECONDS):
        raise InputError(
            f"--hop-out and --window must satisfy 0 < hop-out <= window <= {MAX_CLIP_SECONDS:g} s; "
            f"got {hop_out:g} and {window:g}."
        )
    stream = _plan_stream(graph, request, target)
    return plan_continuous(stream, frames_of(hop_out, spec), frames_of(window, spec))
