"""Ranges at other clip lengths: what grows with the clip must be heard at its longest."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from toolkit.errors import NotStreamableError
from toolkit.ir import Graph, Node
from toolkit.ir.tensor import Array
from toolkit.ops import OPERATORS
from toolkit.ops.execute import run_graph
from toolkit.ops.parts.base import OutputRange, view
from toolkit.ops.parts.rows import TIME_AXIS, row_view
from toolkit.plan.any_length import growing_nodes
from toolkit.plan.time_axis import TimeAxis, find_time_axis, retime
from toolkit.quantize.outputs import Batch
from toolkit.quantize.ranges import Method, Ranges, calibrate
from toolkit.quantize.wide import has_int16_form, int16_view


def grows(graph: Graph) -> bool:
    """Whether the range of any activation grows with the clip; False where it cannot stream."""
    try:
        return bool(growing_nodes(find_time_axis(graph)))
    except NotStreamableError:
        return False


def growing_head(graph: Graph, max_frames: int) -> frozenset[str]:
    """The sums that grow with the clip, and what is computed from them up to the next operator
    whose range is fixed, where int16 holds ``max_frames`` frames: a few values once a clip, whose
    scale for the longest clip would leave the short ones a few steps of int8."""
    time = find_time_axis(graph)
    wide: set[str] = set()
    for node in graph.nodes:
        operator, name = OPERATORS[node.op], node.outputs[0]
        if operator.output_range is OutputRange.FIXED or not has_int16_form(graph, node):
            continue
        if operator.grows(view(graph, node), TIME_AXIS) and node.name in time.behaviours:
            if _frames_held(time, node) >= max_frames:
                wide.add(name)
        elif wide.intersection(node.inputs):
            wide.add(name)
    return frozenset(wide)


@dataclass(frozen=True, eq=False)
class Longest:
    """The longest clip, in frames, and ``clips`` of that length where there is audio to make them:
    features of a long clip differ from those of a short one over and over."""

    frames: int
    clips: Sequence[Batch] = ()


def calibrate_lengths(
    graph: Graph, batches: Sequence[Batch], longest: Longest, method: Method = "minmax"
) -> Ranges:
    """Ranges on clips of the longest length, half of it and so on, down to the graph's own.

    The clips are those of ``batches`` that show the extremes of what grows, over and over, and the
    beginnings of those of ``longest``.
    """
    time = find_time_axis(graph)
    chosen = [*_extreme(time, batches), *longest.clips]
    found = Ranges({})
    for frames in _lengths(time, longest.frames):
        longer = retime(time, frames)
        clips = ({n: _looped(batch[n], frames) for n in time.inputs} for batch in chosen)
        found = found.merged(calibrate(longer, clips, method))
    return found


def _frames_held(time: TimeAxis, node: Node) -> int:
    """Frames of a clip whose sum int16 values do not take beyond 32 bits."""
    row = row_view(int16_view(time.graph, node), time.behaviours[node.name])
    count, rows = time.counts[row.input(0).name], OPERATORS[node.op].max_rows(row)
    return 0 if rows is None else rows * count.step - count.offset


def _lengths(time: TimeAxis, max_frames: int) -> Iterator[int]:
    frames = max_frames
    while frames > time.frames:
        yield frames
        frames //= 2


def _extreme(time: TimeAxis, batches: Sequence[Batch]) -> list[Batch]:
    """The batches with the lowest and the highest value of each tensor that grows, or follows."""
    names = _growing_tensors(time)
    lows: dict[str, tuple[float, int]] = {}
    highs: dict[str, tuple[float, int]] = {}
    for index, batch in enumerate(batches):
        values = run_graph(time.graph, batch)
        for name in names:
            lows[name] = min(lows.get(name, (np.inf, 0)), (float(values[name].min()), index))
            highs[name] = max(highs.get(name, (-np.inf, 0)), (float(values[name].max()), index))
    chosen = {index for found in (lows, highs) for _, index in found.values()}
    return [batches[index] for index in sorted(chosen)]


def _growing_tensors(time: TimeAxis) -> list[str]:
    """The sums, and all that is computed from them."""
    growing = set(growing_nodes(time))
    names: list[str] = []
    for node in time.graph.nodes:
        if node.name in growing or not set(names).isdisjoint(node.inputs):
            names += node.outputs
    return names


def _looped(clip: Array, frames: int) -> Array:
    """The clip ``[1, n, ...]`` over and over, ``frames`` frames of it."""
    times = -(-frames // clip.shape[TIME_AXIS])
    repeats = [1] * clip.ndim
    repeats[TIME_AXIS] = times
    return np.tile(clip, repeats)[:, :frames]
