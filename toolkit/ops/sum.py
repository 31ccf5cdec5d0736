"""Sum over axes (SUM), int8 or int16.

The sum of a clip grows with the clip: streamed, its output scale serves clips up to a declared
length only (`toolkit.plan.growth`).  LiteRT's reference kernel is wrong on a quantised SUM; TFLM
sums in 32 bits, rescales once and saturates, which is what is done here.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from toolkit.ir.tensor import Array
from toolkit.ops.numerics.fixed_point import quantize_multiplier, requantize
from toolkit.ops.numerics.int16 import same_types, symmetric_int16
from toolkit.ops.parts.base import TimeBehaviour
from toolkit.ops.parts.reduction import (
    ReductionAttrs,
    SumReduction,
    View,
    axes_neighbouring,
    reduced,
    resolved_axes,
)

SumAttrs = ReductionAttrs

#: What a sum may reach: 32 bits with room for the output's zero point.
_LARGEST = (1 << 31) - (1 << 16)


def sum_fits(view: View) -> str | None:
    """the largest sum must stay within 32 bits, also where the input scale exceeds the output's"""
    count, most = reduced(view), most_summed(view)
    return None if count <= most else f"{count} values, where {most} fit"


def most_summed(view: View) -> int:
    """Values whose sum stays within 32 bits, also shifted left where the rescaling does that."""
    x = view.input(0)
    low, high = x.dtype.limits
    _, shift = quantize_multiplier(x.scale / view.output.scale)
    return (_LARGEST >> max(shift, 0)) // max(high - x.zero_point, x.zero_point - low)


class Sum(SumReduction):
    """Sum over one or more axes, rescaled to the output's quantisation."""

    name = "sum"
    tflite_name = "SUM"
    onnx_names = (
        "ReduceSum",
        "ReduceL1",
        "ReduceL2",
        "ReduceLogSum",
        "ReduceLogSumExp",
        "ReduceSumSquare",
    )
    constraints = (same_types, symmetric_int16, axes_neighbouring, sum_fits)
    kernel_stem = "tk_reduce_sum"
    count_field = "summed"
    divides = False

    def run_float(self, view: View, inputs: Sequence[Array]) -> Array:
        axes = tuple(resolved_axes(view))
        total: Array = inputs[0].sum(axis=axes, dtype=np.float64, keepdims=view.attrs.keep_dims)
        return total.astype(np.float32)

    def run_int(self, view: View, inputs: Sequence[Array]) -> Array:
        rescaling = quantize_multiplier(view.input(0).scale / view.output.scale)
        out = requantize(self.total(view, inputs[0]), *rescaling) + view.output.zero_point
        clipped: Array = np.clip(out, *view.output.dtype.limits)
        return clipped.astype(view.output.dtype.numpy)

    def most_reduced(self, view: View) -> int:
        return most_summed(view)

    def grows(self, view: View, time_axis: int) -> bool:
        return self.time_behaviour(view, time_axis) is TimeBehaviour.REDUCING
