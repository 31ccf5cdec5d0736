"""Max pooling (MAX_POOL_2D), int8 or int16; padding never wins."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from toolkit.ir import DType, Tensor
from toolkit.ir.tensor import Array
from toolkit.ops.numerics.activation import clamp_float, clamp_limits
from toolkit.ops.parts.base import Work
from toolkit.ops.parts.pooling import Pool2D, View, is_global
from toolkit.ops.parts.window import WindowedAttrs, windows

MaxPool2DAttrs = WindowedAttrs

#: Loads that cost as much as the loops over a window's taps.
_LOOPS = 14


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
        """Words of four channels: one finished a window, six loaded where 3x3 windows slide by two
        columns, else one a tap and what the loops over the taps cost."""
        if is_global(view):
            return super().work(view)
        window, (_, out_h, out_w, channels) = view.attrs.window, view.output.shape
        words = out_h * out_w * (channels if channels < 4 else -(-channels // 4))
        slides = (window.kernel_h, window.kernel_w, window.stride_w) == (3, 3, 2) and channels >= 4
        loads = 6 if slides else window.kernel_h * window.kernel_w + _LOOPS
        return Work(accumulators=words, elementwise=words * loads)

    def run_float(self, view: View, inputs: Sequence[Array]) -> Array:
        largest = windows(inputs[0], view.attrs.window, -np.inf).max(axis=(3, 4))
        return clamp_float(view.attrs.activation, largest)

    def run_int(self, view: View, inputs: Sequence[Array]) -> Array:
        lowest = view.input(0).dtype.limits[0]
        largest = windows(inputs[0], view.attrs.window, lowest).max(axis=(3, 4))
        clipped: Array = np.clip(largest, *clamp_limits(view.attrs.activation, view.output))
        return clipped.astype(view.output.dtype.numpy)
