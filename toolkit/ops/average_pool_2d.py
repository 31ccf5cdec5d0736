"""Average pooling (AVERAGE_POOL_2D), int8 or int16; padding does not count in the mean."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import ClassVar

import numpy as np

from toolkit.ir import DType, Tensor
from toolkit.ir.tensor import Array
from toolkit.ops.numerics.activation import clamp_float, clamp_limits
from toolkit.ops.parts.base import Work
from toolkit.ops.parts.pooling import Pool2D, View, is_global
from toolkit.ops.parts.window import WindowedAttrs, taps_inside, windows

AveragePool2DAttrs = WindowedAttrs
#: Positions whose sum, rounding included, stays within 32 bits.
MAX_POSITIONS = {DType.INT8: 1 << 23, DType.INT16: 1 << 15}


def sum_fits(view: View) -> str | None:
    """a window must hold at most 8,388,608 values (int16: 32,768)"""
    count = view.attrs.window.kernel_h * view.attrs.window.kernel_w
    return None if count <= MAX_POSITIONS[view.input(0).dtype] else str(count)


class AveragePool2D(Pool2D):
    """Mean of each window, rounded to nearest, ties away from zero."""

    name = "average_pool_2d"
    tflite_name = "AVERAGE_POOL_2D"
    onnx_names: ClassVar[tuple[str, ...]] = ("AveragePool", "GlobalAveragePool")
    scale_transparent = True
    constraints = (*Pool2D.constraints, sum_fits)
    kernel_stem = "tk_average_pool_2d"
    global_stem = "tk_average_pool_global"

    def sums_bytes(self, x: Tensor) -> int:
        return 4 * (x.shape[3] + 1)

    def scratch_bytes(self, x: Tensor) -> int:
        return self.sums_bytes(x)

    def max_rows(self, row: View) -> int:
        return MAX_POSITIONS[row.input(0).dtype] // row.input(0).shape[2]

    def work(self, view: View) -> Work:
        """Groups of four channels, and those left over (int16: half as much each): one finished a
        window, and what a window costs besides, as much as one; a load a tap."""
        if is_global(view):
            return super().work(view)
        _, in_h, in_w, channels = view.input(0).shape
        count = view.output.elements // channels
        left = channels % 4 if view.input(0).dtype is DType.INT8 else (channels % 4 + 1) // 2
        groups = channels // 4 + left
        taps = math.prod(taps_inside(view.attrs.window, in_h, in_w))
        return Work(accumulators=count * (groups + 1), elementwise=taps * groups)

    def run_float(self, view: View, inputs: Sequence[Array]) -> Array:
        total, count = self._sums(view, inputs[0])
        return clamp_float(view.attrs.activation, total / count)

    def run_int(self, view: View, inputs: Sequence[Array]) -> Array:
        total, count = self._sums(view, inputs[0].astype(np.int64))
        # C division truncates: divide magnitudes and put the sign back.
        mean = np.sign(total) * ((np.abs(total) + count // 2) // count)
        clipped: Array = np.clip(mean, *clamp_limits(view.attrs.activation, view.output))
        return clipped.astype(view.output.dtype.numpy)

    @staticmethod
    def _sums(view: View, x: Array) -> tuple[Array, Array]:
        """Sum of each window and how many of its positions lie inside the input."""
        window = view.attrs.window
        inside = windows(np.ones((1, *x.shape[1:3], 1), x.dtype), window, 0)
        return windows(x, window, 0).sum(axis=(3, 4)), inside.sum(axis=(3, 4))
