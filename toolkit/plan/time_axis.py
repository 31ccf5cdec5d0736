"""Where time is in a graph: which tensors have it, and how every node treats it (contract C3).

Time is axis 1, a row one index of it.  A tensor that has time holds ``(frames + offset) // step``
rows for a clip of any number of frames; what the file fixes is only the front padding.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace

from toolkit.errors import NotStreamableError, TooFewFramesError
from toolkit.ir import Graph, Node, Tensor
from toolkit.ir.edit import fresh, fresh_node, substitute
from toolkit.ops import OPERATORS
from toolkit.ops.parts.base import TimeBehaviour, view
from toolkit.ops.parts.rows import TIME_AXIS, RowWindow, row_window, with_rows
from toolkit.ops.parts.window import Padding, WindowedAttrs
from toolkit.ops.reshape import ReshapeAttrs
from toolkit.ops.strided_slice import WHOLE, StridedSliceAttrs
from toolkit.plan.row_outputs import Layout, RowOutput, layout_nodes, layouts_last, row_output


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
    nodes run once, after the reductions, but for those that lay out ``row_outputs``, the outputs
    with time: ``layouts`` has what these make.
    """

    graph: Graph
    counts: Mapping[str, RowCount]
    behaviours: Mapping[str, TimeBehaviour]
    row_outputs: tuple[RowOutput, ...] = ()
    layouts: Mapping[str, tuple[Layout, RowCount]] = field(default_factory=dict)

    @property
    def inputs(self) -> tuple[str, ...]:
        """All have time: a frame is a row of each."""
        return self.graph.inputs

    @property
    def frames(self) -> int:
        """Clip length of the graph."""
        return self.graph.tensors[self.inputs[0]].shape[TIME_AXIS]

    @property
    def final_outputs(self) -> tuple[str, ...]:
        """The outputs that are there once the clip has ended."""
        in_rows = {output.name for output in self.row_outputs}
        return tuple(name for name in self.graph.outputs if name not in in_rows)

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
    """Follow time, axis ``time_axis`` of every input, through a graph.

    Raises NotStreamableError naming every node that stands in the way, and why.
    """
    graph = graph.pruned()
    try:
        return _find(graph, time_axis)
    except NotStreamableError:
        turned = layouts_last(graph)
        if turned is graph:
            raise
    return _find(turned, time_axis)


def _find(graph: Graph, time_axis: int) -> TimeAxis:
    reasons = list(_input_reasons(graph, time_axis))
    if reasons:
        raise NotStreamableError(graph.name, reasons)
    counts = {name: RowCount() for name in graph.inputs}
    behaviours: dict[str, TimeBehaviour] = {}
    layouts: dict[str, tuple[Layout, RowCount]] = {}
    lay_out = layout_nodes(graph)
    unknown: set[str] = set()  # behind a node that cannot stream: no reason of its own
    for node in graph.nodes:
        if (taken := _last_row(graph, node, counts)) is not None:
            graph, row = taken
            behaviours[row.name] = TimeBehaviour.REDUCING
            continue
        reads = {t.name for t in graph.input_tensors(node) if t is not None and not t.is_constant}
        if reads & unknown:
            unknown.update(node.outputs)
        elif node.name in lay_out and _lays_out(graph, node, counts, layouts):
            continue
        elif reads & {*counts, *layouts}:
            reason = _follow(graph, node, reads, counts, behaviours)
            if reason:
                reasons.append((node.name, reason))
                unknown.update(node.outputs)
    found = (row_output(graph, name, frozenset(layouts)) for name in graph.outputs)
    in_rows = tuple(output for output in found if output.rows in counts)
    reasons += [
        ("", f"output {output.name!r} is an input as it came")
        for output in in_rows
        if _is_input(graph, output.rows)
    ]
    if not (reasons or in_rows or TimeBehaviour.REDUCING in behaviours.values()):
        reasons.append(("", "nothing in it depends on time"))
    if reasons:
        raise NotStreamableError(graph.name, reasons)
    return TimeAxis(graph, counts, behaviours, in_rows, layouts)


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
        return [("", f"time must be axis {TIME_AXIS} of its input; got {time_axis}")]
    if not graph.inputs:
        return [("", "it has no input")]
    shapes = [graph.tensors[name].shape for name in graph.inputs]
    if wrong := [shape for shape in shapes if len(shape) < 3 or shape[0] != 1]:
        got = "x".join(map(str, wrong[0]))
        return [("", f"every input must be 1 x frames x values; got {got}")]
    frames = {shape[TIME_AXIS] for shape in shapes}
    if len(frames) > 1:
        return [("", f"its inputs must have equally many frames; got {sorted(frames)}")]
    return []


def _lays_out(
    graph: Graph,
    node: Node,
    counts: Mapping[str, RowCount],
    layouts: dict[str, tuple[Layout, RowCount]],
) -> bool:
    """Whether a node only moves time, for an output; its own output is entered."""
    source = node.inputs[0]
    assert source is not None
    if source in counts:
        behaviour = OPERATORS[node.op].time_behaviour(view(graph, node), TIME_AXIS)
        if behaviour is not TimeBehaviour.OPAQUE:
            return False
        before, count = Layout(), counts[source]
    elif source in layouts:
        before, count = layouts[source]
    else:
        return False
    frames = graph.tensors[graph.inputs[0]].shape[TIME_AXIS]
    after = before.behind(graph, node, count.rows(frames))
    if after is not None:
        layouts[node.outputs[0]] = after, count
    return after is not None


def _is_input(graph: Graph, tensor: str) -> bool:
    """Whether a tensor is a graph input, or another shape of one."""
    node = graph.producer(tensor)
    if node is None or node.inputs[0] is None:
        return tensor in graph.inputs
    return OPERATORS[node.op].is_alias and _is_input(graph, node.inputs[0])


def _follow(
    graph: Graph,
    node: Node,
    reads: set[str],
    counts: dict[str, RowCount],
    behaviours: dict[str, TimeBehaviour],
) -> str:
    """Enter what ``node`` does to time; the reason when it cannot stream."""
    if reads - set(counts):
        if reads.isdisjoint(counts):
            return OPERATORS[node.op].opaque_reason
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
    for name, (layout, count) in time.layouts.items():
        shape = layout.shape(tensors[name].shape, count.rows(frames))
        tensors[name] = replace(tensors[name], shape=shape)
    return replace(
        graph,
        tensors=tensors,
        nodes=tuple(_retimed(time, node, tensors, frames) for node in graph.nodes),
    )


def require_frames(time: TimeAxis, frames: int) -> None:
    """Raise TooFewFramesError for a clip below ``min_frames``."""
    if frames < time.min_frames:
        raise TooFewFramesError(
            f"{time.graph.name}: a clip must have at least {time.min_frames} frames; got {frames}.",
            hint="Use a longer clip.",
        )


def _retimed(time: TimeAxis, node: Node, tensors: Mapping[str, Tensor], frames: int) -> Node:
    """The node with those attributes that state an extent of time brought to ``frames``."""
    behaviour, attrs = time.behaviours.get(node.name), node.attrs
    if isinstance(attrs, ReshapeAttrs):
        return replace(node, attrs=ReshapeAttrs(tensors[node.outputs[0]].shape))
    if behaviour is None:
        return node
    if isinstance(attrs, WindowedAttrs) and behaviour is TimeBehaviour.REDUCING:
        assert node.inputs[0] is not None
        rows = time.counts[node.inputs[0]].rows(frames)
        window = replace(attrs.window, kernel_h=rows, stride_h=rows, padding=Padding())
        return replace(node, attrs=replace(attrs, window=window))
    return node
