"""Matrix product of two activations (BATCH_MATMUL), int8 or int16.

int8: int32 accumulators, double rounding.  int16: int64 accumulators, single rounding.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from toolkit.ir import DType, Shape, Tensor
from toolkit.ir.tensor import Array
from toolkit.ops.numerics.fixed_point import (
    quantize_multiplier,
    requantize,
    requantize_int64,
    wrap_int32,
)
from toolkit.ops.numerics.int16 import same_types, symmetric_int16
from toolkit.ops.parts.base import KernelCall, NodeView, Operator, TimeBehaviour, Work

#: Summands that never overflow: int32 sums of int8 products, 2**47 (requantisation) for int16.
MAX_DEPTH = {DType.INT8: 1 << 15, DType.INT16: 1 << 16}


@dataclass(frozen=True)
class BatchMatmulAttrs:
    """Whether the last two axes of the left (x) or right (y) input are swapped first."""

    adj_x: bool = False
    adj_y: bool = False


View = NodeView[BatchMatmulAttrs]


def inputs_computed(view: View) -> str | None:
    """inputs must not be constants (a constant factor is a fully connected layer)"""
    constant = [t.name for t in view.inputs if t is not None and t.is_constant]
    return f"constant {constant[0]!r}" if constant else None


def batches_match(view: View) -> str | None:
    """leading dimensions must be equal, or all 1 for one of the inputs"""
    x, y = _batch_shapes(view)
    return None if x == y or math.prod(x) == 1 or math.prod(y) == 1 else f"{x} and {y}"


def depth_bounded(view: View) -> str | None:
    """at most 2**15 (int8) or 2**16 (int16) products in one sum"""
    depth = _sizes(view)[1]
    return None if depth <= MAX_DEPTH.get(view.output.dtype, depth) else str(depth)


def _batch_shapes(view: View) -> tuple[Shape, Shape]:
    x, y = view.input(0).shape[:-2], view.input(1).shape[:-2]
    rank = max(len(x), len(y))
    return (1,) * (rank - len(x)) + x, (1,) * (rank - len(y)) + y


def _sizes(view: View) -> tuple[int, int, int]:
    """Rows, depth and columns of one product; ValueError where the factors do not fit."""
    x, y = view.input(0).shape, view.input(1).shape
    if min(len(x), len(y)) < 2:
        raise ValueError("a matrix product of vectors")
    rows, depth = x[-2:][::-1] if view.attrs.adj_x else x[-2:]
    other, columns = y[-2:][::-1] if view.attrs.adj_y else y[-2:]
    if depth != other:
        raise ValueError(f"rows of {depth} values meet columns of {other}")
    return rows, depth, columns


class BatchMatmul(Operator[BatchMatmulAttrs]):
    """``x @ y`` on the last two axes, the leading ones in parallel."""

    name = "batch_matmul"
    tflite_name = "BATCH_MATMUL"
    tflite_options = "BatchMatMulOptions"
    onnx_names = ("Einsum", "MatMul")
    int16_follows = True
    opaque_reason = "a matrix product mixes all frames"
    constraints = (same_types, symmetric_int16, inputs_computed, batches_match, depth_bounded)

    def read_options(
        self, options: Any, inputs: Sequence[Tensor | None], output: Tensor
    ) -> BatchMatmulAttrs:
        return BatchMatmulAttrs(bool(options.adjX), bool(options.adjY))

    def write_options(self, view: View, options: Any) -> Any:
        options.adjX, options.adjY = view.attrs.adj_x, view.attrs.adj_y
        return options

    def tflite_version(self, view: View) -> int:
        return 3 if view.output.dtype is DType.INT16 else 2

    def infer_shape(self, view: View) -> Shape:
        rows, _, columns = _sizes(view)
        return (*np.broadcast_shapes(*_batch_shapes(view)), rows, columns)

    def run_float(self, view: View, inputs: Sequence[Array]) -> Array:
        product: Array = np.matmul(*self._factors(view, inputs))
        return product

    def run_int(self, view: View, inputs: Sequence[Array]) -> Array:
        centred = [x.astype(np.int64) - view.input(i).zero_point for i, x in enumerate(inputs)]
        acc = np.matmul(*self._factors(view, centred))
        out, scale = view.output, multiplier_and_shift(view)
        if out.dtype is DType.INT16:
            scaled = requantize_int64(acc, *scale)
        else:
            scaled = requantize(wrap_int32(acc), *scale) + out.zero_point
        clipped: Array = np.clip(scaled, *out.dtype.limits).astype(out.dtype.numpy)
        return clipped

    @staticmethod
    def _factors(view: View, inputs: Sequence[Array]) -> tuple[Array, Array]:
        x, y = inputs
        return (
            x.swapaxes(-1, -2) if view.attrs.adj_x else x,
            y.swapaxes(-1, -2) if view.attrs.adj_y else y,
        )

    def work(self, view: View) -> Work:
        macs = view.output.elements * _sizes(view)[1]
        return Work(macs=macs, accumulators=view.output.elements)

    def time_behaviour(self, view: View, time_axis: int) -> TimeBehaviour:
        return TimeBehaviour.OPAQUE

    def kernel_call(self, view: View) -> KernelCall:
        x, y, out = view.input(0), view.input(1), view.output
        rows, depth, columns = _sizes(view)
        x_batches, y_batches = (math.prod(shape) for shape in _batch_shapes(view))
        multiplier, shift = multiplier_and_shift(view)
        params = {
            "batches": max(x_batches, y_batches),
            "rows": rows,
            "depth": depth,
            "columns": columns,
            "x_batch_stride": rows * depth if x_batches > 1 else 0,
            "x_row_stride": 1 if view.attrs.adj_x else depth,
            "x_depth_stride": rows if view.attrs.adj_x else 1,
            "y_batch_stride": depth * columns if y_batches > 1 else 0,
            "y_column_stride": depth if view.attrs.adj_y else 1,
            "y_depth_stride": 1 if view.attrs.adj_y else columns,
        }
        if out.dtype is DType.INT8:
            params |= {
                "x_zero_point": x.zero_point,
                "y_zero_point": y.zero_point,
                "out_zero_point": out.zero_point,
            }
        return KernelCall(
            kernel="tk_batch_matmul_s16" if out.dtype is DType.INT16 else "tk_batch_matmul_s8",
            params={**params, "multiplier": multiplier, "shift": shift},
            inputs=(x.name, y.name),
            outputs=(out.name,),
        )


def multiplier_and_shift(view: View) -> tuple[int, int]:
    """Requantisation, in double precision as TFLM's; LiteRT rounds the product of the input scales
    to float32 first, which now and then moves a result by one."""
    return quantize_multiplier(view.input(0).scale * view.input(1).scale / view.output.scale)
