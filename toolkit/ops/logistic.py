"""Logistic function (LOGISTIC), int8; output scale 1/256, zero point -128."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from toolkit.ir import DType
from toolkit.ir.tensor import Array
from toolkit.ops.numerics.gemmlowp import logistic
from toolkit.ops.numerics.saturating import INPUT_INTEGER_BITS, apply_saturating
from toolkit.ops.parts.base import NodeView, OutputRange
from toolkit.ops.parts.lookup import PlainLookup

_SCALE, _ZERO_POINT = 1 / 256, -128


def output_quantization(view: NodeView[None]) -> str | None:
    """the output must have scale 1/256 and zero point -128"""
    out = view.output
    good = (out.scale, out.zero_point) == (_SCALE, _ZERO_POINT)
    return None if good else f"({out.scale:g}, {out.zero_point})"


class Logistic(PlainLookup):
    """1 / (1 + exp(-x))."""

    name = "logistic"
    tflite_name = "LOGISTIC"
    onnx_names = ("Sigmoid",)
    function = "sigmoid"
    output_range = OutputRange.FIXED
    constraints = (*PlainLookup.constraints, output_quantization)

    def fixed_quant(self, view: NodeView[None], dtype: DType) -> tuple[float, int]:
        return _SCALE, _ZERO_POINT

    def run_float(self, view: NodeView[None], inputs: Sequence[Array]) -> Array:
        # exp(-log(1 + exp(-x))) cannot overflow.
        values: Array = np.exp(-np.logaddexp(0, -inputs[0].astype(np.float64)))
        return values.astype(np.float32)

    def run_int(self, view: NodeView[None], inputs: Sequence[Array]) -> Array:
        return apply_saturating(
            view.input(0), inputs[0], lambda x: logistic(x, INPUT_INTEGER_BITS), 8, _ZERO_POINT
        )
