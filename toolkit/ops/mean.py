"""Mean over axes (MEAN), int8 or int16; the multiplier depends on how many values are averaged.

The kernel divides the rescaling by that number itself, so that a stream, which does not know it
before it ends, runs the same code.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from toolkit.ir import DType
from toolkit.ir.tensor import Array
from toolkit.ops.numerics.fixed_point import quantize_multiplier, requantize
from toolkit.ops.numerics.int16 import same_types, symmetric_int16
from toolkit.ops.parts.channels import Bounds, any_value
from toolkit.ops.parts.reduction import (
    ReductionAttrs,
    SumReduction,
    View,
    axes_neighbouring,
    reduced,
    reduces_around_channels,
    resolved_axes,
)

MeanAttrs = ReductionAttrs

#: Values whose sum, int8's offset included, stays within 32 bits.
MAX_AVERAGED = (1 << 31) // 255 - 1
MAX_AVERAGED_INT16 = (1 << 16) - 1


def sum_fits(view: View) -> str | None:
    """at most 8,421,503 values (int16: 65,535) may be averaged"""
    count = reduced(view)
    return None if count <= most_averaged(view) else str(count)


def most_averaged(view: View) -> int:
    return MAX_AVERAGED if view.input(0).dtype is DType.INT8 else MAX_AVERAGED_INT16


def means_bounded(view: View) -> str | None:
    """the input scale must be below 16384 times the output scale (int16: 64 times)"""
    x, out = view.input(0), view.output
    ratio = x.scale / out.scale
    limit = 16384 if x.dtype is DType.INT8 else 64
    return None if ratio < limit else f"{ratio:g} times"


class Mean(SumReduction):
    """Mean over one or more axes, rescaled to the output's quantisation."""

    name = "mean"
    tflite_name = "MEAN"
    onnx_names = ("ReduceMean", "GlobalAveragePool")
    constraints = (same_types, symmetric_int16, axes_neighbouring, sum_fits, means_bounded)
    kernel_stem = "tk_mean"
    count_field = "averaged"
    divides = True

    def run_float(self, view: View, inputs: Sequence[Array]) -> Array:
        axes = tuple(resolved_axes(view))
        mean: Array = inputs[0].mean(axis=axes, keepdims=view.attrs.keep_dims)
        return mean.astype(np.float32)

    def run_int(self, view: View, inputs: Sequence[Array]) -> Array:
        total = self.total(view, inputs[0])
        out = requantize(total, *self.multiplier(view, reduced(view))) + view.output.zero_point
        clipped: Array = np.clip(out, *view.output.dtype.limits)
        return clipped.astype(view.output.dtype.numpy)

    def channel_bounds(self, view: View, inputs: Sequence[Bounds]) -> Bounds:
        """The mean of values that are not below 0 is not below 0, and so on; how another one is
        rounded depends on how many values there are."""
        if not reduces_around_channels(view):
            return any_value(view.output)
        x, zero, out = inputs[0], view.input(0).zero_point, view.output
        low, high = out.dtype.limits
        return Bounds(
            np.where(x.low >= zero, out.zero_point, low),
            np.where(x.high <= zero, out.zero_point, high),
        )

    @staticmethod
    def multiplier(view: View, count: int) -> tuple[int, int]:
        """Rescaling and division by ``count`` in one (TFLM's rule)."""
        multiplier, shift = quantize_multiplier(view.input(0).scale / view.output.scale)
        extra = min(count.bit_length() - 1, 32, 31 + shift)
        return (multiplier << extra) // count, shift - extra

    def most_reduced(self, view: View) -> int:
        return most_averaged(view)
