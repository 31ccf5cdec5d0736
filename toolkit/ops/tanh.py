"""Hyperbolic tangent (TANH), int8; output scale 1/128, zero point 0."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from toolkit.ir import DType
from toolkit.ir.tensor import Array
from toolkit.ops.numerics.gemmlowp import tanh
from toolkit.ops.numerics.saturating import INPUT_INTEGER_BITS, apply_saturating
from toolkit.ops.parts.base import NodeView, OutputRange
from toolkit.ops.parts.lookup import PlainLookup

_SCALE, _ZERO_POINT = 1 / 128, 0


def output_quantization(view: NodeView[None]) -> str | None:
    """the output must have scale 1/128 and zero point 0"""
    out = view.output
    good = (out.scale, out.zero_point) == (_SCALE, _ZERO_POINT)
    return None if good else f"({out.scale:g}, {out.zero_point})"


class Tanh(PlainLookup):
    """tanh(x)."""

    name = "tanh"
    tflite_name = "TANH"
    onnx_names = ("Tanh",)
    function = "tanh"
    output_range = OutputRange.FIXED
    constraints = (*PlainLookup.constraints, output_quantization)

    def fixed_quant(self, view: NodeView[None], dtype: DType) -> tuple[float, int]:
        return _SCALE, _ZERO_POINT

    def run_float(self, view: NodeView[None], inputs: Sequence[Array]) -> Array:
        values: Array = np.tanh(inputs[0])
        return values

    def run_int(self, view: NodeView[None], inputs: Sequence[Array]) -> Array:
        return apply_saturating(
            view.input(0), inputs[0], lambda x: tanh(x, INPUT_INTEGER_BITS), 7, _ZERO_POINT
        )
