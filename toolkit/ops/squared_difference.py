"""Square of a difference (SQUARED_DIFFERENCE), int8 or int16: operands meet at 2^-7 (int16: 1)
of twice the larger scale."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from toolkit.ir import DType
from toolkit.ir.tensor import Array
from toolkit.ops.numerics.fixed_point import quantize_multiplier, requantize
from toolkit.ops.parts.arithmetic import Arithmetic, View
from toolkit.ops.parts.channels import Bounds, any_value

#: Head room given to operands before they are rescaled.
_LEFT_SHIFT = {DType.INT8: 7, DType.INT16: 0}


def output_scale_fits(view: View) -> str | None:
    """the output scale must exceed 2^-14 times the square of twice the larger input scale (int16:
    the square itself)"""
    ratio = _ratios(view)["out"]
    room = 1 << (2 * _LEFT_SHIFT[view.output.dtype])
    return None if ratio * (1 + 2.0**-30) < 1 else f"{ratio * room:g} times"


def _ratios(view: View) -> Mapping[str, float]:
    a, b, out = (t.scale for t in (view.input(0), view.input(1), view.output))
    larger = 2.0 * max(a, b)
    room = 1 << (2 * _LEFT_SHIFT[view.output.dtype])
    return {"a": a / larger, "b": b / larger, "out": larger * larger / (room * out)}


class SquaredDifference(Arithmetic):
    """``(a - b)`` times itself, element by element, with broadcasting."""

    name = "squared_difference"
    tflite_name = "SQUARED_DIFFERENCE"
    tflite_options = "SquaredDifferenceOptions"
    takes_activation = False
    kernel_stem = "tk_squared_difference"
    constraints = (*Arithmetic.constraints, output_scale_fits)

    def channel_bounds(self, view: View, inputs: Sequence[Bounds]) -> Bounds:
        return any_value(view.output)  # it turns where the operands meet

    def rescaling(self, view: View) -> Mapping[str, int]:
        found: dict[str, int] = {}
        for operand, ratio in _ratios(view).items():
            multiplier, shift = quantize_multiplier(ratio)
            found |= {f"{operand}_multiplier": multiplier, f"{operand}_shift": shift}
        return found

    def run_float(self, view: View, inputs: Sequence[Array]) -> Array:
        difference = inputs[0] - inputs[1]
        return np.asarray(difference * difference)

    def run_int(self, view: View, inputs: Sequence[Array]) -> Array:
        r, shift = self.rescaling(view), _LEFT_SHIFT[view.output.dtype]
        a, b = (
            requantize(
                (values.astype(np.int64) - view.input(i).zero_point) << shift,
                r[f"{side}_multiplier"],
                r[f"{side}_shift"],
            )
            for i, (values, side) in enumerate(zip(inputs, "ab", strict=True))
        )
        squares = (a - b) * (a - b)
        return self.finish_int(view, requantize(squares, r["out_multiplier"], r["out_shift"]))
