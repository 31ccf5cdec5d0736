"""Division (DIV), int8, by TFLM's reciprocal of the divisor.

A divisor of 0, on which TFLM aborts, counts as one step of its scale; a quotient far below one
step, which TFLM shifts by more than a word, undefined in C, is 0.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
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
from toolkit.ops.parts.arithmetic import Arithmetic, ArithmeticAttrs, View, loop_depth
from toolkit.ops.parts.base import KernelCall
from toolkit.ops.parts.channels import Bounds, any_value

DivAttrs = ArithmeticAttrs

#: Largest exponent of a rounding division; quotients below it are 0.
_MOST_SHIFT = 31


def types_int8(view: View) -> str | None:
    """both operands and the output must be int8"""
    kinds = [view.input(0).dtype, view.input(1).dtype, view.output.dtype]
    return None if set(kinds) == {DType.INT8} else "/".join(kind.value for kind in kinds)


def quotient_bounded(view: View) -> str | None:
    """the dividend's scale must be below 2**22 times the product of the other two"""
    ratio = view.input(0).scale / (view.input(1).scale * view.output.scale)
    return None if ratio < 1 << 22 else f"{ratio:g} times"


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
    constraints = (types_int8, loop_depth, quotient_bounded)

    def tflite_version(self, view: View) -> int:
        return 1

    def rescaling(self, view: View) -> Mapping[str, int]:
        a, b, out = (t.scale for t in (view.input(0), view.input(1), view.output))
        multiplier, shift = quantize_multiplier(a / (b * out))
        return {"out_multiplier": multiplier, "out_shift": shift}

    def kernel_call(self, view: View) -> KernelCall:
        call = super().kernel_call(view)
        params = {**call.params, "reciprocals": reciprocals()}
        return KernelCall(call.kernel, params, call.inputs, call.outputs)

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
        a, b = np.broadcast_arrays(np.where(b < 0, -a, a), np.abs(b))
        headroom = 31 - _bits(np.where(a < 0, ~a, a))
        quotient = rounding_doubling_high_mul(a << headroom, reciprocals().astype(np.int64)[b])
        scale = self.rescaling(view)
        shift = headroom + _bits(b) - 1 - scale["out_shift"]
        scaled = rounding_doubling_high_mul(quotient, scale["out_multiplier"])
        small = rounding_divide_by_pot(scaled, np.minimum(shift, _MOST_SHIFT))
        return self.finish_int(view, np.where(shift > _MOST_SHIFT, 0, small))


def _bits(values: Array) -> Array:
    """Bits that each value, at least 0, takes."""
    return np.array(np.frexp(values.astype(np.float64))[1], np.int64)
