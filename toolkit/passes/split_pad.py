"""Splits paddings that no TFLite rule gives into a padding operator and a window without: the
reverse of `fold_pad`, for writing ``.tflite`` files."""

from __future__ import annotations

from dataclasses import replace

from toolkit.errors import UnsupportedError
from toolkit.ir import Graph, GraphBuilder, Node, Tensor
from toolkit.ops import OPERATORS
from toolkit.ops.pad import PadAttrs
from toolkit.ops.pad_v2 import PadV2Attrs
from toolkit.ops.parts.window import Padding, WindowedAttrs, padding_rule
from toolkit.passes.fold_pad import window_fill, zero_of


def split_pad(graph: Graph) -> Graph:
    """Every windowed operator left has padding that SAME or VALID gives.

    Raises `UnsupportedError` where TFLite has no form for a padding (average pools).
    """
    builder = GraphBuilder.from_graph(graph)
    builder.nodes = []
    for node in graph.nodes:
        attrs = node.attrs
        if isinstance(attrs, WindowedAttrs) and not OPERATORS[node.op].custom:
            x = builder.tensors[node.inputs[0] or ""]
            if padding_rule(attrs.window, x.shape[1], x.shape[2]) is None:
                padded = _pad(builder, node, attrs, x)
                bare = replace(attrs, window=replace(attrs.window, padding=Padding()))
                node = replace(node, inputs=(padded, *node.inputs[1:]), attrs=bare)
        builder.nodes.append(node)
    return builder.build()


def _pad(builder: GraphBuilder, node: Node, attrs: WindowedAttrs, x: Tensor) -> str:
    """Append the padding of ``node`` as a node of its own; returns the padded tensor."""
    p = attrs.window.padding
    edges = ((0, 0), (p.top, p.bottom), (p.left, p.right), (0, 0))
    fill = window_fill(node.op, x)
    if fill is None:
        raise UnsupportedError(
            f"node {node.name!r} ({node.op}): TFLite has no such padding;"
            f" got {p.top}, {p.bottom} rows and {p.left}, {p.right} columns",
            "Pad symmetrically with stride 1, or put an explicit Pad before.",
        )
    shape = tuple(size + sum(edge) for size, edge in zip(x.shape, edges, strict=True))
    output = replace(x, name=f"{node.name}/padded", shape=shape, data=None)
    name = f"{node.name}/pad"
    if fill == zero_of(x):
        return builder.add_node("pad", [x.name], output, PadAttrs(edges), name)
    return builder.add_node("pad_v2", [x.name], output, PadV2Attrs(edges, fill), name)
