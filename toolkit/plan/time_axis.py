"""Where time is in a graph: which tensors have it, and how every node treats it (contract C3).

Time is axis 1, a row one index of it.  A tensor that has time holds ``(frames + offset) // step``
rows for a clip of any number of frames; what the file fixes is only the front padding.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace

from toolkit.errors import NotStreamableError, TooFewFramesError
from toolkit.ir import Graph, Node, Tensor
from toolkit.ops import OPERATORS
from toolkit.ops.parts.base import TimeBehaviour, view
from toolkit.ops.parts.rows import TIME_AXIS, RowWindow, row_window, with_rows
from toolkit.ops.parts.window import Padding, WindowedAttrs
from toolkit.ops.reshape import ReshapeAttrs
from toolkit.plan.in_place import alias_roots
from toolkit.plan.last_row import last_row
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

    Where a network streams in part, nodes that cannot stream, and those behind them, are among the
    others: ``collected`` are the tensors with time that they read, all rows of a clip, which then
    has the file's length.
    """

    graph: Graph
    counts: Mapping[str, RowCount]
    behaviours: Mapping[str, TimeBehaviour]
    row_outputs: tuple[RowOutput, ...] = ()
    layouts: Mapping[str, tuple[Layout, RowCount]] = field(default_factory=dict)
    collected: tuple[str, ...] = ()

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
        """Frames of the shortest clip."""
        return self.frames if self.collected else self.least_frames

    @property
    def least_frames(self) -> int:
        """Fewest frames for which every tensor has a row, every reduction as many as it takes."""
        rows = [count.frames(1) for count in self.counts.values()]
        return max(*rows, *self._reduced_frames())

    def _reduced_frames(self) -> Iterator[int]:
        for node in self.graph.nodes:
            if self.behaviours.get(node.name) is TimeBehaviour.REDUCING:
                least = OPERATORS[node.op].least_rows(view(self.graph, node), TIME_AXIS)
                yield self.counts[node.inputs[0] or ""].frames(least)

    def row_bytes(self, tensor: str) -> int:
        """Size of one row of a tensor with time."""
        found = self.graph.tensors[tensor]
        return found.size_bytes // found.shape[TIME_AXIS]

    def window(self, node: Node) -> RowWindow:
        """The window along time of a node that reads rows."""
        return row_window(view(self.graph, node), self.behaviours[node.name])


def find_time_axis(graph: Graph, time_axis: int = TIME_AXIS, in_part: bool = False) -> TimeAxis:
    """Follow time, axis ``time_axis`` of every input, through a graph.

    With ``in_part`` nodes that stand in the way, and those behind them, run at the end of a clip,
    from what is ``collected``.
    Raises NotStreamableError naming every node that stands in the way, and why; with ``in_part``
    only where no layer streams or an output has rows.
    """
    graph = graph.pruned()
    try:
        return _find(graph, time_axis)
    except NotStreamableError:
        turned = layouts_last(graph)
        if turned is graph and not in_part:
            raise
    return _find(turned, time_axis, in_part)


def _find(graph: Graph, time_axis: int, in_part: bool = False) -> TimeAxis:
    _require_time(graph, time_axis)
    reasons: list[tuple[str, str]] = []
    counts = {name: RowCount() for name in graph.inputs}
    behaviours: dict[str, TimeBehaviour] = {}
    layouts: dict[str, tuple[Layout, RowCount]] = {}
    lay_out = layout_nodes(graph)
    unknown: set[str] = set()  # behind a node that cannot stream: no reason of its own
    for node in graph.nodes:
        if (taken := last_row(graph, node, counts)) is not None:
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
    in_rows = _outputs_in_rows(graph, counts, layouts)
    inputs = (output.name for output in in_rows if _is_input(graph, output.rows))
    reasons += [("", f"output {name!r} is an input as it came") for name in inputs]
    if not (reasons or in_rows or TimeBehaviour.REDUCING in behaviours.values()):
        reasons.append(("", "nothing in it depends on time"))
    if not reasons:
        return TimeAxis(graph, counts, behaviours, in_rows, layouts)
    streams = any(n.name in behaviours and not OPERATORS[n.op].is_alias for n in graph.nodes)
    if not (in_part and streams and unknown) or in_rows:
        raise NotStreamableError(graph.name, reasons)
    return TimeAxis(graph, counts, behaviours, collected=_collected(graph, counts, behaviours))


def _outputs_in_rows(
    graph: Graph, counts: Mapping[str, RowCount], layouts: Mapping[str, tuple[Layout, RowCount]]
) -> tuple[RowOutput, ...]:
    found = (row_output(graph, name, frozenset(layouts)) for name in graph.outputs)
    return tuple(output for output in found if output.rows in counts)


def _collected(
    graph: Graph, counts: Mapping[str, RowCount], behaviours: Mapping[str, TimeBehaviour]
) -> tuple[str, ...]:
    """The tensors with time that nodes read which do not run row by row."""
    roots = alias_roots(graph)
    behind = (node for node in graph.nodes if node.name not in behaviours)
    reads = (name for node in behind for name in node.inputs if name in counts)
    return tuple(dict.fromkeys(roots[name] for name in reads if name is not None))


def _require_time(graph: Graph, time_axis: int) -> None:
    if reasons := _input_reasons(graph, time_axis):
        raise NotStreamableError(graph.name, reasons)


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
