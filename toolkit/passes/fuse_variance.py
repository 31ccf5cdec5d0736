"""Recognises variances, ``mean((x - mean(x))^2)`` or ``mean(x^2) - mean(x)^2``, also by the weights
of attention pooling, and what is made of them up to the standard deviation, and makes them one
operator.

Spelt out they do not stream: a mean known at the end is subtracted from every frame.  The pass runs
on the graph as imported, once attention pooling has been recognised.
"""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TypeAlias

from toolkit.ir import Graph, Node
from toolkit.ir.edit import forward, substitute
from toolkit.ops.attention_pool import AttentionPoolAttrs
from toolkit.ops.parts.base import view
from toolkit.ops.parts.reduction import ReductionAttrs, reduced, resolved_axes
from toolkit.ops.variance import VarianceAttrs
from toolkit.ops.weighted_variance import WeightedVarianceAttrs
from toolkit.passes.rewrite import only_reader, producer_of, rewrite
from toolkit.passes.weighted_sum import origin

Attrs: TypeAlias = VarianceAttrs | WeightedVarianceAttrs


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
    mean = None if subtract is None else _producer(graph, subtract.inputs[1])
    if subtract is None or mean is None or not _is_mean_of(graph, mean, node, subtract.inputs[0]):
        return None
    if not _lies_beside(graph, mean, *subtract.inputs):
        return None
    return substitute(graph, [node], [_variance(node, mean)])


def _of_squares(graph: Graph, node: Node) -> Graph | None:
    """``mean(x * x) - mean(x) * mean(x)``."""
    if node.op != "sub":
        return None
    squares, square = _behind(graph, node.inputs[0]), producer_of(graph, node.inputs[1], "mul")
    source = None if squares is None else _squared(graph, squares)
    if squares is None or square is None or len({*square.inputs}) != 1:
        return None
    mean = _producer(graph, square.inputs[0])
    if mean is None or not _is_mean_of(graph, mean, squares, source):
        return None
    if len({graph.tensors[name or ""].shape for name in node.inputs}) != 1:
        return None
    return _grown(graph, squares, node, _variance(squares, mean))


def _corrected(graph: Graph, node: Node) -> Graph | None:
    """``variance * n / (n - 1)``, n being how many values it is of, in one or two products."""
    factor = _scalar(graph, node.inputs[1]) if node.op == "mul" else None
    if factor is None:
        return None
    found = _behind(graph, node.inputs[0])
    if found is not None and found.op == "mul":
        factor *= _scalar(graph, found.inputs[1]) or 0.0
        found = _behind(graph, found.inputs[0])
    attrs = None if found is None else found.attrs
    if found is None or not isinstance(attrs, VarianceAttrs):
        return None
    n = reduced(view(graph, found))
    if attrs != VarianceAttrs(attrs.axes, attrs.keep_dims) or n < 2:
        return None
    if not math.isclose(factor, n / (n - 1), rel_tol=1e-5):
        return None
    return _grown(graph, found, node, replace(found, attrs=replace(attrs, correction=1)))


def _added(graph: Graph, node: Node) -> Graph | None:
    found, attrs, value = _scalar_behind(graph, node)
    if found is None or attrs is None or value < 0 or attrs.least or attrs.added:
        return None
    return _grown(graph, found, node, replace(found, attrs=replace(attrs, added=value)))


def _at_least(graph: Graph, node: Node) -> Graph | None:
    """``relu(variance - least) + least``, as the importer spells a lower limit."""
    above = producer_of(graph, node.inputs[0], "relu") if node.op == "add" else None
    less = None if above is None else _behind(graph, above.inputs[0])
    if above is None or less is None or only_reader(graph, above.outputs[0]) is None:
        return None
    found, attrs, value = _scalar_behind(graph, less)
    least = _scalar(graph, node.inputs[1])
    if found is None or attrs is None or least is None or value != -least or attrs.least:
        return None
    return _grown(graph, found, node, replace(found, attrs=replace(attrs, least=least)))


def _rooted(graph: Graph, node: Node) -> Graph | None:
    found = _behind(graph, node.inputs[0]) if node.op == "sqrt" else None
    attrs = _unrooted(found)
    if found is None or attrs is None:
        return None
    return _grown(graph, found, node, replace(found, attrs=replace(attrs, root=True)))


def _squared(graph: Graph, node: Node) -> str | None:
    """The tensor whose square ``node`` is a mean of, by weights or not."""
    if node.op not in ("mean", "attention_pool"):
        return None
    square = _producer(graph, node.inputs[0])
    same = square is not None and square.op == "mul" and len({*square.inputs}) == 1
    return square.inputs[0] if square is not None and same else None


def _is_mean_of(graph: Graph, mean: Node, other: Node, source: str | None) -> bool:
    """Whether ``mean`` is one of ``source`` as ``other`` is one of something else."""
    if mean.op != other.op or source is None or mean.inputs[0] is None:
        return False
    if mean.op == "mean":
        return mean.inputs[0] == source and _axes(graph, mean) == _axes(graph, other)
    if origin(graph, mean.inputs[0], None)[0] != origin(graph, source, None)[0]:
        return False
    shapes = {graph.tensors[node.inputs[0] or ""].shape for node in (mean, other)}
    logits = {origin(graph, node.inputs[1] or "", None)[0] for node in (mean, other)}
    return len(shapes) == len(logits) == 1 and mean.attrs == other.attrs


def _lies_beside(graph: Graph, mean: Node, x: str | None, y: str | None) -> bool:
    """Whether ``y``, a mean of ``x`` in another shape, meets what it is a mean of."""
    shape, other = (graph.tensors[name or ""].shape for name in (x, y))
    taken: set[int | None] = {*_axes(graph, mean)} if mean.op == "mean" else set()
    if mean.op == "attention_pool":
        source, axis, _ = origin(graph, mean.inputs[0] or "", 1)
        taken = {axis if source == x else None}
    kept = tuple(1 if axis in taken else size for axis, size in enumerate(shape))
    return taken != {None} and (1,) * (len(shape) - len(other)) + other == kept


def _axes(graph: Graph, node: Node) -> frozenset[int]:
    return resolved_axes(view(graph, node))


def _variance(squares: Node, mean: Node) -> Node:
    """The variance of what ``mean`` is a mean of, in place of the mean of squares."""
    if isinstance(squares.attrs, AttentionPoolAttrs):
        attrs = WeightedVarianceAttrs(squares.attrs.time_axis, squares.attrs.weights)
        return replace(squares, op="weighted_variance", inputs=mean.inputs, attrs=attrs)
    assert isinstance(squares.attrs, ReductionAttrs)
    plain = VarianceAttrs(squares.attrs.axes, squares.attrs.keep_dims)
    return replace(squares, op="variance", inputs=mean.inputs, attrs=plain)


def _unrooted(node: Node | None) -> Attrs | None:
    """Attributes of a variance that is not rooted."""
    attrs = None if node is None else node.attrs
    if not isinstance(attrs, VarianceAttrs | WeightedVarianceAttrs) or attrs.root:
        return None
    return attrs


def _scalar_behind(graph: Graph, node: Node) -> tuple[Node | None, Attrs | None, float]:
    """The variance that only ``node``, an addition, reads, and the constant that it adds."""
    found = _behind(graph, node.inputs[0]) if node.op == "add" else None
    value = None if found is None else _scalar(graph, node.inputs[1])
    return (None, None, 0.0) if value is None else (found, _unrooted(found), value)


def _scalar(graph: Graph, name: str | None) -> float | None:
    data = None if name is None else graph.tensors[name].data
    return float(data.reshape(-1)[0]) if data is not None and data.size == 1 else None


def _producer(graph: Graph, name: str | None) -> Node | None:
    """What makes a tensor, before transposes and reshapes."""
    return None if name is None else graph.producer(origin(graph, name, None)[0])


def _behind(graph: Graph, name: str | None) -> Node | None:
    """The same, where nothing else reads any of it."""
    if name is None:
        return None
    source, _, path = origin(graph, name, None)
    tensors = [source, *(node.outputs[0] for node in path)]
    alone = all(only_reader(graph, tensor) is not None for tensor in tensors)
    return graph.producer(source) if alone else None


def _grown(graph: Graph, variance: Node, last: Node, made: Node) -> Graph | None:
    """``made`` in place of the variance, whose readers are then those of ``last``."""
    source = last.inputs[0]
    while source is not None and origin(graph, source, None)[0] != variance.outputs[0]:
        node = graph.producer(origin(graph, source, None)[0])
        source = None if node is None else node.inputs[0]
    return None if source is None else forward(substitute(graph, [variance], [made]), last, source)
