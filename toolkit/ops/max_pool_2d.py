"""Max pooling (MAX_POOL_2D), int8 or int16; padding never wins."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from toolkit.ir import DType, Tensor
from toolkit.ir.tensor import Array
from toolkit.ops.numerics.activation import clamp_float, clamp_limits
from toolkit.ops.parts.base import Work
from toolkit.ops.parts.pooling import Pool2D, View, is_global
from toolkit.ops.parts.window import WindowedAttrs, taps_inside, windows

MaxPool2DAttrs = WindowedAttrs

#: Loads that cost as much as the loops over a window's taps for a word, as what else a window does,
#: and as one of a single byte.
_GROUP, _WINDOW, _BYTE = 5, 11, 4


class MaxPool2D(Pool2D):
    """Largest value of each window."""

    name = "max_pool_2d"
    tflite_name = "MAX_POOL_2D"
    onnx_names = ("MaxPool", "GlobalMaxPool")
    scale_transparent = True
    kernel_stem = "tk_max_pool_2d"
    global_stem = "tk_max_pool_global"

    def tall_kernel(self, row: View) -> str:
        int8 = row.input(0).dtype is DType.INT8
        return "tk_max_pool_tall_s8" if int8 else super().tall_kernel(row)

    def sums_bytes(self, x: Tensor) -> int:
        return x.shape[3] * x.dtype.size_bytes

    def scratch_bytes(self, x: Tensor) -> int:
        return 0

    def work(self, view: View) -> Work:
        """Words of four channels, and those left over (int8: where there is no word): a load a tap
        and what the loops over them cost; six loads where 3x3 windows slide by two columns."""
        if is_global(view):
            return super().work(view)
        window, (_, in_h, in_w, channels) = view.attrs.window, view.input(0).shape
        _, out_h, out_w, _ = view.output.shape
        words, taps = channels // 4 + channels % 4, math.prod(taps_inside(window, in_h, in_w))
        if view.input(0).dtype is DType.INT8 and channels < 4:
            taps *= _BYTE
        elif view.input(0).dtype is DType.INT8:
            words = -(-channels // 4)
            if (window.kernel_h, window.kernel_w, window.stride_w) == (3, 3, 2):
                sliding = min((in_w + window.padding.left - 3) // 2 + 1, out_w)
                edges = (out_w - sliding) * (words * (6 + _GROUP) + _WINDOW)
                loads = out_h * (6 * words * sliding + edges)
                return Work(accumulators=out_h * out_w * words, elementwise=loads)
        loads = words * taps + out_h * out_w * (words * _GROUP + _WINDOW)
        return Work(accumulators=out_h * out_w * words, elementwise=loads)

    def run_float(self, view: View, inputs: Sequence[Array]) -> Array:
        largest = windows(inputs[0], view.attrs.window, -np.inf).max(axis=(3, 4))
        return clamp_float(view.attrs.activation, largest)

    def run_int(self, view: View, inputs: Sequence[Array]) -> Array:
        lowest = view.input(0).dtype.limits[0]
        largest = windows(inputs[0], view.attrs.window, lowest).max(axis=(3, 4))
        clipped: Array = np.clip(largest, *clamp_limits(view.attrs.activation, view.output))
        return clipped.astype(view.output.dtype.numpy)
