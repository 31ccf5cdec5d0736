"""Lowering of reductions."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import numpy as np

from toolkit.frontend.lowering import Lower, Lowering, attribute, axis_of
from toolkit.frontend.node import OnnxNode
from toolkit.ops.numerics.functions import formula
from toolkit.ops.parts.arithmetic import ArithmeticAttrs
from toolkit.ops.parts.reduction import ReductionAttrs
from toolkit.ops.table import TableAttrs

#: What is done to a tensor before or after it is reduced.
Step = Callable[[Lowering, OnnxNode, str], str]


def global_average_pool(low: Lowering, node: OnnxNode) -> str:
    """GlobalAveragePool: the mean over all spatial axes."""
    x = low.value(node.inputs[0])
    axes = tuple(range(2, len(low.tensor_shape(x))))
    return low.append("mean", [x], ReductionAttrs(axes, keep_dims=True), node)


def _square(low: Lowering, node: OnnxNode, x: str) -> str:
    return low.append("mul", [x, x], ArithmeticAttrs(), node)


def _negated(low: Lowering, node: OnnxNode, x: str) -> str:
    return low.multiply(x, np.full(1, -1.0, np.float32), node)


def _tabled(function: str, low: Lowering, node: OnnxNode, x: str) -> str:
    return low.append("table", [x], TableAttrs(formula(function)), node)


def _own(op: str, low: Lowering, node: OnnxNode, x: str) -> str:
    return low.append(op, [x], None, node)


def reduce(op: str, first: Step | None, last: Step | None, low: Lowering, node: OnnxNode) -> str:
    """A reduction of ``first`` of the values, and ``last`` of what comes of it."""
    rank = len(low.shape(node.inputs[0]))
    axes = low.integers(node, "axes", 1)
    keep = bool(attribute(node, "keepdims", int, 1))
    nothing = attribute(node, "noop_with_empty_axes", int, 0)
    if not axes:
        axes = () if nothing else tuple(range(rank))
    attrs = ReductionAttrs(tuple(sorted({axis_of(node, axis, rank) for axis in axes})), keep)
    x = low.value(node.inputs[0])
    x = x if first is None else first(low, node, x)
    made = low.append(op, [x], attrs, node)
    return made if last is None else last(low, node, made)


_exp, _sqrt, _abs, _log = (
    partial(_own, "exp"),
    partial(_own, "sqrt"),
    partial(_tabled, "abs"),
    partial(_tabled, "log"),
)

LOWERINGS: dict[str, Lower] = {
    "GlobalAveragePool": global_average_pool,
    "ReduceL1": partial(reduce, "sum", _abs, None),
    "ReduceL2": partial(reduce, "sum", _square, _sqrt),
    "ReduceLogSum": partial(reduce, "sum", None, _log),
    "ReduceLogSumExp": partial(reduce, "sum", _exp, _log),
    "ReduceMax": partial(reduce, "reduce_max", None, None),
    "ReduceMean": partial(reduce, "mean", None, None),
    "ReduceMin": partial(reduce, "reduce_max", _negated, _negated),
    "ReduceSum": partial(reduce, "sum", None, None),
    "ReduceSumSquare": partial(reduce, "sum", _square, None),
}
