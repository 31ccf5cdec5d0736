"""Recognises variances, ``mean((x - mean(x))^2)`` or ``mean(x^2) - mean(x)^2``, and what is made of
them up to the standard deviation, and makes them one operator.

Spelt out they do not stream: a mean known at the end is subtracted from every frame.  The pass runs
on the graph as imported.
"""

from __future__ import annotations

import math
from dataclasses import replace

from toolkit.ir import Graph, Node
from toolkit.ir.edit import substitute
from toolkit.ops.parts.base import view
from toolkit.ops.parts.reduction import ReductionAttrs, reduced, resolved_axes
from toolkit.ops.variance import VarianceAttrs
from toolkit.passes.rewrite import only_reader, producer_of, rewrite


def fuse_variance(graph: Graph) -> Graph:
    """Replace every variance over axes, and fold its correction, what is added to it, its least
    value and its root."""
    return rewrite(
        graph, "fuse_variance", _centred, _of_squares, _corrected, _at_least, _added, _rooted
    )


def _centred(graph: Graph, node: Node) -> Graph | None:
    """``mean(d * d)`` where ``d = x - mean(x)``."""
    difference = _squared(graph, node)
    subtract = None if difference is None else producer_of(graph, difference, "sub")
    if subtract is None or subtract.inputs[0] is None:
        return None
    mean = _mean_of(graph, subtract.inputs[1], subtract.inputs[0])
    if mean is None or _axes(graph, mean) != _axes(graph, node):
        return None
    return _variance(graph, node, node, subtract.inputs[0])


def _of_squares(graph: Graph, node: Node) -> Graph | None:
    """``mean(x * x) - mean(x) * mean(x)``."""
    if node.op != "sub":
        return None
    squares = producer_of(graph, node.inputs[0], "mean")
    source = None if squares is None else _squared(graph, squares)
    square = producer_of(graph, node.inputs[1], "mul")
    if squares is None or source is None or square is None or len({*square.inputs}) != 1:
        return None
    mean = _mean_of(graph, square.inputs[0], source)
    if mean is None or _axes(graph, mean) != _axes(graph, squares):
        return None
    return _variance(graph, node, squares, source)


def _corrected(graph: Graph, node: Node) -> Graph | None:
    """``variance * n / (n - 1)``, n being how many values it is of, in one or two products."""
    factor = _factor(graph, node)
    before = None if factor is None else graph.producer(node.inputs[0] or "")
    if factor is None or before is None or only_reader(graph, before.outputs[0]) is None:
        return None
    also = _factor(graph, before)
    source = before if also is None else graph.producer(before.inputs[0] or "")
    found = _found(graph, source)
    if source is None or found is None or only_reader(graph, source.outputs[0]) is None:
        return None
    n = reduced(view(graph, source))
    if found != replace(found, correction=0, added=0, least=0, root=False) or n < 2:
        return None
    if not math.isclose(factor * (also or 1.0), n / (n - 1), rel_tol=1e-5):
        return None
    return _grown(graph, source, node, replace(found, correction=1))


def _added(graph: Graph, node: Node) -> Graph | None:
    before, found, value = _scalar_behind(graph, node, "add")
    if before is None or found is None or value < 0 or found.least or found.added:
        return None
    return _grown(graph, before, node, replace(found, added=value))


def _at_least(graph: Graph, node: Node) -> Graph | None:
    """``relu(variance - least) + least``, as the importer spells a lower limit."""
    above = producer_of(graph, node.inputs[0], "relu") if node.op == "add" else None
    less = None if above is None else graph.producer(above.inputs[0] or "")
    if above is None or less is None or only_reader(graph, above.outputs[0]) is None:
        return None
    before, found, value = _scalar_behind(graph, less, "add")
    least = _scalar(graph, node.inputs[1])
    if before is None or found is None or least is None or value != -least or found.least:
        return None
    return _grown(graph, before, node, replace(found, least=least))


def _rooted(graph: Graph, node: Node) -> Graph | None:
    before = graph.producer(node.inputs[0] or "") if node.op == "sqrt" else None
    found = _found(graph, before)
    if before is None or found is None or only_reader(graph, before.outputs[0]) is None:
        return None
    return _grown(graph, before, node, replace(found, root=True))


def _squared(graph: Graph, node: Node) -> str | None:
    """The tensor whose square ``node`` is the mean of."""
    square = producer_of(graph, node.inputs[0], "mul") if node.op == "mean" else None
    return square.inputs[0] if square is not None and len({*square.inputs}) == 1 else None


def _mean_of(graph: Graph, name: str | None, source: str) -> Node | None:
    """The mean of ``source`` that a tensor is, in whatever shape."""
    reshape = producer_of(graph, name, "reshape")
    mean = producer_of(graph, reshape.inputs[0] if reshape else name, "mean")
    return mean if mean is not None and mean.inputs[0] == source else None


def _axes(graph: Graph, node: Node) -> frozenset[int]:
    return resolved_axes(view(graph, node))


def _variance(graph: Graph, node: Node, mean: Node, source: str) -> Graph:
    """``node``, of the shape of ``mean``, as the variance of ``source``."""
    assert isinstance(mean.attrs, ReductionAttrs)
    attrs = VarianceAttrs(mean.attrs.axes, mean.attrs.keep_dims)
    made = replace(node, op="variance", inputs=(source,), attrs=attrs)
    return substitute(graph, [node], [made])


def _found(graph: Graph, node: Node | None) -> VarianceAttrs | None:
    """Attributes of a variance that is not rooted."""
    attrs = node.attrs if node is not None else None
    return attrs if isinstance(attrs, VarianceAttrs) and not attrs.root else None


def _factor(graph: Graph, node: Node) -> float | None:
    return _scalar(graph, node.inputs[1]) if node.op == "mul" else None


def _scalar_behind(
    graph: Graph, node: Node, op: str
) -> tuple[Node | None, VarianceAttrs | None, float]:
    """The variance that only ``node`` reads, and the constant that it is added to."""
    before = graph.producer(node.inputs[0] or "") if node.op == op else None
    value = None if before is None else _scalar(graph, node.inputs[1])
    if before is None or value is None or only_reader(graph, before.outputs[0]) is None:
        return None, None, 0.0
    return before, _found(graph, before), value


def _scalar(graph: Graph, name: str | None) -> float | None:
    data = None if name is None else graph.tensors[name].data
    return float(data.reshape(-1)[0]) if data is not None and data.size == 1 else None


def _grown(graph: Graph, variance: Node, last: Node, attrs: VarianceAttrs) -> Graph:
    """The variance with ``attrs`` in place of what led up to ``last``."""
    made = replace(variance, outputs=last.outputs, attrs=attrs)
    return substitute(graph, [variance, last], [made])
