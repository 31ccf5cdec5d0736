"""Plans a model over endless audio, from its plan for a clip: blocks of sums, and turns of rows."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

from toolkit.errors import InputError
from toolkit.ops import OPERATORS
from toolkit.plan.arena import place
from toolkit.plan.continuous import BLOCK_COUNTERS, ContinuousPlan, rows_made
from toolkit.plan.lifetimes import Buffer
from toolkit.plan.stream import (
    ALIGNMENT_BYTES,
    COUNTER_BYTES,
    EXTRA_COUNTERS,
    Purpose,
    Ring,
    StateBuffer,
    StreamPlan,
    aligned,
)
from toolkit.plan.stream_schedule import Stage

#: Frames that the row counters may reach.
_MAX_FRAMES = 1 << 28


def plan_continuous(stream: StreamPlan, hop_frames: int, window_frames: int) -> ContinuousPlan:
    """Turn a stream plan into an endless one with an output every ``hop_frames`` frames over the
    last ``window_frames``; deterministic.

    Raises InputError unless the hop is a multiple of the strides' product, the window one of the
    hop and at least a period of the stages, and the sums hold a window.
    """
    _require(stream, hop_frames, window_frames)
    blocks = window_frames // hop_frames
    buffers = _placed(_endless_buffers(stream, blocks))
    offsets = {(b.purpose, b.name): b.offset_bytes for b in buffers}
    inputs = len(stream.rings) - len(stream.stages)
    rings = tuple(
        _moved(ring, offsets)
        if ring is not None
        else _block_ring(stream.stages[number - inputs], offsets, blocks)
        for number, ring in enumerate(stream.rings)
    )
    stream_counters = len(rings) + EXTRA_COUNTERS
    counters_bytes = COUNTER_BYTES * (stream_counters + BLOCK_COUNTERS)
    end = max(b.offset_bytes + b.size_bytes for b in buffers)
    buffer_bytes = aligned(end, COUNTER_BYTES)
    block_bytes = sum(b.size_bytes for b in buffers if b.purpose == "blocks")
    sums_bytes = sum(b.size_bytes for b in stream.buffers if b.purpose == "sums")
    kept = stream.lower_bound_bytes - sums_bytes - COUNTER_BYTES * stream_counters
    state_bytes = aligned(buffer_bytes + counters_bytes, ALIGNMENT_BYTES)
    settled = _settled_frames(stream.stages)
    return ContinuousPlan(
        stream=replace(
            stream,
            rings=rings,
            buffers=buffers,
            buffer_bytes=buffer_bytes,
            state_bytes=state_bytes,
        ),
        hop_frames=hop_frames,
        window_frames=window_frames,
        period_frames=_period_frames(stream),
        settled_frames=settled,
        silent_hops=_silent_hops(stream.stages, hop_frames, blocks, settled),
        state_bytes=state_bytes,
        lower_bound_bytes=kept + block_bytes + counters_bytes,
    )


def _require(stream: StreamPlan, hop_frames: int, window_frames: int) -> None:
    name = stream.time.graph.name
    if stream.ports:
        output = stream.graph.outputs[stream.ports[0].index]
        raise InputError(
            f"{name}: continuous mode is for outputs of a window; {output!r} has rows anyway, for "
            "audio without end.",
            hint="Leave out --hop-out: rows come as long as audio does.",
        )
    ends = [stage.node.name for stage in stream.reductions if not OPERATORS[stage.node.op].merges]
    if ends:
        raise InputError(
            f"{name}: continuous mode: node {ends[0]!r} takes frames of the clip's beginning or "
            "end, which endless audio has not.",
            hint="Stream clips, or reduce over time otherwise.",
        )
    step = math.lcm(*(stage.count.step for stage in stream.stages))
    if hop_frames < 1 or hop_frames % step:
        raise InputError(
            f"{name}: the hop must be a positive multiple of {step} frames, which its strides "
            f"make one row; got {hop_frames}."
        )
    if window_frames < 1 or window_frames % hop_frames:
        raise InputError(
            f"{name}: the window must be a positive multiple of the hop, {hop_frames} frames; "
            f"got {window_frames}."
        )
    if window_frames < stream.period_frames:
        raise InputError(
            f"{name}: the window must be at least {stream.period_frames} frames, in which every "
            f"stage makes a row; got {window_frames}."
        )
    if window_frames > stream.max_frames:
        raise InputError(
            f"{name}: its sums hold a window of {stream.max_frames} frames; got {window_frames}.",
            hint="Choose a shorter --window.",
        )
    if _period_frames(stream) > _MAX_FRAMES:
        raise InputError(
            f"{name}: its rings and strides repeat every {_period_frames(stream)} frames only; "
            f"row counters hold {_MAX_FRAMES}.",
            hint="Use a model with fewer strides.",
        )


def _period_frames(stream: StreamPlan) -> int:
    """Frames after which every ring is back at the same slot."""
    steps = [1] * len(stream.time.inputs) + [stage.count.step for stage in stream.stages]
    rows = [1 if ring is None else ring.rows for ring in stream.rings]
    turns = (step * count for step, count in zip(steps, rows, strict=True))
    return math.lcm(stream.period_frames, *turns)


def _settled_frames(stages: Sequence[Stage]) -> int:
    """Fewest frames after which every stage makes rows and none reads front padding again: from
    here on ``rows_made`` grows evenly."""
    frames = 1
    while not all(
        made > 0 and made * stage.window.stride >= stage.window.top
        for stage, made in zip(stages, rows_made(stages, frames)[1:], strict=True)
    ):
        frames += 1
    return frames


def _silent_hops(stages: Sequence[Stage], hop_frames: int, blocks: int, settled: int) -> int:
    """Hops up to the last whose window has no row of some reduction."""
    reductions = [stage.number for stage in stages if stage.reduces]
    hops = -(-settled // hop_frames) + blocks
    made = [[0] * (stages[0].number + len(stages))]
    made += [rows_made(stages, hop * hop_frames) for hop in range(1, hops + 1)]
    empty = [
        hop
        for hop in range(1, hops + 1)
        if any(made[hop][n] == made[max(0, hop - blocks)][n] for n in reductions)
    ]
    return max(empty, default=0)


def _endless_buffers(stream: StreamPlan, blocks: int) -> list[StateBuffer]:
    """The stream's buffers with the lifetimes of a run without end: rings, states, blocks and
    outputs stay, sums are needed while they are merged and finished."""
    end = max(b.last_step for b in stream.buffers)
    outputs = {stream.tensor_offsets[name] for name in stream.finish_graph.outputs}
    wanted = []
    for buffer in stream.buffers:
        if buffer.purpose in ("ring", "state"):
            buffer = replace(buffer, last_step=end)
        elif buffer.purpose == "sums":
            size = blocks * aligned(buffer.size_bytes, ALIGNMENT_BYTES)
            wanted.append(StateBuffer("blocks", buffer.name, size, 0, 0, end))
            buffer = replace(buffer, first_step=buffer.last_step)
        elif buffer.purpose == "tensor" and _is_output(stream, buffer, outputs):
            buffer = replace(buffer, first_step=0)
        wanted.append(buffer)
    return wanted


def _is_output(stream: StreamPlan, buffer: StateBuffer, outputs: set[int]) -> bool:
    """Whether an output of the graph, or an alias of it, is that tensor."""
    end = max(b.last_step for b in stream.buffers)
    return buffer.last_step == end and buffer.offset_bytes in outputs


def _placed(wanted: Sequence[StateBuffer]) -> tuple[StateBuffer, ...]:
    plain = [Buffer(b.size_bytes, b.first_step, b.last_step) for b in wanted]
    offsets = place(plain, ALIGNMENT_BYTES)
    return tuple(replace(b, offset_bytes=o) for b, o in zip(wanted, offsets, strict=True))


def _moved(ring: Ring, offsets: dict[tuple[Purpose, str], int]) -> Ring:
    purpose: Purpose = "ring" if ("ring", ring.tensor) in offsets else "row"
    return replace(ring, offset_bytes=offsets[purpose, ring.tensor])


def _block_ring(stage: Stage, offsets: dict[tuple[Purpose, str], int], blocks: int) -> Ring:
    size = aligned(stage.call.scratch_bytes, ALIGNMENT_BYTES)
    return Ring(stage.node.name, offsets["blocks", stage.node.name], blocks, size)
