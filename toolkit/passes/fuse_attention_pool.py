"""Recognises pooling by weights over an axis, ``sum_t(lin * w) / sum_t(w)``, and makes it one
operator.

As builtin operators it does not survive int8, and a softmax over time does not stream (contract
C2).  The weights are a softmax of logits, or their sigmoid or ReLU divided by its sum; the product
is element by element, broadcasting as one weight a frame does, or a matrix product, as several
heads make it.  The pass runs on the graph as imported.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from toolkit.ir import Graph, GraphBuilder, Node, Shape
from toolkit.ir.edit import fresh, fresh_node, rename_tensors, substitute
from toolkit.ops import OPERATORS
from toolkit.ops.append import append
from toolkit.ops.attention_pool import AttentionPoolAttrs, WeightsOf
from toolkit.ops.parts.arithmetic import ArithmeticAttrs
from toolkit.ops.parts.base import view
from toolkit.ops.parts.reduction import resolved_axes
from toolkit.ops.reshape import ReshapeAttrs
from toolkit.ops.softmax import SoftmaxAttrs
from toolkit.ops.transpose import TransposeAttrs
from toolkit.passes.rewrite import drop_identity_reshape, producer_of, rewrite
from toolkit.passes.transposes import is_elementwise
from toolkit.passes.weighted_sum import Axes, WeightedSum, origin, weighted_sum

#: What is added to a divisor lest it be 0, and no more.
_SMALL = 1e-5

#: What makes weights that are divided by their sum.
_MADE_OF: dict[str, WeightsOf] = {"exp": "softmax", "logistic": "sigmoid"}


def fuse_attention_pool(graph: Graph) -> Graph:
    """Replace every pooling by weights over an axis that is not of features."""
    return rewrite(graph, "fuse_attention_pool", _weigh_squares, _fuse, drop_identity_reshape)


def _weigh_squares(graph: Graph, node: Node) -> Graph | None:
    """``(w * x) * x`` as ``w * (x * x)``, w being a softmax: the sum of weighted squares that
    attentive statistics have beside that of weighted values."""
    inner = producer_of(graph, node.inputs[0], "mul") if node.op == "mul" else None
    if inner is None or node.inputs[1] not in inner.inputs or len({*inner.inputs}) != 2:
        return None
    x = node.inputs[1]
    (weights,) = (name for name in inner.inputs if name != x)
    maker = None if weights is None else graph.producer(origin(graph, weights, None)[0])
    if x is None or maker is None or maker.op != "softmax":
        return None
    squares = replace(graph.tensors[x], name=fresh(graph, x))
    label = fresh_node(graph, f"{node.name}.squares")
    square = Node(label, "mul", (x, x), (squares.name,), ArithmeticAttrs())
    weighed = replace(node, inputs=(weights, squares.name))
    return substitute(graph, [node], [square, weighed], [squares])


@dataclass(frozen=True)
class _Weights:
    """``tensor`` are the logits, ``path`` the nodes that bring what is made of them, the axis
    ``axis``, to where it is multiplied."""

    tensor: str
    axis: int
    path: tuple[Node, ...]
    made_of: WeightsOf


def _fuse(graph: Graph, node: Node) -> Graph | None:
    for pair, divisor in _candidates(graph, node):
        axis = pair.a.labels.index("t")
        if graph.tensors[pair.b.tensor].is_constant:
            continue
        weights = (
            _normalised(graph, pair.a.tensor, axis)
            if divisor is None
            else _divided(graph, pair.a.tensor, axis, divisor)
        )
        others = {label for label in pair.sizes if label != "t"}
        if weights is not None and len(others) <= 2 and _is_time(graph, weights):
            return _emit(graph, node, pair, weights)
    return None


def _candidates(graph: Graph, node: Node) -> Iterator[tuple[WeightedSum, str | None]]:
    """Sums of products that ``node`` is, or divides by a tensor; the first factor are weights."""
    weighted = weighted_sum(graph, node)
    if weighted is not None:
        yield weighted, None
        yield weighted.turned, None
    if node.op == "div" and node.inputs[0] is not None and node.inputs[1] is not None:
        name, _, _ = origin(graph, node.inputs[0], None)
        total = graph.producer(name)
        inner = None if total is None else weighted_sum(graph, total)
        if inner is None:
            return
        divisor, result = graph.tensors[node.inputs[1]], graph.tensors[node.outputs[0]]
        whole = graph.tensors[name].elements == result.elements
        for weighted in (inner, inner.turned):
            # One divisor, or one for every value that has weights of its own.
            rank = len(inner.result)
            long_axes = [i for i, n in enumerate(_padded(divisor.shape, rank)) if n > 1]
            own = {label for label in weighted.a.labels if label not in ("", "t")}
            direct = name == node.inputs[0] and {inner.result[i] for i in long_axes} == own
            if whole and (divisor.elements == 1 or direct):
                yield weighted, node.inputs[1]


def _normalised(graph: Graph, name: str, axis: int) -> _Weights | None:
    """Weights that are a softmax, or something divided by its sum."""
    source, at, path = origin(graph, name, axis)
    node = graph.producer(source)
    if node is None or node.inputs[0] is None:
        return None
    if node.op == "softmax" and at == len(graph.tensors[source].shape) - 1:
        plain = isinstance(node.attrs, SoftmaxAttrs) and node.attrs.beta == 1.0
        return _Weights(node.inputs[0], at, path, "softmax") if plain else None
    if node.op == "div" and at is not None and node.inputs[1] is not None:
        shape = graph.tensors[source].shape
        divisor = _padded(graph.tensors[node.inputs[1]].shape, len(shape))
        if divisor != (*shape[:at], 1, *shape[at + 1 :]):
            return None
        found = _divided(graph, node.inputs[0], at, node.inputs[1])
        return None if found is None else replace(found, path=(*found.path, *path))
    return None


def _divided(graph: Graph, name: str, axis: int, divisor: str) -> _Weights | None:
    """Weights whose sum over ``axis`` is ``divisor``: exponentials, a sigmoid, or what cannot be
    negative."""
    total, _, _ = origin(graph, divisor, None)
    node = graph.producer(total)
    if node is not None and node.op == "add" and _is_small(graph, node.inputs[1]):
        total, _, _ = origin(graph, node.inputs[0] or "", None)
        node = graph.producer(total)
    if node is None or node.op != "sum" or node.inputs[0] is None:
        return None
    summed = resolved_axes(view(graph, node))
    mine, at, path = origin(graph, name, axis)
    shape = graph.tensors[node.inputs[0]].shape
    long_axes = [axis for axis in sorted(summed) if shape[axis] > 1]
    if len(long_axes) != 1:
        return None
    theirs, there, _ = origin(graph, node.inputs[0], long_axes[0])
    maker = graph.producer(mine)
    if at is None or (mine, at) != (theirs, there) or maker is None or maker.inputs[0] is None:
        return None
    if maker.op in _MADE_OF:
        return _Weights(maker.inputs[0], at, path, _MADE_OF[maker.op])
    return _Weights(mine, at, path, "itself") if maker.op in ("relu", "relu6") else None


def _padded(shape: Shape, rank: int) -> Shape:
    """A shape as it broadcasts to ``rank`` axes."""
    return (*[1] * (rank - len(shape)), *shape)


def _is_small(graph: Graph, name: str | None) -> bool:
    data = graph.tensors[name or ""].data
    return data is not None and data.size == 1 and 0 <= data.flat[0] <= _SMALL


def _is_time(graph: Graph, weights: _Weights) -> bool:
    """Whether the axis of the logits is none of features, and the logits no product of the clip
    with itself, as in self-attention."""
    name, axis = weights.tensor, weights.axis
    while True:
        name, at, _ = origin(graph, name, axis)
        node = graph.producer(name)
        if node is None or at is None:
            return True
        if node.op == "batch_matmul":
            return False
        if OPERATORS[node.op].weight_input is not None:
            return at != len(graph.tensors[name].shape) - 1
        if not is_elementwise(node) or node.inputs[0] is None:
            return True
        if graph.tensors[node.inputs[0]].shape != graph.tensors[name].shape:
            return True
        name, axis = node.inputs[0], at


def _emit(graph: Graph, node: Node, pair: WeightedSum, weights: _Weights) -> Graph:
    """The graph with the pool, which takes the name of ``node``, in its place."""
    (name,) = node.outputs
    result, pooled = name, fresh(graph, name)
    if name not in graph.outputs:  # the pooled tensor takes the sum's name
        result, pooled = f"{pooled}@sum", name
        graph = rename_tensors(graph, {name: result})
    (total,) = (n for n in graph.nodes if n.name == node.name)
    builder = GraphBuilder.from_graph(substitute(graph, [total], []))
    position = graph.nodes.index(total)
    after = builder.nodes[position:]
    del builder.nodes[position:]
    logits = weights.tensor
    for step in weights.path:
        logits = append(builder, step.op, [logits], step.attrs, f"{logits}@weights")
    order = _order(pair)
    operands = [
        _rows(builder, axes, order, pair.sizes) for axes in (pair.b, replace(pair.a, tensor=logits))
    ]
    attrs = AttentionPoolAttrs(1, weights.made_of)
    values = append(builder, "attention_pool", operands, attrs, pooled, node.name)
    _, _, outer, inner = builder.tensors[values].shape
    flat = append(builder, "reshape", [values], ReshapeAttrs((1, outer, inner)), f"{pooled}@flat")
    if [label for label in pair.result if label] == [*reversed(order)]:
        swap = TransposeAttrs((0, 2, 1))
        flat = append(builder, "transpose", [flat], swap, f"{pooled}@channels")
    shape = ReshapeAttrs(graph.tensors[result].shape)
    last = append(builder, "reshape", [flat], shape, f"{pooled}@shaped")
    made = builder.nodes.pop()
    builder.nodes += [replace(made, outputs=(result,)), *after]
    del builder.tensors[last]
    return builder.build()


def _order(pair: WeightedSum) -> list[str]:
    """The other labels as they follow time: what the product alone has lies within what the weights
    have, and channels, first in channel-first tensors, within the rest."""
    own = [label for label in pair.b.labels if label and label not in (*pair.a.labels, "t")]
    labels = [label for label in pair.result if label]
    channels = [label for label in pair.b.labels[1:2] if label in labels]
    last = (own or channels)[:1] if pair.b.labels.index("t") > 1 or own else []
    return [*(label for label in labels if label not in last), *last]


def _rows(builder: GraphBuilder, axes: Axes, order: Sequence[str], sizes: dict[str, int]) -> str:
    """``axes`` as ``[1, T, outer, inner]``, 1 where it has no such axis."""
    labels = list(axes.labels)
    wanted = [labels.index(label) for label in ("t", *order) if label in labels]
    ones = [axis for axis, label in enumerate(labels) if not label]
    first = ones[:1] if ones and ones[0] == 0 else []
    perm = (*first, *wanted, *ones[len(first) :])
    name = axes.tensor
    if perm != tuple(range(len(perm))):
        name = append(builder, "transpose", [name], TransposeAttrs(perm), f"{name}@time")
    pair = [sizes[label] if label in labels else 1 for label in order]
    shape = (1, sizes["t"], *[1] * (2 - len(pair)), *pair)
    if builder.tensors[name].shape != shape:
        name = append(builder, "reshape", [name], ReshapeAttrs(shape), f"{name}@rows")
    return name
