"""Max pooling (MAX_POOL_2D), int8 or int16; padding never wins."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from toolkit.ir import Tensor
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
    kernel_stem = "tk_max_pool_2d"
    global_stem = "tk_max_pool_global"

    def sums_bytes(self, x: Tensor) -> int:
        return x.shape[3] * x.dtype.size_bytes

    def scratch_bytes(self, x: Tensor) -> int:
        return 0

    def run_float(self, view: View, inputs: Sequence[Array]) -> Array:
        largest = windows(inputs[0], view.attrs.window, -np.inf).max(axis=(3, 4))
        return clamp_float(view.attrs.activation, largest)

    def run_int(self, view: View, inputs: Sequence[Array]) -> Array:
        lowest = view.input(0).dtype.limits[0]
        largest = windows(inputs[0], view.attrs.window, lowest).max(axis=(3, 4))
        clipped: Array = np.clip(largest, *clamp_limits(view.attrs.activation, view.output))
        return clipped.astype(view.output.dtype.numpy)
