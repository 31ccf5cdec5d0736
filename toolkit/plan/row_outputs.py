"""Outputs that have time: whose rows they are, and how the file lays all of them out.

Files have such outputs as their framework does, often with time behind the channels.  A row is
there long before the last one, so that a streamed model gives rows in their order; what moves time
only to lay an output out is left to who has all rows.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np

from toolkit.ir import Graph, Node, Tensor
from toolkit.ops import OPERATORS
from toolkit.ops.parts.rows import TIME_AXIS, with_rows
from toolkit.ops.transpose import TransposeAttrs


@dataclass(frozen=True)
class Layout:
    """Where time is in a tensor that all rows are laid out in: ``axis`` has ``values`` a row."""

    axis: int = TIME_AXIS
    values: int = 1

    def shape(self, shape: tuple[int, ...], rows: int) -> tuple[int, ...]:
        """The tensor's shape with so many rows."""
        return (*shape[: self.axis], rows * self.values, *shape[self.axis + 1 :])

    def behind(self, graph: Graph, node: Node, rows: int) -> Layout | None:
        """Where time is behind a node that only moves values, with ``rows`` rows; None where it is
        no axis of its own, or the first part of one."""
        assert node.inputs[0] is not None
        before, after = (graph.tensors[n].shape for n in (node.inputs[0], node.outputs[0]))
        if isinstance(node.attrs, TransposeAttrs):
            return Layout(node.attrs.perm.index(self.axis), self.values)
        outer = math.prod(before[: self.axis])
        for axis, extent in enumerate(after):
            if math.prod(after[:axis]) == outer and extent % rows == 0:
                return Layout(axis, extent // rows)
        return None


@dataclass(frozen=True)
class RowOutput:
    """The graph's output ``name``: rows of the tensor ``rows``, which the nodes ``layout`` lay out
    as the file has them."""

    name: str
    rows: str
    layout: tuple[Node, ...] = ()


@dataclass(frozen=True)
class RowPort:
    """The output ``index`` gives rows, those of ``counter``, one every ``step_frames``: row r is
    there once frame r * step_frames + delay_frames is in."""

    index: int
    counter: int
    step_frames: int
    delay_frames: int


def layout_nodes(graph: Graph) -> frozenset[str]:
    """The nodes that only move values, behind which nothing but outputs comes."""
    found: set[str] = set()
    for node in reversed(graph.nodes):
        moves = OPERATORS[node.op].is_alias or isinstance(node.attrs, TransposeAttrs)
        readers = (reader.name for name in node.outputs for reader in graph.consumers(name))
        if moves and found.issuperset(readers):
            found.add(node.name)
    return frozenset(found)


def layouts_last(graph: Graph) -> Graph:
    """The same network, where conversions of an output's type or scale come before what lays it
    out."""
    moves = layout_nodes(graph)
    for node in graph.nodes:
        before = graph.producer(node.inputs[0] or "") if node.op == "quantize" else None
        readers = {reader.name for reader in graph.consumers(node.outputs[0])}
        if before is not None and _only_lays_out(graph, before) and moves.issuperset(readers):
            return layouts_last(_swapped(graph, before, node))
    return graph


def _only_lays_out(graph: Graph, node: Node) -> bool:
    """Whether a node only moves values, for one reader."""
    moves = OPERATORS[node.op].is_alias or isinstance(node.attrs, TransposeAttrs)
    (output,) = node.outputs
    return moves and len(graph.consumers(output)) == 1 and output not in graph.outputs


def _swapped(graph: Graph, layout: Node, conversion: Node) -> Graph:
    """A conversion in front of the layout node whose output it reads."""
    source, (between,), (output,) = layout.inputs[0], layout.outputs, conversion.outputs
    assert source is not None
    shape, converted = graph.tensors[source].shape, graph.tensors[output]
    tensors = {**graph.tensors, between: replace(converted, name=between, shape=shape)}
    first = replace(conversion, inputs=(source,), outputs=(between,))
    then = replace(layout, inputs=(between,), outputs=(output,))
    new = {layout.name: first, conversion.name: then}
    return replace(graph, tensors=tensors, nodes=tuple(new.get(n.name, n) for n in graph.nodes))


def row_output(graph: Graph, name: str, layouts: frozenset[str]) -> RowOutput:
    """The output ``name``, laid out by nodes whose outputs are among ``layouts``."""
    nodes: list[Node] = []
    source = name
    while source in layouts:
        node = graph.producer(source)
        assert node is not None and node.inputs[0] is not None
        nodes.insert(0, node)
        source = node.inputs[0]
    return RowOutput(name, source, tuple(nodes))


def row_tensor(output: RowOutput, graph: Graph) -> Tensor:
    """One row of an output, under the output's name."""
    return replace(with_rows(graph.tensors[output.rows], 1), name=output.name)


def laid_out(output: RowOutput, graph: Graph, data: bytes) -> bytes:
    """The bytes of all rows of an output as the file has the output; ``graph`` tells the shapes at
    any one number of rows."""
    rows = graph.tensors[output.rows]
    frames = rows.shape[TIME_AXIS]
    values = np.frombuffer(data, rows.dtype.numpy).reshape(1, -1, *rows.shape[TIME_AXIS + 1 :])
    count, layout = values.shape[TIME_AXIS], Layout()
    for node in output.layout:
        after = layout.behind(graph, node, frames)
        assert after is not None
        layout = after
        if isinstance(node.attrs, TransposeAttrs):
            values = values.transpose(node.attrs.perm)
        else:
            values = values.reshape(layout.shape(graph.tensors[node.outputs[0]].shape, count))
    return values.tobytes()
