"""Rectifier limited to 6 as an operator of its own (RELU6), int8."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from toolkit.ir.tensor import Array
from toolkit.ops.numerics.activation import Activation, clamp_limits
from toolkit.ops.parts.base import NodeView, OutputRange
from toolkit.ops.parts.constraints import same_quantization
from toolkit.ops.parts.lookup import PlainLookup


class Relu6(PlainLookup):
    """min(max(x, 0), 6) without rescaling."""

    name = "relu6"
    tflite_name = "RELU6"
    onnx_names = ("Clip",)
    function = "relu6"
    fused_as = Activation.RELU6
    output_range = OutputRange.SAME_AS_INPUT
    constraints = (*PlainLookup.constraints, same_quantization)

    def run_float(self, view: NodeView[None], inputs: Sequence[Array]) -> Array:
        clipped: Array = np.clip(inputs[0], np.float32(0), np.float32(6))
        return clipped

    def run_int(self, view: NodeView[None], inputs: Sequence[Array]) -> Array:
        clipped: Array = np.clip(inputs[0], *clamp_limits(Activation.RELU6, view.input(0)))
        return clipped.astype(np.int8)
