"""Subtraction (SUB): both operands brought to a common scale, as in ADD."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from toolkit.ir.tensor import Array
from toolkit.ops.add import output_scale_fits, rescaled_operands, sum_rescaling
from toolkit.ops.numerics.fixed_point import requantize
from toolkit.ops.parts.arithmetic import Arithmetic, ArithmeticAttrs, View

SubAttrs = ArithmeticAttrs


class Sub(Arithmetic):
    """Element by element, with broadcasting."""

    name = "sub"
    tflite_name = "SUB"
    tflite_options = "SubOptions"
    onnx_names = ("Sub",)
    function = "sub"
    kernel_stem = "tk_sub"
    constraints = (*Arithmetic.constraints, output_scale_fits)

    def rescaling(self, view: View) -> Mapping[str, int]:
        return sum_rescaling(view)

    def run_float(self, view: View, inputs: Sequence[Array]) -> Array:
        return self.finish_float(view, inputs[0] - inputs[1])

    def run_int(self, view: View, inputs: Sequence[Array]) -> Array:
        a, b = rescaled_operands(view, inputs, r := self.rescaling(view))
        return self.finish_int(view, requantize(a - b, r["out_multiplier"], r["out_shift"]))
