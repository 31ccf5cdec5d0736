"""Max pooling (MAX_POOL_2D), int8; padding never wins."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from toolkit.ir.tensor import Array
from toolkit.ops.activation import clamp_float, clamp_limits
from toolkit.ops.pooling import Pool2D, View
from toolkit.ops.window import WindowedAttrs, windows

MaxPool2DAttrs = WindowedAttrs


class MaxPool2D(Pool2D):
    """Largest value of each window."""

    name = "max_pool_2d"
    tflite_name = "MAX_POOL_2D"
    onnx_names = ("MaxPool", "GlobalMaxPool")
    kernel_stem = "tk_max_pool_2d_s8"
    global_kernel = "tk_max_pool_global_s8"

    def sums_bytes(self, channels: int) -> int:
        return channels

    def scratch_bytes(self, channels: int) -> int:
        return 0

    def run_float(self, view: View, inputs: Sequence[Array]) -> Array:
        largest = windows(inputs[0], view.attrs.window, -np.inf).max(axis=(3, 4))
        return clamp_float(view.attrs.activation, largest)

    def run_int(self, view: View, inputs: Sequence[Array]) -> Array:
        largest = windows(inputs[0], view.attrs.window, -128).max(axis=(3, 4))
        clipped: Array = np.clip(largest, *clamp_limits(view.attrs.activation, view.output))
        return clipped.astype(np.int8)
