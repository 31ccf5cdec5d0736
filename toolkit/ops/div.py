"""Division (DIV), int8, by TFLM's reciprocal of the divisor, or int16, which TFLM has not.

A divisor of 0, on which TFLM aborts, counts as one step of its scale; a quotient far below one
step, which TFLM shifts by more than a word, undefined in C, is 0.  In int16 the dividend times the
multiplier is divided as integers, towards 0, and rounded to steps once: within 0.52 of a step.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import cache

import numpy as np

from toolkit.ir import DType
from toolkit.ir.tensor import Array
from toolkit.ops.numerics.fixed_point import (
    quantize_multiplier,
    rounding_divide_by_pot,
    rounding_doubling_high_mul,
)
from toolkit.ops.numerics.gemmlowp import one_over_one_plus_x
from toolkit.ops.parts.arithmetic import Arithmetic, ArithmeticAttrs, View
from toolkit.ops.parts.base import CodeFacts, KernelCall
from toolkit.ops.parts.channels import Bounds, any_value

DivAttrs = ArithmeticAttrs

#: Largest exponent of a rounding division; quotients below it are 0.
_MOST_SHIFT = 31
_MOST_RATIO = {DType.INT8: 1 << 22, DType.INT16: 1 << 24}


def quotient_bounded(view: View) -> str | None:
    """the dividend's scale must be below 2**22 times the product of the other two (int16: 2**24)"""
    ratio = view.input(0).scale / (view.input(1).scale * view.output.scale)
    return None if ratio < _MOST_RATIO[view.output.dtype] else f"{ratio:g} times"


@cache
def reciprocals() -> Array:
    """``1 / m`` of every divisor d as Q0, m being d shifted to [1, 2): int32[256], 0 as 1."""
    divisors = np.maximum(np.arange(256), 1)
    normal = divisors << (31 - np.floor(np.log2(divisors)).astype(np.int64))
    return one_over_one_plus_x(normal - (1 << 31)).astype(np.int32)


class Div(Arithmetic):
    """Element by element, with broadcasting; a divisor of 0 counts as one step."""

    name = "div"
    tflite_name = "DIV"
    tflite_options = "DivOptions"
    onnx_names = ("Div",)
    function = "div"
    kernel_stem = "tk_div"
    constraints = (*Arithmetic.constraints, quotient_bounded)

    def tflite_version(self, view: View) -> int:
        return 1

    def rescaling(self, view: View) -> Mapping[str, int]:
        a, b, out = (t.scale for t in (view.input(0), view.input(1), view.output))
        multiplier, shift = quantize_multiplier(a / (b * out))
        return {"out_multiplier": multiplier, "out_shift": shift}

    def kernel_call(self, view: View) -> KernelCall:
        call = super().kernel_call(view)
        if view.output.dtype is DType.INT16:
            return replace(call, code=CodeFacts(divides=True))
        return replace(call, params={**call.params, "reciprocals": reciprocals()})

    def channel_bounds(self, view: View, inputs: Sequence[Bounds]) -> Bounds:
        """A quotient jumps where the divisor changes its sign."""
        return any_value(view.output)

    def run_float(self, view: View, inputs: Sequence[Array]) -> Array:
        return self.finish_float(view, inputs[0] / inputs[1])

    def run_int(self, view: View, inputs: Sequence[Array]) -> Array:
        a, b = (
            values.astype(np.int64) - view.input(i).zero_point for i, values in enumerate(inputs)
        )
        b = np.where(b == 0, 1, b)
        if view.output.dtype is DType.INT16:
            return self._run_int16(view, a, b)
        a, b = np.broadcast_arrays(np.where(b < 0, -a, a), np.abs(b))
        headroom = 31 - _bits(np.where(a < 0, ~a, a))
        quotient = rounding_doubling_high_mul(a << headroom, reciprocals().astype(np.int64)[b])
        scale = self.rescaling(view)
        shift = headroom + _bits(b) - 1 - scale["out_shift"]
        scaled = rounding_doubling_high_mul(quotient, scale["out_multiplier"])
        small = rounding_divide_by_pot(scaled, np.minimum(shift, _MOST_SHIFT))
        return self.finish_int(view, np.where(shift > _MOST_SHIFT, 0, small))

    def _run_int16(self, view: View, a: Array, b: Array) -> Array:
        scale = self.rescaling(view)
        quotient = np.abs(a) * scale["out_multiplier"] // np.abs(b)
        down = 31 - scale["out_shift"]
        steps = (quotient + (np.int64(1) << (down - 1))) >> down
        return self.finish_int(view, np.where((a < 0) != (b < 0), -steps, steps))


def _bits(values: Array) -> Array:
    """Bits that each value, at least 0, takes."""
    return np.array(np.frexp(values.astype(np.float64))[1], np.int64)
