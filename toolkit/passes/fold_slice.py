"""Folds slices that cut off rows which a convolution has made of its padding, as causal networks
do (``conv(pad both sides)[:-k]``), into that padding: rows that nobody reads are not computed."""

from __future__ import annotations

from dataclasses import replace

from toolkit.ir import Graph, Node
from toolkit.ir.edit import substitute
from toolkit.ops.parts.window import WindowedAttrs
from toolkit.ops.strided_slice import WHOLE, StridedSliceAttrs
from toolkit.passes.rewrite import only_reader, rewrite


def fold_slice(graph: Graph) -> Graph:
    """Fold every slice of the last rows behind a windowed operator whose padding reaches them."""
    return rewrite(graph, "fold_slice", _fold)


def _fold(graph: Graph, node: Node) -> Graph | None:
    if not isinstance(node.attrs, StridedSliceAttrs) or node.inputs[0] is None:
        return None
    before = graph.producer(node.inputs[0])
    if before is None or only_reader(graph, node.inputs[0]) is None:
        return None
    if not isinstance(before.attrs, WindowedAttrs) or len(node.attrs.ranges) != 4:
        return None
    (start, stop, step), others = node.attrs.ranges[1], {*node.attrs.ranges} - {WHOLE}
    window = before.attrs.window
    cut = window.stride_h * -(stop or 0)
    if len(others) != 1 or start != 0 or step != 1 or not 0 < cut <= window.padding.bottom:
        return None
    padding = replace(window.padding, bottom=window.padding.bottom - cut)
    attrs = replace(before.attrs, window=replace(window, padding=padding))
    return substitute(graph, [before, node], [replace(before, outputs=node.outputs, attrs=attrs)])
