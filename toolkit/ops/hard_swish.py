"""Hard swish (HARD_SWISH), int8."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from toolkit.ir.tensor import Array
from toolkit.ops.numerics.fixed_point import Int64Array, quantize_multiplier, rounding_divide_by_pot
from toolkit.ops.parts.base import NodeView
from toolkit.ops.parts.lookup import PlainLookup

#: Bits an int8 value is raised by to fill 16.
_RAISE_BITS = 7


def scales_fit(view: NodeView[None]) -> str | None:
    """the output scale must be 1/128 to 256 times the input scale, and that above 1e-6"""
    ratio = view.output.scale / view.input(0).scale
    good = 1 / 128 * (1 + 2.0**-20) < ratio <= 256 and view.input(0).scale > 1e-6
    return None if good else f"{ratio:g} times {view.input(0).scale:g}"


class HardSwish(PlainLookup):
    """x * min(max(x + 3, 0), 6) / 6."""

    name = "hard_swish"
    tflite_name = "HARD_SWISH"
    tflite_options = "HardSwishOptions"
    onnx_names = ("HardSwish",)
    function = "hard_swish"
    int16_by_others = True
    constraints = (*PlainLookup.constraints, scales_fit)

    def tflite_version(self, view: NodeView[None]) -> int:
        return 1

    def run_float(self, view: NodeView[None], inputs: Sequence[Array]) -> Array:
        x = inputs[0]
        gated: Array = x * np.clip(x + np.float32(3), 0, 6) / np.float32(6)
        return gated

    def run_int(self, view: NodeView[None], inputs: Sequence[Array]) -> Array:
        """Gate and value as 16-bit fixed-point numbers; the gate maps [-3, 3] to [0, 1]."""
        x, out = view.input(0), view.output
        raised = (inputs[0].astype(np.int64) - x.zero_point) << _RAISE_BITS
        raised_scale = np.float32(x.scale) / np.float32(1 << _RAISE_BITS)
        value_multiplier, value_shift = _multiplier(raised_scale / np.float32(out.scale))
        gate_multiplier, gate_shift = _multiplier(raised_scale / np.float32(3 / 32768))
        value = _high_mul(raised, value_multiplier)
        gate = raised
        if gate_shift > 0:
            gate = _saturate(gate << (gate_shift - 1))
        gate = _high_mul(gate, gate_multiplier)
        if gate_shift > 0:
            gate = _saturate(gate << 1)
        if gate_shift < 0:
            gate = rounding_divide_by_pot(gate, -gate_shift)
        gate = (gate + (1 << 15)) >> 1
        product = gate * value
        truncated = np.sign(product) * (np.abs(product) >> 15)
        result = rounding_divide_by_pot(truncated, -value_shift) + out.zero_point
        clipped: Array = np.clip(result, -128, 127)
        return clipped.astype(np.int8)


def _multiplier(ratio: np.float32) -> tuple[int, int]:
    """`quantize_multiplier` with the multiplier rounded to 16 bits."""
    multiplier, shift = quantize_multiplier(float(ratio))
    return min((multiplier + (1 << 15)) >> 16, (1 << 15) - 1), shift


def _saturate(x: Int64Array) -> Int64Array:
    return np.asarray(np.clip(x, -(1 << 15), (1 << 15) - 1), np.int64)


def _high_mul(a: Int64Array, b: int) -> Int64Array:
    """Rounding doubling high multiply of int16 values (ties away from zero)."""
    product = a * b
    nudge = np.where(product >= 0, 1 << 14, 1 - (1 << 14))
    total = product + nudge
    return np.asarray(np.sign(total) * (np.abs(total) >> 15), np.int64)
