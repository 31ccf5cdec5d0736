"""Square root (SQRT), int8: the nearest value to the real root; negative values count as 0.

TFLM has SQRT on floats alone, so this is our own arithmetic.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from toolkit.ir.tensor import Array
from toolkit.ops.parts.base import NodeView
from toolkit.ops.parts.lookup import PlainLookup


class Sqrt(PlainLookup):
    """Square root of each value; 0 of negative ones.  Stock TFLM has no int8 form of it."""

    name = "sqrt"
    tflite_name = "SQRT"
    onnx_names = ("Sqrt",)

    def tflite_version(self, view: NodeView[None]) -> int:
        return 1

    def run_float(self, view: NodeView[None], inputs: Sequence[Array]) -> Array:
        return np.asarray(np.sqrt(np.maximum(inputs[0], 0)), np.float32)

    def run_int(self, view: NodeView[None], inputs: Sequence[Array]) -> Array:
        x, out = view.input(0), view.output
        real = np.maximum(inputs[0].astype(np.float64) - x.zero_point, 0) * x.scale
        steps = np.floor(np.sqrt(real) / out.scale + 0.5) + out.zero_point
        return np.asarray(np.clip(steps, *out.dtype.limits), out.dtype.numpy)
