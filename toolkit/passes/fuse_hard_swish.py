"""Recognises ``x * relu6(x + 3) / 6``, as exporters spell it, and makes it one hard swish."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from toolkit.ir import Graph, Node
from toolkit.ir.edit import substitute
from toolkit.passes.rewrite import only_reader, producer_of, rewrite

_TOLERANCE = 1e-5


def fuse_hard_swish(graph: Graph) -> Graph:
    """One table on the device instead of three operators, each of which would round."""
    return rewrite(graph, "fuse_hard_swish", _fuse)


def _fuse(graph: Graph, node: Node) -> Graph | None:
    for x, inner in _matches(graph, node):
        if all(only_reader(graph, part.outputs[0]) is not None for part in inner):
            fused = Node(node.name, "hard_swish", (x,), node.outputs)
            return substitute(graph, [*inner, node], [fused])
    return None


def _matches(graph: Graph, node: Node) -> Iterator[tuple[str, list[Node]]]:
    """Every x of which ``node`` ends a hard swish, and the nodes before it.  The sixth is taken
    of the gate or of the product."""
    if node.op != "mul":
        return
    whole = _times_sixth(graph, node)
    product = producer_of(graph, whole, "mul")
    for x, gate in _pairs(node if product is None else product):
        last = product or producer_of(graph, gate, "mul")
        if last is not None:
            inner = gate if product is not None else _times_sixth(graph, last)
            nodes = _gate(graph, x, inner)
            if nodes:
                yield x, [*nodes, last]


def _gate(graph: Graph, x: str, name: str | None) -> list[Node]:
    """The nodes that make ``name`` as ``relu6(x + 3)``, none where they do not."""
    clip = producer_of(graph, name, "relu6")
    shift = None if clip is None else producer_of(graph, clip.inputs[0], "add")
    if clip is None or shift is None or _constant_operand(graph, shift, 3.0) != x:
        return []
    return [shift, clip]


def _times_sixth(graph: Graph, node: Node) -> str | None:
    return _constant_operand(graph, node, 1.0 / 6.0)


def _constant_operand(graph: Graph, node: Node, value: float) -> str | None:
    """The computed operand of a node whose other one is ``value`` throughout."""
    x, other = node.inputs
    data = None if other is None else graph.tensors[other].data
    if data is None or not np.allclose(data, value, rtol=_TOLERANCE, atol=0):
        return None
    return x


def _pairs(node: Node) -> tuple[tuple[str, str], ...]:
    a, b = node.inputs
    assert a is not None and b is not None
    return ((a, b), (b, a))
