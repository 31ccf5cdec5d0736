"""Recognises layer and RMS normalisation as exporters spell it, ``(x - mean(x)) / sqrt(variance(x)
+ epsilon)`` over the last axes or over one, with gains and offsets behind, and makes it one
operator, which does not round what it squares.

It runs once variances have been recognised.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np

from toolkit.ir import Graph, GraphBuilder, Node
from toolkit.ir.edit import substitute
from toolkit.ops.append import append
from toolkit.ops.normalization import NormalizationAttrs
from toolkit.ops.numerics.functions import ARGUMENT, Step
from toolkit.ops.parts.base import view
from toolkit.ops.parts.reduction import ReductionAttrs, resolved_axes
from toolkit.ops.reshape import ReshapeAttrs
from toolkit.ops.table import TableAttrs
from toolkit.ops.transpose import TransposeAttrs
from toolkit.ops.variance import VarianceAttrs
from toolkit.passes.rewrite import only_reader, producer_of, rewrite


def fuse_normalization(graph: Graph) -> Graph:
    """Replace every normalisation, and take gains and offsets behind it in."""
    return rewrite(graph, "fuse_normalization", _centred, _rooted, _affine)


@dataclass(frozen=True)
class _Found:
    """``source`` normalised over ``axes``."""

    source: str
    axes: tuple[int, ...]
    attrs: NormalizationAttrs


def _centred(graph: Graph, node: Node) -> Graph | None:
    """``(x - mean(x)) / standard deviation(x)``."""
    parts = _quotient(graph, node)
    subtract = None if parts is None else producer_of(graph, parts[0], "sub")
    spread = None if parts is None else producer_of(graph, parts[1], "variance")
    mean = None if subtract is None else producer_of(graph, subtract.inputs[1], "mean")
    if spread is None or subtract is None or mean is None:
        return None
    source, attrs = subtract.inputs[0], spread.attrs
    assert isinstance(attrs, VarianceAttrs) and isinstance(mean.attrs, ReductionAttrs)
    axes = resolved_axes(view(graph, spread))
    plain = attrs.root and attrs.keep_dims and not attrs.correction and not attrs.least
    same = {mean.inputs[0], spread.inputs[0]} == {source}
    if not plain or not same or not mean.attrs.keep_dims or source is None:
        return None
    if axes != resolved_axes(view(graph, mean)):
        return None
    found = _Found(source, tuple(sorted(axes)), NormalizationAttrs(True, attrs.added))
    return _made(graph, node, found)


def _rooted(graph: Graph, node: Node) -> Graph | None:
    """``x / sqrt(mean(x * x) + epsilon)``."""
    parts = _quotient(graph, node)
    root = None if parts is None else producer_of(graph, parts[1], "sqrt")
    if parts is None or root is None or root.inputs[0] is None:
        return None
    inner, epsilon = root.inputs[0], 0.0
    added = producer_of(graph, inner, "add")
    if added is not None:
        data = graph.tensors[added.inputs[1] or ""].data
        if data is None or data.size != 1 or added.inputs[0] is None:
            return None
        inner, epsilon = added.inputs[0], float(data.reshape(-1)[0])
    mean = producer_of(graph, inner, "mean")
    square = None if mean is None else producer_of(graph, mean.inputs[0], "mul")
    if mean is None or square is None or {*square.inputs} != {parts[0]} or epsilon < 0:
        return None
    assert isinstance(mean.attrs, ReductionAttrs)
    if not mean.attrs.keep_dims:
        return None
    axes = tuple(sorted(resolved_axes(view(graph, mean))))
    return _made(graph, node, _Found(parts[0], axes, NormalizationAttrs(False, epsilon)))


def _quotient(graph: Graph, node: Node) -> tuple[str, str] | None:
    """What is divided by what, also as a product with the reciprocal."""
    a, b = node.inputs if len(node.inputs) == 2 else (None, None)
    if a is None or b is None:
        return None
    if node.op == "div":
        return a, b
    if node.op != "mul":
        return None
    for x, y in ((a, b), (b, a)):
        maker = graph.producer(y)
        if maker is None or maker.inputs[0] is None:
            continue
        if isinstance(maker.attrs, TableAttrs) and maker.attrs.formula is not None:
            (step, *more) = maker.attrs.formula.steps
            if step == Step("reciprocal", (ARGUMENT,)) and not more:
                return x, maker.inputs[0]
        if maker.op == "div" and _is_one(graph, maker.inputs[0]) and maker.inputs[1] is not None:
            return x, maker.inputs[1]
    return None


def _is_one(graph: Graph, name: str) -> bool:
    data = graph.tensors[name].data
    return data is not None and data.size == 1 and float(data.reshape(-1)[0]) == 1.0


def _made(graph: Graph, node: Node, found: _Found) -> Graph | None:
    """The node replaced by the operator on the axes brought to the end."""
    shape = graph.tensors[found.source].shape
    rank = len(shape)
    trailing = found.axes == tuple(range(rank - len(found.axes), rank))
    if graph.tensors[node.outputs[0]].shape != shape or not (trailing or len(found.axes) == 1):
        return None
    builder = GraphBuilder.from_graph(graph)
    position = builder.nodes.index(node)
    after = builder.nodes[position + 1 :]
    del builder.nodes[position:]
    (output,), name = node.outputs, found.source
    others = [axis for axis in range(rank) if axis not in found.axes]
    perm = (*others, *found.axes)
    if not trailing:
        name = append(builder, "transpose", [name], TransposeAttrs(perm), f"{output}@turned")
    turned = tuple(shape[axis] for axis in perm)
    flat = (*turned[: len(others)], math.prod(turned[len(others) :]))
    if flat != turned:
        name = append(builder, "reshape", [name], ReshapeAttrs(flat), f"{output}@rows")
    last = "normalization"
    attrs: object = found.attrs
    if flat != turned or not trailing:
        name = append(builder, last, [name], attrs, f"{output}@normal")
        last, attrs = "reshape", ReshapeAttrs(turned)
        if not trailing:
            last, attrs = "transpose", TransposeAttrs(tuple(perm.index(a) for a in range(rank)))
    builder.nodes += [Node(node.name, last, (name,), node.outputs, attrs), *after]
    return builder.build()


def _affine(graph: Graph, node: Node) -> Graph | None:
    """A product with, or a sum of, constants of the normalised axes becomes gains and offsets."""
    if node.op not in ("mul", "add"):
        return None
    source, other = node.inputs
    constant = graph.tensors[other or ""].data
    if constant is None or source is None or only_reader(graph, source) is None:
        return None
    made, shape = graph.producer(source), graph.tensors[source].shape
    shaped = None
    if made is not None and made.op == "reshape" and made.inputs[0] is not None:
        shaped, made = made, graph.producer(made.inputs[0])
        if only_reader(graph, shaped.inputs[0] or "") is None:
            return None
    if made is None or not isinstance(made.attrs, NormalizationAttrs):
        return None
    rows = graph.tensors[made.outputs[0]].shape
    leading = len(rows) - 1
    if rows[:leading] != shape[:leading] or constant.ndim > len(shape):
        return None
    full = constant.reshape((1,) * (len(shape) - constant.ndim) + constant.shape)
    if math.prod(full.shape[:leading]) != 1 or len(made.attrs.gains) not in (0, rows[-1]):
        return None
    values = np.broadcast_to(full, (*(1,) * leading, *shape[leading:])).reshape(-1)
    attrs = made.attrs
    gains = np.array(attrs.gains or (1.0,) * rows[-1])
    offsets = np.array(attrs.offsets or (0.0,) * rows[-1])
    if node.op == "mul":
        gains, offsets = gains * values, offsets * values
    else:
        offsets = offsets + values
    attrs = replace(attrs, gains=tuple(gains.tolist()), offsets=tuple(offsets.tolist()))
    if shaped is None:
        return substitute(graph, [made, node], [replace(made, attrs=attrs, outputs=node.outputs)])
    last = replace(shaped, outputs=node.outputs)
    return substitute(graph, [made, shaped, node], [replace(made, attrs=attrs), last])
