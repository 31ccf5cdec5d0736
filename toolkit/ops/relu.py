"""Rectifier as an operator of its own (RELU), int8."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from toolkit.ir.tensor import Array
from toolkit.ops.numerics.activation import Activation, clamp_limits
from toolkit.ops.numerics.fixed_point import quantize_multiplier, requantize
from toolkit.ops.parts.base import NodeView
from toolkit.ops.parts.constraints import rescale_bounded
from toolkit.ops.parts.lookup import PlainLookup


class Relu(PlainLookup):
    """max(x, 0), rescaled to the output's quantisation."""

    name = "relu"
    tflite_name = "RELU"
    onnx_names = ("Relu",)
    function = "relu"
    scale_transparent = True
    fused_as = Activation.RELU

    constraints = (*PlainLookup.constraints, rescale_bounded)

    def run_float(self, view: NodeView[None], inputs: Sequence[Array]) -> Array:
        rectified: Array = np.maximum(inputs[0], np.float32(0))
        return rectified

    def run_int(self, view: NodeView[None], inputs: Sequence[Array]) -> Array:
        x, out = view.input(0), view.output
        multiplier, shift = quantize_multiplier(x.scale / out.scale)
        scaled = requantize(inputs[0].astype(np.int64) - x.zero_point, multiplier, shift)
        clipped: Array = np.clip(scaled + out.zero_point, *clamp_limits(Activation.RELU, out))
        return clipped.astype(np.int8)
