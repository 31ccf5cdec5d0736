"""Where time is in a graph: which tensors have it, and how every node treats it (contract C3).

Time is axis 1, a row one index of it.  A tensor that has time holds ``(frames + offset) // step``
rows for a clip of any number of frames; what the file fixes is only the front padding.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from toolkit.errors import NotStreamableError, TooFewFramesError
from toolkit.ir import Graph, Node
from toolkit.ir.edit import fresh, fresh_node, substitute
from toolkit.ops import OPERATORS
from toolkit.ops.parts.base import TimeBehaviour, view
from toolkit.ops.parts.rows import TIME_AXIS, RowWindow, row_window, with_rows
from toolkit.ops.parts.window import Padding, WindowedAttrs
from toolkit.ops.reshape import ReshapeAttrs
from toolkit.ops.strided_slice import WHOLE, StridedSliceAttrs


@dataclass(frozen=True)
class RowCount:
    """Rows of a tensor: ``(frames + offset) // step``, never negative."""

    step: int = 1
    offset: int = 0

    def rows(self, frames: int) -> int:
        return max(0, (frames + self.offset) // self.step)

    def behind(self, window: RowWindow) -> RowCount:
        """Rows of the output of a window over this tensor: with n rows,
        ``(n + top + bottom - span) // stride + 1``."""
        slack = window.top + window.bottom - window.span + window.stride
        return RowCount(self.step * window.stride, self.offset + slack * self.step)

    def frames(self, rows: int) -> int:
        """Fewest frames that give so many rows, at least 1."""
        return max(1, self.step * rows - self.offset)


@dataclass(frozen=True, eq=False)
class TimeAxis:
    """A graph that can run frame by frame.

    ``counts`` has every activation with time, ``behaviours`` every node that reads one; all other
    nodes run once, after the reductions.
    """

    graph: Graph
    counts: Mapping[str, RowCount]
    behaviours: Mapping[str, TimeBehaviour]

    @property
    def input(self) -> str:
        return self.graph.inputs[0]

    @property
    def frames(self) -> int:
        """Clip length of the graph."""
        return self.graph.tensors[self.input].shape[TIME_AXIS]

    @property
    def min_frames(self) -> int:
        """Fewest frames for which every tensor has a row, every reduction as many as it takes."""
        rows = [count.frames(1) for count in self.counts.values()]
        return max(*rows, *self._least_frames())

    def _least_frames(self) -> Iterator[int]:
        for node in self.graph.nodes:
            if self.behaviours.get(node.name) is TimeBehaviour.REDUCING:
                least = OPERATORS[node.op].least_rows(view(self.graph, node), TIME_AXIS)
                yield self.counts[node.inputs[0] or ""].frames(least)

    def window(self, node: Node) -> RowWindow:
        """The window along time of a node that reads rows."""
        return row_window(view(self.graph, node), self.behaviours[node.name])


def find_time_axis(graph: Graph, time_axis: int = TIME_AXIS) -> TimeAxis:
    """Follow time, axis ``time_axis`` of the only input, through a graph.

    Raises NotStreamableError naming every node that stands in the way, and why.
    """
    graph = graph.pruned()
    reasons = list(_input_reasons(graph, time_axis))
    if reasons:
        raise NotStreamableError(graph.name, reasons)
    counts = {graph.inputs[0]: RowCount()}
    behaviours: dict[str, TimeBehaviour] = {}
    unknown: set[str] = set()  # behind a node that cannot stream: no reason of its own
    for node in graph.nodes:
        if (taken := _last_row(graph, node, counts)) is not None:
            graph, row = taken
            behaviours[row.name] = TimeBehaviour.REDUCING
            continue
        reads = {t.name for t in graph.input_tensors(node) if t is not None and not t.is_constant}
        if reads & unknown:
            unknown.update(node.outputs)
        elif reads & set(counts):
            reason = _follow(graph, node, reads, counts, behaviours)
            if reason:
                reasons.append((node.name, reason))
                unknown.update(node.outputs)
    reasons += [
        ("", f"output {name!r} has a row for every frame; it must be reduced over time first")
        for name in graph.outputs
        if name in counts
    ]
    if not reasons and TimeBehaviour.REDUCING not in behaviours.values():
        reasons.append(("", "nothing in it depends on time"))
    if reasons:
        raise NotStreamableError(graph.name, reasons)
    return TimeAxis(graph, counts, behaviours)


def _last_row(
    graph: Graph, node: Node, counts: Mapping[str, RowCount]
) -> tuple[Graph, Node] | None:
    """The graph where a node that mixes frames reads the last row of a tensor that has but one at
    the file's clip length, and what takes that; None where the node is not such.

    Windows then span the clip, as in networks that flatten what their convolutions leave: streamed,
    such a network tells of the last frames of a longer clip.
    """
    name = node.inputs[0]
    frames = graph.tensors[graph.inputs[0]].shape[TIME_AXIS]
    if name is None or name not in counts or frames == 1:
        return None
    old, operator = graph.tensors[name], OPERATORS[node.op]
    alone = [read for read in node.inputs if read in counts] == [name]
    behaviour = operator.time_behaviour(view(graph, node), TIME_AXIS)
    if not alone or old.shape[TIME_AXIS] != 1 or behaviour is not TimeBehaviour.OPAQUE:
        return None
    ranges = [WHOLE] * len(old.shape)
    ranges[TIME_AXIS] = (-1, None, 1)
    row = replace(old, name=fresh(graph, name))
    label = fresh_node(graph, f"{node.name}.last")
    taken = Node(label, "strided_slice", (name,), (row.name,), StridedSliceAttrs(tuple(ranges)))
    reads = tuple(row.name if read == name else read for read in node.inputs)
    return substitute(graph, [node], [taken, replace(node, inputs=reads)], [row]), taken


def _input_reasons(graph: Graph, time_axis: int) -> list[tuple[str, str]]:
    if time_axis != TIME_AXIS:
        return [("", f"time must be axis {TIME_AXIS} of its input; it is axis {time_axis}")]
    if len(graph.inputs) != 1:
        return [("", f"it must have one input; got {len(graph.inputs)}")]
    shape = graph.tensors[graph.inputs[0]].shape
    if len(shape) < 3 or shape[0] != 1:
        return [("", f"its input must be 1 x frames x values; got {'x'.join(map(str, shape))}")]
    return []


def _follow(
    graph: Graph,
    node: Node,
    reads: set[str],
    counts: dict[str, RowCount],
    behaviours: dict[str, TimeBehaviour],
) -> str:
    """Enter what ``node`` does to time; the reason when it cannot stream."""
    if reads - set(counts):
        return (
            "it joins frames with a value known only after the last one "
            "(a reduction over time fed back into time, as in squeeze-excite)"
        )
    operator, node_view = OPERATORS[node.op], view(graph, node)
    behaviour = operator.time_behaviour(node_view, TIME_AXIS)
    if behaviour is TimeBehaviour.OPAQUE:
        return operator.opaque_reason
    found = {counts[name] for name in reads}
    if len(found) > 1:
        return "its inputs have equally many frames at the file's clip length only"
    if behaviour is not TimeBehaviour.REDUCING:
        (count,) = found
        shape = node_view.output.shape
        after = count.behind(row_window(node_view, behaviour))
        frames = graph.tensors[graph.inputs[0]].shape[TIME_AXIS]
        if len(shape) < 2 or shape[0] != 1 or shape[TIME_AXIS] != after.rows(frames):
            return "it moves the time axis"
        counts[node.outputs[0]] = after
    behaviours[node.name] = behaviour
    return ""


def retime(time: TimeAxis, frames: int) -> Graph:
    """The same network on a clip of ``frames`` rows, padding along time as the file has it.

    Raises TooFewFramesError below ``min_frames``.
    """
    require_frames(time, frames)
    graph = time.graph
    tensors = {
        name: with_rows(t, time.counts[name].rows(frames)) if name in time.counts else t
        for name, t in graph.tensors.items()
    }
    return replace(
        graph,
        tensors=tensors,
        nodes=tuple(_retimed(time, node, frames) for node in graph.nodes),
    )


def require_frames(time: TimeAxis, frames: int) -> None:
    """Raise TooFewFramesError for a clip below ``min_frames``."""
    if frames < time.min_frames:
        raise TooFewFramesError(
            f"{time.graph.name}: a clip must have at least {time.min_frames} frames; got {frames}.",
            hint="Use a longer clip.",
        )


def _retimed(time: TimeAxis, node: Node, frames: int) -> Node:
    """The node with those attributes that state an extent of time brought to ``frames``."""
    behaviour, attrs = time.behaviours.get(node.name), node.attrs
    if behaviour is None:
        return node
    if isinstance(attrs, ReshapeAttrs):
        shape = list(attrs.shape)
        shape[TIME_AXIS] = time.counts[node.outputs[0]].rows(frames)
        return replace(node, attrs=replace(attrs, shape=tuple(shape)))
    if isinstance(attrs, WindowedAttrs) and behaviour is TimeBehaviour.REDUCING:
        assert node.inputs[0] is not None
        rows = time.counts[node.inputs[0]].rows(frames)
        window = replace(attrs.window, kernel_h=rows, stride_h=rows, padding=Padding())
        return replace(node, attrs=replace(attrs, window=window))
    return node
