"""What the checker of a stream plan knows of a clip: derived from the operators alone, not by what
the planner counts rows with.

A graph is brought to a number of frames by the shape that every operator infers from its inputs;
the rows that an output row reads follow from the attributes of its operator.
"""

from __future__ import annotations

from collections.abc import Container
from dataclasses import replace
from typing import Any

from toolkit.errors import ToolkitError
from toolkit.ir import Graph, Node, Tensor
from toolkit.ops import OPERATORS
from toolkit.ops.pad import PadAttrs
from toolkit.ops.parts.base import TIME_AXIS, view
from toolkit.ops.parts.pooling import Pool2D, is_global
from toolkit.ops.parts.rows import with_rows
from toolkit.ops.parts.window import Padding, WindowedAttrs
from toolkit.ops.reshape import ReshapeAttrs
from toolkit.ops.strided_slice import StridedSliceAttrs


def clip_graph(graph: Graph, streamed: Container[str], frames: int) -> Graph:
    """The graph on a clip of ``frames``: as much of it as the nodes called ``streamed``, which the
    plan says run as frames come, and what they read and make.

    Raises `ToolkitError` (internal) where an operator makes of its inputs what a reduction or a
    layer of rows cannot be.
    """
    tensors = dict(graph.tensors)
    tensors |= {name: with_rows(tensors[name], frames) for name in graph.inputs}
    nodes = []
    for node in graph.nodes:
        if node.name in streamed:
            node = _on_rows(graph, node, tensors)
            nodes.append(node)
            seen = view(replace(graph, tensors=tensors), node)
            shape, (output,) = OPERATORS[node.op].infer_shape(seen), node.outputs
            tensors[output] = replace(tensors[output], shape=tuple(shape))
    return replace(graph, tensors=tensors, nodes=tuple(nodes))


def require_kept(graph: Graph, clip: Graph, tensor: str) -> None:
    """Raise `ToolkitError` (internal) where what a reduction leaves depends on the clip."""
    fixed, found = graph.tensors[tensor].shape, clip.tensors[tensor].shape
    if fixed != found:
        raise ToolkitError(
            f"stream plan: {tensor!r} must be {list(fixed)} after any clip; got {list(found)}."
        )


def rows_read(node: Node, row: int, rows: int) -> list[int]:
    """Those of the ``rows`` rows of an input that output row ``row`` of a node is made from."""
    attrs: Any = node.attrs
    if isinstance(attrs, WindowedAttrs):
        window = attrs.window
        first = row * window.stride_h - window.padding.top
        places = range(first, first + window.kernel_h * window.dilation_h, window.dilation_h)
    elif isinstance(attrs, PadAttrs):
        place = row - attrs.paddings[TIME_AXIS][0]
        places = range(place, place + 1)
    elif isinstance(attrs, StridedSliceAttrs):
        start, _, step = attrs.ranges[TIME_AXIS]
        place = start + row * step
        places = range(place, place + 1)
    else:
        places = range(row, row + 1)
    return [place for place in places if 0 <= place < rows]


def _on_rows(graph: Graph, node: Node, tensors: dict[str, Tensor]) -> Node:
    """The node with those attributes brought to the clip that state its length: of a reshape, and
    of a pool over all of it."""
    source = node.inputs[0]
    assert source is not None
    now = tensors[source].shape[TIME_AXIS]
    if isinstance(node.attrs, ReshapeAttrs):
        shape = list(node.attrs.shape)
        shape[TIME_AXIS] = now
        return replace(node, attrs=ReshapeAttrs(tuple(shape)))
    if isinstance(OPERATORS[node.op], Pool2D) and is_global(view(graph, node)):
        assert isinstance(node.attrs, WindowedAttrs)
        whole = replace(node.attrs.window, kernel_h=now, stride_h=now, padding=Padding())
        return replace(node, attrs=replace(node.attrs, window=whole))
    return node
