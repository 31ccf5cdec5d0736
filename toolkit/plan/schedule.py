"""Chooses how a model runs: frame by frame in constant memory, the whole clip from an arena, or, a
model with states, step by step from an arena."""

from __future__ import annotations

import math
from dataclasses import dataclass

from toolkit.errors import InputError, NotStreamableError
from toolkit.features.metadata import (
    DEFAULT_CLIP_SECONDS,
    HOW_TO_ATTACH,
    MAX_CLIP_SECONDS,
    feature_spec,
)
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
    the last ``window_seconds`` (None: as many hops as a clip of a second has, at least one).
    Raises InputError for other words.
    """

    schedule: str = "auto"
    time_axis: int | None = None
    optimize: str = "balanced"
    hop_out_seconds: float | None = None
    window_seconds: float | None = None

    def __post_init__(self) -> None:
        if self.schedule not in SCHEDULES:
            raise InputError(
                f"the schedule must be one of {', '.join(SCHEDULES)}; got '{self.schedule}'."
            )
        if self.optimize not in ALLOWANCES:
            raise InputError(
                f"optimize must be one of {', '.join(ALLOWANCES)}; got '{self.optimize}'."
            )
        if self.hop_out_seconds is None:
            return
        if self.schedule == "batch":
            raise InputError(
                "--schedule batch: has whole clips; --hop-out is for audio without an end.",
                hint="Leave one of the two away.",
            )
        hop, window = self.hop_out_seconds, self.window_seconds
        longest = MAX_CLIP_SECONDS if window is None else window
        if not 0 < hop <= longest <= MAX_CLIP_SECONDS:
            given = f"{hop:g}" if window is None else f"{hop:g} and {window:g}"
            raise InputError(
                f"--hop-out and --window must satisfy 0 < hop-out <= window <= "
                f"{MAX_CLIP_SECONDS:g} s; got {given}."
            )


def choose_plan(
    graph: Graph, request: ScheduleRequest, target: Target
) -> tuple[Plan, tuple[Issue, ...]]:
    """The memory plan of a quantised graph, and a note where it is not what one would expect.

    ``auto`` streams when the time axis is declared and the model can, or, where that takes less RAM
    than batch, the part of it that can; it says why where it cannot.  A model with states has one
    schedule, whatever word is given for it.
    Raises NotStreamableError for ``stream`` on a model that cannot, InputError for a continuous
    model without features or of unusable times, and for words that do not go with states.
    """
    if request.hop_out_seconds is not None and not graph.states:
        note = "continuous mode, not exact: the outputs shown first are those of the last window"
        return _plan_continuous(graph, request, target), (Issue("schedule.continuous", note),)
    if graph.states:
        _require_stepwise(graph, request)
        return _plan_batch(graph, request, target), ()
    declared = request.time_axis is not None or feature_spec(graph) is not None
    if request.schedule == "batch" or (request.schedule == "auto" and not declared):
        return _plan_batch(graph, request, target), ()
    try:
        return _plan_stream(graph, request, target), ()
    except NotStreamableError as error:
        batch = _plan_batch(graph, request, target)
        part = _plan_part(graph, request, target)
        if part is not None and part.ram_bytes < batch.ram_bytes:
            return part, (_part_note(error, part, batch),)
        if request.schedule == "stream":
            raise
        return batch, (Issue("schedule.batch", f"runs in batch: {error.message}"),)


def _require_stepwise(graph: Graph, request: ScheduleRequest) -> None:
    """Raise InputError for what a model with states, which runs step by step, cannot be."""
    asked = {
        "--schedule stream": request.schedule == "stream",
        "--time-axis": request.time_axis is not None,
        "--hop-out": request.hop_out_seconds is not None,
    }
    for option, given in asked.items():
        if given:
            raise InputError(
                f"{option}: {graph.name} has states and runs step by step.",
                hint=f"Leave {option} away.",
            )


def stream_state_bytes(graph: Graph) -> int | None:
    """The least the model would need streamed; None when that is not possible."""
    try:
        return plan_stream(graph).state_bytes
    except NotStreamableError:
        return None


def _plan_batch(graph: Graph, request: ScheduleRequest, target: Target) -> ArenaPlan:
    fast = _filled(graph, request.optimize, target)
    limit_bytes = ALLOWANCES[request.optimize].state * target.ram_bytes
    if fast.arena_bytes <= limit_bytes:
        return fast
    lean = _filled(graph, "size", target)
    return lean if lean.arena_bytes <= limit_bytes else fast


def _filled(graph: Graph, optimize: str, target: Target) -> ArenaPlan:
    """The plan with the kernels of ``optimize``, and with those whose scratch fits beside what
    lives while they run, where its arena is no larger for it."""
    plan = plan_arena(graph, choose_variants(graph, target, optimize))
    room = {
        node.name: plan.arena_bytes - live + (call.scratch_bytes if call else 0)
        for node, live in zip(plan.graph.nodes, plan.live_bytes, strict=False)
        for call in (plan.calls.get(node.name),)
    }
    fuller = choose_variants(graph, target, optimize, room_bytes=room)
    if fuller == plan.variants:
        return plan
    other = plan_arena(graph, fuller)
    return other if other.arena_bytes <= plan.arena_bytes else plan


def _plan_stream(
    graph: Graph, request: ScheduleRequest, target: Target, in_part: bool = False
) -> StreamPlan:
    stated = request.time_axis if feature_spec(graph) is None else None
    axis = TIME_AXIS if stated is None else time_axis_in(graph, stated)
    behaviours = find_time_axis(graph, axis, in_part).behaviours

    def planned(optimize: str) -> StreamPlan:
        variants = choose_variants(graph, target, optimize, behaviours)
        return plan_stream(graph, axis, variants, in_part)

    fast = planned(request.optimize)
    limit_bytes = ALLOWANCES[request.optimize].state * target.ram_bytes
    if fast.state_bytes <= limit_bytes:
        return fast
    lean = planned("size")
    return lean if lean.state_bytes <= limit_bytes else fast


def _plan_part(graph: Graph, request: ScheduleRequest, target: Target) -> StreamPlan | None:
    """The plan of a model that streams in part; None where nothing of it does."""
    try:
        return _plan_stream(graph, request, target, in_part=True)
    except NotStreamableError:
        return None


def _part_note(why: NotStreamableError, part: StreamPlan, batch: ArenaPlan) -> Issue:
    """What does not stream and why, what does, and what that takes."""
    time = part.time
    sizes = ((name, time.graph.tensors[name].size_bytes) for name in time.collected)
    kept = ", ".join(f"{name!r} ({size:,} B)" for name, size in sizes)
    return Issue(
        "schedule.part",
        f"streams in part: {why.message} Frame by frame runs what makes {kept}, of which all rows "
        f"are kept; the rest runs at the end of a clip, which has exactly {time.frames} frames. "
        f"RAM {part.ram_bytes:,} B, in batch {batch.ram_bytes:,} B.",
    )


def _plan_continuous(graph: Graph, request: ScheduleRequest, target: Target) -> ContinuousPlan:
    spec = feature_spec(graph)
    if spec is None:
        raise InputError(
            f"{graph.name}: continuous mode needs a feature specification, the model has none.",
            hint=HOW_TO_ATTACH,
        )
    require_endless_level(spec)
    assert request.hop_out_seconds is not None
    stream = _plan_stream(graph, request, target)
    frame_s = spec.row_hop_samples / spec.sample_rate_hz
    step = math.lcm(*(stage.count.step for stage in stream.stages))
    hop = _whole("--hop-out", request.hop_out_seconds, step, frame_s)
    least = -(-stream.period_frames // hop) * hop
    if request.window_seconds is None:
        second = spec.rows_for_samples(round(DEFAULT_CLIP_SECONDS * spec.sample_rate_hz))
        window = max(least, second // hop * hop)
    else:
        window = _whole("--window", request.window_seconds, hop, frame_s, least)
    return plan_continuous(stream, hop, window)


def _whole(option: str, seconds: float, step: int, frame_s: float, least: int = 0) -> int:
    """Frames of that much time, a multiple of ``step`` of them and at least ``least``.

    InputError with the nearest allowed times where it is none, to half a frame.
    """
    frames = seconds / frame_s
    nearest = round(frames)
    if nearest >= max(step, least) and nearest % step == 0:
        return nearest
    below = max(step, least, nearest // step * step)
    allowed = sorted({below, max(below, -(-nearest // step) * step)})
    times = " or ".join(f"{count * frame_s:.6g}" for count in allowed)
    raise InputError(
        f"{option}: must be a multiple of {step * frame_s:.6g} s"
        f"{f' from {least * frame_s:.6g} s on' if least > step else ''}; got {seconds:g}.",
        hint=f"The nearest are {times} s." if len(allowed) > 1 else f"The nearest is {times} s.",
    )
