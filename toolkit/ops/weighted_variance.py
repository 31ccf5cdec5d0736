"""Variance by weights over time, or its root (custom operator ``tk.weighted_variance``): the spread
that attentive statistics pooling has beside its mean.

Inputs and weights are those of attention pooling, the sums exact, what is made of them that of
`variance`; the weights keep 18 bits of their table.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from toolkit.ir import Tensor
from toolkit.ir.tensor import Array
from toolkit.ops.attention_pool import (
    AttentionPool,
    AttentionPoolAttrs,
    axis_one,
    broadcast_fields,
    float_weights,
    int16_symmetric,
    table_problem,
    table_valid,
    types_int8,
)
from toolkit.ops.parts.base import CodeFacts, KernelCall, NodeView
from toolkit.ops.parts.custom_options import unpacked
from toolkit.ops.variance import (
    finish_fields,
    finished,
    finished_float,
    spread_scale_problem,
    variance_of,
)

#: Bits of the table's weights that are dropped, and frames that the sums then hold.
DROPPED_BITS = 12
MAX_FRAMES = 1 << 20
#: Sums of weights, of weighted values and of weighted squares, all int64, of one output value.
SUM_BYTES = 24

#: Custom options: magic, version, root, added, least; little endian.
_OPTIONS = struct.Struct("<4sHHdd")
_MAGIC, _VERSION = b"TKWV", 1


@dataclass(frozen=True)
class WeightedVarianceAttrs(AttentionPoolAttrs):
    """What is made of the variance, see `toolkit.ops.variance.Last`."""

    added: float = 0.0
    least: float = 0.0
    root: bool = False


View = NodeView[Any]


def frames_bounded(view: View) -> str | None:
    """at most 2**20 frames"""
    frames = view.input(0).shape[view.attrs.time_axis]
    return None if frames <= MAX_FRAMES else str(frames)


def scale_bounded(view: View) -> str | None:
    """the output scale must be at least 2**-11 of lin's (or its square) and what is added at most
    2**14 squares of it"""
    return spread_scale_problem(view, view.attrs)


class WeightedVariance(AttentionPool):
    """Weighted mean over time of squares of what lin differs from its weighted mean, or its root;
    inputs as those of attention_pool."""

    name = "weighted_variance"
    tflite_name = "tk.weighted_variance"
    constraints = (
        types_int8,
        int16_symmetric,
        axis_one,
        table_valid,
        frames_bounded,
        scale_bounded,
    )

    def read_options(
        self, options: Any, inputs: Sequence[Tensor | None], output: Tensor
    ) -> WeightedVarianceAttrs:
        magic, version, root, added, least = unpacked(options, _OPTIONS)
        if (magic, version) != (_MAGIC, _VERSION):
            raise ValueError(f"options of kind {magic!r} version {version}; {_MAGIC!r} 1 expected")
        problem = table_problem(inputs[2]) if len(inputs) == 3 else f"{len(inputs)} inputs"
        if problem is not None or not (0 <= added < np.inf and 0 <= least < np.inf):
            raise ValueError(problem or f"{added} added, {least} at least")
        return WeightedVarianceAttrs(added=added, least=least, root=bool(root))

    def write_options(self, view: View, options: Any) -> bytes:
        a = view.attrs
        return _OPTIONS.pack(_MAGIC, _VERSION, a.root, a.added, a.least)

    def run_float(self, view: View, inputs: Sequence[Array]) -> Array:
        lin, axis = inputs[0].astype(np.float64), view.attrs.time_axis
        weights = float_weights(view.attrs.weights, inputs[1].astype(np.float64), axis)
        total = weights.sum(axis=axis, keepdims=True)
        mean = (weights * lin).sum(axis=axis, keepdims=True) / total
        spread = (weights * (lin - mean) ** 2).sum(axis=axis, keepdims=True) / total
        return finished_float(view.attrs, spread)

    def run_int(self, view: View, inputs: Sequence[Array]) -> Array:
        lin, logits, table = inputs
        axis = view.attrs.time_axis
        weights = np.maximum(table.astype(np.int64) >> DROPPED_BITS, 1)
        weights = weights[logits.astype(np.int64) + 128]
        centred = lin.astype(np.int64) - view.input(0).zero_point
        sums = [(weights * centred**power).sum(axis=axis, keepdims=True) for power in range(3)]
        return finished(view, view.attrs, variance_of(*sums))

    def max_rows(self, row: View) -> int:
        return MAX_FRAMES

    def kernel_call(self, view: View) -> KernelCall:
        lin, logits, out = view.input(0), view.input(1), view.output
        return KernelCall(
            kernel="tk_weighted_variance",
            params={
                "element_bytes": out.dtype.size_bytes,
                **broadcast_fields(view),
                "in_zero_point": lin.zero_point,
                **finish_fields(view, view.attrs),
                "table": view.input(2).values,
            },
            inputs=(lin.name, logits.name),
            outputs=(out.name,),
            scratch_bytes=SUM_BYTES * out.elements,
            code=CodeFacts(divides=True),
        )
