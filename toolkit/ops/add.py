"""Addition (ADD): operands meet at a scale of 2^-21 (int16: 2^-16) of twice the larger."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from toolkit.ir import DType
from toolkit.ir.tensor import Array
from toolkit.ops.numerics.fixed_point import quantize_multiplier, requantize
from toolkit.ops.parts.arithmetic import Arithmetic, ArithmeticAttrs, View

AddAttrs = ArithmeticAttrs

#: Head room given to operands of each type before they are rescaled.
LEFT_SHIFTS = {DType.INT8: 20, DType.INT16: 15}


def output_scale_fits(view: View) -> str | None:
    """the output scale must exceed 2^-19 (int16: 2^-14) times the larger input scale"""
    larger = max(view.input(0).scale, view.input(1).scale)
    ratio = view.output.scale / larger
    # The margin keeps the rounded multiplier below one, as TFLM demands.
    least = 2.0 ** (1 - LEFT_SHIFTS[view.output.dtype]) * (1 + 2.0**-30)
    return None if ratio > least else f"{ratio:g} times"


def sum_rescaling(view: View) -> Mapping[str, int]:
    """Multipliers of a sum or difference, in double precision."""
    a, b, out = (t.scale for t in (view.input(0), view.input(1), view.output))
    twice_larger = 2.0 * max(a, b)
    ratios = {
        "a": a / twice_larger,
        "b": b / twice_larger,
        "out": twice_larger / ((1 << LEFT_SHIFTS[view.output.dtype]) * out),
    }
    rescaling: dict[str, int] = {}
    for operand, ratio in ratios.items():
        multiplier, shift = quantize_multiplier(ratio)
        rescaling |= {f"{operand}_multiplier": multiplier, f"{operand}_shift": shift}
    return rescaling


class Add(Arithmetic):
    """Element by element, with broadcasting."""

    name = "add"
    tflite_name = "ADD"
    tflite_options = "AddOptions"
    onnx_names = ("Add", "BatchNormalization")
    function = "add"
    kernel_stem = "tk_add"
    constraints = (*Arithmetic.constraints, output_scale_fits)

    def rescaling(self, view: View) -> Mapping[str, int]:
        return sum_rescaling(view)

    def run_float(self, view: View, inputs: Sequence[Array]) -> Array:
        return self.finish_float(view, inputs[0] + inputs[1])

    def run_int(self, view: View, inputs: Sequence[Array]) -> Array:
        a, b = rescaled_operands(view, inputs, r := self.rescaling(view))
        return self.finish_int(view, requantize(a + b, r["out_multiplier"], r["out_shift"]))


def rescaled_operands(
    view: View, inputs: Sequence[Array], rescaling: Mapping[str, int]
) -> tuple[Array, Array]:
    """Both operands on the common scale, int64."""
    room = LEFT_SHIFTS[view.output.dtype]
    a, b = (
        requantize(
            (values.astype(np.int64) - view.input(i).zero_point) << room,
            rescaling[f"{side}_multiplier"],
            rescaling[f"{side}_shift"],
        )
        for i, (values, side) in enumerate(zip(inputs, "ab", strict=True))
    )
    return a, b
