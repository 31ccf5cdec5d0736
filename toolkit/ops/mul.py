"""Multiplication (MUL), int8 or int16."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from toolkit.ir import DType
from toolkit.ir.tensor import Array
from toolkit.ops.numerics.fixed_point import quantize_multiplier, requantize
from toolkit.ops.parts.arithmetic import Arithmetic, ArithmeticAttrs, View
from toolkit.ops.parts.constraints import RESCALED_LIMIT

MulAttrs = ArithmeticAttrs

#: Largest product of two values less their zero points.
_PRODUCT_BITS = {DType.INT8: 16, DType.INT16: 30}


def product_bounded(view: View) -> str | None:
    """the product of the input scales must be below 16384 times the output scale (int16: no
    product may leave 30 bits once it is rescaled)"""
    ratio = view.input(0).scale * view.input(1).scale / view.output.scale
    largest = ratio * (1 << _PRODUCT_BITS[view.output.dtype])
    return None if largest < RESCALED_LIMIT else f"{ratio:g} times"


class Mul(Arithmetic):
    """Element by element, with broadcasting."""

    name = "mul"
    tflite_name = "MUL"
    tflite_options = "MulOptions"
    onnx_names = ("Mul", "BatchNormalization", "Expand", "HardSigmoid", "Neg")
    function = "mul"
    kernel_stem = "tk_mul"
    constraints = (*Arithmetic.constraints, product_bounded)

    def rescaling(self, view: View) -> Mapping[str, int]:
        product_scale = view.input(0).scale * view.input(1).scale
        multiplier, shift = quantize_multiplier(product_scale / view.output.scale)
        return {"out_multiplier": multiplier, "out_shift": shift}

    def run_float(self, view: View, inputs: Sequence[Array]) -> Array:
        return self.finish_float(view, inputs[0] * inputs[1])

    def run_int(self, view: View, inputs: Sequence[Array]) -> Array:
        a, b = (
            values.astype(np.int64) - view.input(i).zero_point for i, values in enumerate(inputs)
        )
        return self.finish_int(view, requantize(a * b, *self.rescaling(view).values()))
