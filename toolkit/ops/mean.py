"""Mean over axes (MEAN), int8 or int16; the multiplier depends on how many values are averaged.

The kernel divides the rescaling by that number itself, so that a stream, which does not know it
before it ends, runs the same code.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from toolkit.ir import DType, Shape, Tensor
from toolkit.ir.tensor import Array
from toolkit.ops.numerics.fixed_point import quantize_multiplier, requantize
from toolkit.ops.numerics.int16 import kernel_name, kernel_params, same_types, symmetric_int16
from toolkit.ops.parts.base import CodeFacts, KernelCall, NodeView, Operator, TimeBehaviour, Work

#: Values whose sum, int8's offset included, stays within 32 bits.
MAX_AVERAGED = (1 << 31) // 255 - 1
MAX_AVERAGED_INT16 = (1 << 16) - 1


@dataclass(frozen=True)
class MeanAttrs:
    """Axes to average, negative ones counted from the end, and whether they stay as ones."""

    axes: tuple[int, ...]
    keep_dims: bool = False


View = NodeView[MeanAttrs]


def axes_neighbouring(view: View) -> str | None:
    """the averaged axes must be neighbours (dimensions of one do not count)"""
    shape, axes = view.input(0).shape, resolved_axes(view)
    flags = [axis in axes for axis, size in enumerate(shape) if size > 1]
    if not any(flags):
        return None
    first, last = flags.index(True), len(flags) - flags[::-1].index(True)
    return None if all(flags[first:last]) else f"axes {sorted(axes)} of {list(shape)}"


def sum_fits(view: View) -> str | None:
    """at most 8,421,503 values (int16: 65,535) may be averaged"""
    count = averaged(view)
    return None if count <= most_averaged(view) else str(count)


def most_averaged(view: View) -> int:
    return MAX_AVERAGED if view.input(0).dtype is DType.INT8 else MAX_AVERAGED_INT16


def means_bounded(view: View) -> str | None:
    """the input scale must be below 16384 times the output scale (int16: 64 times)"""
    x, out = view.input(0), view.output
    ratio = x.scale / out.scale
    limit = 16384 if x.dtype is DType.INT8 else 64
    return None if ratio < limit else f"{ratio:g} times"


def resolved_axes(view: View) -> frozenset[int]:
    rank = len(view.input(0).shape)
    return frozenset(range(rank)[axis] for axis in view.attrs.axes)


def averaged(view: View) -> int:
    """How many values go into one mean."""
    return math.prod(view.input(0).shape[axis] for axis in resolved_axes(view))


class Mean(Operator[MeanAttrs]):
    """Mean over one or more axes, rescaled to the output's quantisation."""

    name = "mean"
    tflite_name = "MEAN"
    tflite_options = "ReducerOptions"
    onnx_names = ("ReduceMean", "GlobalAveragePool")
    constraints = (same_types, symmetric_int16, axes_neighbouring, sum_fits, means_bounded)

    def read_options(
        self, options: Any, inputs: Sequence[Tensor | None], output: Tensor
    ) -> MeanAttrs:
        axes = inputs[1]
        assert axes is not None
        return MeanAttrs(tuple(int(a) for a in axes.values.reshape(-1)), bool(options.keepDims))

    def write_options(self, view: View, options: Any) -> Any:
        options.keepDims = view.attrs.keep_dims
        return options

    def tflite_constants(self, view: View) -> tuple[Array, ...]:
        return (np.array(view.attrs.axes, np.int32),)

    def tflite_version(self, view: View) -> int:
        return 2

    def infer_shape(self, view: View) -> Shape:
        shape, axes = view.input(0).shape, resolved_axes(view)
        if view.attrs.keep_dims:
            return tuple(1 if axis in axes else size for axis, size in enumerate(shape))
        return tuple(size for axis, size in enumerate(shape) if axis not in axes)

    def run_float(self, view: View, inputs: Sequence[Array]) -> Array:
        axes = tuple(resolved_axes(view))
        mean: Array = inputs[0].mean(axis=axes, keepdims=view.attrs.keep_dims)
        return mean.astype(np.float32)

    def run_int(self, view: View, inputs: Sequence[Array]) -> Array:
        axes, count = tuple(resolved_axes(view)), averaged(view)
        total = inputs[0].sum(axis=axes, dtype=np.int64, keepdims=view.attrs.keep_dims)
        total = total - view.input(0).zero_point * count
        out = requantize(total, *self.multiplier(view, count)) + view.output.zero_point
        clipped: Array = np.clip(out, *view.output.dtype.limits)
        return clipped.astype(view.output.dtype.numpy)

    @staticmethod
    def multiplier(view: View, count: int) -> tuple[int, int]:
        """Rescaling and division by ``count`` in one (TFLM's rule)."""
        multiplier, shift = quantize_multiplier(view.input(0).scale / view.output.scale)
        extra = min(count.bit_length() - 1, 32, 31 + shift)
        return (multiplier << extra) // count, shift - extra

    def work(self, view: View) -> Work:
        return Work(accumulators=view.output.elements, elementwise=view.input(0).elements)

    def time_behaviour(self, view: View, time_axis: int) -> TimeBehaviour:
        reduces = time_axis in resolved_axes(view)
        return TimeBehaviour.REDUCING if reduces else TimeBehaviour.ROW_LOCAL

    def kernel_call(self, view: View) -> KernelCall:
        x, out, count = view.input(0), view.output, averaged(view)
        multiplier, shift = quantize_multiplier(x.scale / out.scale)
        last = max((axis for axis in resolved_axes(view) if x.shape[axis] > 1), default=-1)
        inner = math.prod(x.shape[last + 1 :])
        return KernelCall(
            kernel=kernel_name("tk_mean", x),
            params=kernel_params(
                x,
                {
                    "outer": x.elements // (count * inner),
                    "averaged": count,
                    "inner": inner,
                    "in_zero_point": x.zero_point,
                    "out_zero_point": out.zero_point,
                    "multiplier": multiplier,
                    "shift": shift,
                },
            ),
            inputs=(x.name,),
            outputs=(out.name,),
            scratch_bytes=4 * (inner + 1),
            code=CodeFacts(divides=True),
        )

    def max_rows(self, row: View) -> int:
        return most_averaged(row) // averaged(row)
