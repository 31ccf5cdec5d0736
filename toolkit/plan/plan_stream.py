"""Plans a model that runs frame by frame: where the rows, sums and tensors of its state lie."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from toolkit.errors import NotStreamableError
from toolkit.ir import Graph
from toolkit.ir.cut import suffix_graph
from toolkit.ops import OPERATORS
from toolkit.ops.kernels import PORTABLE_ONLY, Variants
from toolkit.ops.parts.base import view
from toolkit.ops.parts.rows import TIME_AXIS, row_view
from toolkit.plan.any_length import longest_frames
from toolkit.plan.arena import place
from toolkit.plan.lifetimes import Buffer, find_buffers
from toolkit.plan.play import Move, Trace, play
from toolkit.plan.row_outputs import RowPort
from toolkit.plan.stream import (
    ALIGNMENT_BYTES,
    COUNTER_BYTES,
    ENDING_COUNTERS,
    EXTRA_COUNTERS,
    Purpose,
    Ring,
    StateBuffer,
    StreamPlan,
    aligned,
)
from toolkit.plan.stream_schedule import Stage, find_stages
from toolkit.plan.time_axis import TimeAxis, find_time_axis

#: Of frames seen, squared, times stages: a schedule of that many steps takes about ten seconds.
MOST_STEPS = 200_000_000
#: Frames that the counters hold with room to spare.
_MAX_FRAMES = 1 << 30


def plan_stream(
    graph: Graph,
    time_axis: int = TIME_AXIS,
    variants: Variants = PORTABLE_ONLY,
    in_part: bool = False,
) -> StreamPlan:
    """Plan a quantised graph frame by frame; deterministic.

    ``variants`` names the kernel of each node that is not to run the portable one.
    Raises NotStreamableError as `find_time_axis` does, with ``in_part`` or without.
    """
    time = find_time_axis(graph, time_axis, in_part)
    longest = longest_frames(time)
    stages, counters = find_stages(time, variants)
    tensors = {number: name for name, number in reversed([*counters.items()])}
    numbers = range(len(time.inputs) + len(stages))
    bytes_of = [time.row_bytes(tensors[n]) if n in tensors else 0 for n in numbers]
    outputs = [counters[output.rows] for output in time.row_outputs]
    rings_only = {n: name for n, name in tensors.items() if name not in time.collected}
    passing = [size if n in rings_only else 0 for n, size in enumerate(bytes_of)]
    moves = tuple(stage.move for stage in stages)
    _require_playable(graph.name, moves)
    trace = play(moves, tuple(passing), time.least_frames, tuple(outputs))
    finish_graph = _finish_graph(time, stages)
    wanted = [
        *_row_buffers(stages, trace, rings_only, bytes_of),
        *_finish_buffers(time.collected, len(numbers), stages, finish_graph, variants),
    ]
    buffers = _place(wanted)
    places = {b.name: b for b in buffers if b.purpose in ("ring", "row", "clip")}
    rings = [
        Ring(
            tensor=tensors[n],
            offset_bytes=places[tensors[n]].offset_bytes,
            rows=places[tensors[n]].size_bytes // bytes_of[n],
            row_bytes=bytes_of[n],
        )
        if n in tensors
        else None
        for n in numbers
    ]
    extra = EXTRA_COUNTERS + (ENDING_COUNTERS + len(time.graph.outputs) if outputs else 0)
    counters_bytes = COUNTER_BYTES * (len(rings) + extra)
    buffer_bytes = max(b.offset_bytes + b.size_bytes for b in buffers)
    buffer_bytes = aligned(buffer_bytes, COUNTER_BYTES)
    kept = sum(n * size for n, size in zip(trace.lower_bound_rows, passing, strict=True))
    kept += sum(b.size_bytes for b in wanted if b.purpose in ("sums", "state", "clip"))
    return StreamPlan(
        time=time,
        stages=stages,
        variants=variants,
        trace=trace,
        ports=_ports(time, outputs, trace.output_delays),
        rings=tuple(rings),
        buffers=buffers,
        finish_graph=finish_graph,
        buffer_bytes=buffer_bytes,
        state_bytes=aligned(buffer_bytes + counters_bytes, ALIGNMENT_BYTES),
        lower_bound_bytes=kept + counters_bytes,
        max_frames=min(_max_frames(time, stages), longest or _MAX_FRAMES),
    )


def _require_playable(name: str, moves: Sequence[Move]) -> None:
    """Raise NotStreamableError where layers follow layers so often that the schedule, and every end
    of a clip in it, would take minutes to play."""
    ahead = sum((move.window.span - 1) * move.count.step for move in moves)
    if ahead**2 * len(moves) > MOST_STEPS:
        why = f"its {len(moves):,} layers together see {ahead:,} frames, too many to plan for"
        raise NotStreamableError(name, [("", why)])


def _ports(time: TimeAxis, counters: Sequence[int], delays: Sequence[int]) -> tuple[RowPort, ...]:
    """The outputs with time, of which ``counters`` count the rows."""
    finals, names = time.final_outputs, time.graph.outputs
    places = (index for index, name in enumerate(names) if name not in finals)
    found = zip(places, time.row_outputs, counters, delays, strict=True)
    return tuple(RowPort(i, c, time.counts[o.rows].step, delay) for i, o, c, delay in found)


def _finish_graph(time: TimeAxis, stages: Sequence[Stage]) -> Graph:
    """The nodes behind the reductions and the collected tensors, up to the outputs that are not
    rows."""
    graph = replace(time.graph, outputs=time.final_outputs)
    reduced = (s.node.outputs[0] for s in stages if s.reduces)
    return suffix_graph(graph, [*reduced, *time.collected])


def _row_buffers(
    stages: Sequence[Stage], trace: Trace, tensors: dict[int, str], bytes_of: Sequence[int]
) -> list[StateBuffer]:
    """Rings, rows that live within a pass, and the stages' own sums, states and scratch."""
    last, reductions = len(bytes_of) - 1, [s for s in stages if s.reduces]
    last_reader = {number: stage.number for stage in stages for number in stage.inputs}
    buffers = []
    for number, name in sorted(tensors.items()):
        size = trace.capacity[number] * bytes_of[number]
        if trace.remembered[number]:
            buffers.append(StateBuffer("ring", name, size, 0, 0, last))
        else:
            end = last_reader.get(number, number)
            buffers.append(StateBuffer("row", name, size, 0, number, end))
    for stage in stages:
        size, name = stage.call.scratch_bytes, stage.node.name
        if stage.reduces:
            finished = last + 1 + reductions.index(stage)
            buffers.append(StateBuffer("sums", name, size, 0, 0, finished))
        elif stage.keeps:
            buffers.append(StateBuffer("state", name, size, 0, 0, last))
        elif size:
            buffers.append(StateBuffer("scratch", name, size, 0, stage.number, stage.number))
    return buffers


def _finish_buffers(
    collected: Sequence[str],
    first: int,
    stages: Sequence[Stage],
    finish_graph: Graph,
    variants: Variants,
) -> list[StateBuffer]:
    """What the nodes behind the reductions need, which end from the step ``first`` on; results of
    all reductions exist side by side, ``collected`` tensors from the first frame on."""
    shift = first + sum(stage.reduces for stage in stages)
    buffers = []
    for buffer in find_buffers(finish_graph, variants):
        is_input = not buffer.node and buffer.tensors[0] in finish_graph.inputs
        is_kept = is_input and buffer.tensors[0] in collected
        begin = 0 if is_kept else first if is_input else buffer.first_step + shift
        purpose: Purpose = "scratch" if buffer.node else "clip" if is_kept else "tensor"
        name = buffer.node or buffer.tensors[0]
        end = buffer.last_step + shift
        buffers.append(StateBuffer(purpose, name, buffer.size_bytes, 0, begin, end))
    return buffers


def _place(wanted: Sequence[StateBuffer]) -> tuple[StateBuffer, ...]:
    plain = [Buffer(b.size_bytes, b.first_step, b.last_step) for b in wanted]
    offsets = place(plain, ALIGNMENT_BYTES)
    return tuple(
        StateBuffer(b.purpose, b.name, b.size_bytes, offset, b.first_step, b.last_step)
        for b, offset in zip(wanted, offsets, strict=True)
    )


def _max_frames(time: TimeAxis, stages: Sequence[Stage]) -> int:
    """Longest clip that the sums of every reduction hold."""
    limits = [_MAX_FRAMES]
    for stage in stages:
        row = row_view(view(time.graph, stage.node), stage.behaviour)
        rows = OPERATORS[stage.node.op].max_rows(row) if stage.reduces else None
        if rows is not None:
            limits.append(rows * stage.count.step - stage.count.offset)
    return min(limits)
