"""Logarithm of softmax over the last axis (LOG_SOFTMAX), int8; outputs span [-16, 0]."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from toolkit.ir import DType, Shape, Tensor
from toolkit.ir.tensor import Array
from toolkit.ops.numerics.fixed_point import (
    quantize_multiplier,
    requantize,
    rounding_divide_by_pot,
)
from toolkit.ops.numerics.gemmlowp import INT32_MIN, log_at_least_one
from toolkit.ops.parts.base import KernelCall, NodeView, Operator, OutputRange, TimeBehaviour, Work
from toolkit.ops.parts.constraints import unary_types_int8
from toolkit.ops.softmax_int8 import exp_table

View = NodeView[None]

_OUTPUT_QUANT = (16 / 256, 127)
#: Integer bits of differences and logarithm, of the sum of exponentials, and of the output.
_DIFFERENCE_BITS, _SUM_BITS, _OUTPUT_BITS = 5, 12, 4
_DOWN = 31 - _DIFFERENCE_BITS - _OUTPUT_BITS
#: From here on, equal logits overflow the sum.
MAX_CLASSES = 4095
#: Input scales below it make TFLM abort.
_LEAST_SCALE = 2.0**-24


def output_quantization(view: View) -> str | None:
    """the output must have scale 1/16 and zero point 127"""
    out = view.output
    good = (out.scale, out.zero_point) == _OUTPUT_QUANT
    return None if good else f"({out.scale:g}, {out.zero_point})"


def terms_bounded(view: View) -> str | None:
    """the last axis must have at most 4095 values"""
    terms = view.input(0).shape[-1]
    return None if terms <= MAX_CLASSES else str(terms)


def scale_bounded(view: View) -> str | None:
    """the input scale must be at least 2^-24"""
    scale = view.input(0).scale
    return None if scale >= _LEAST_SCALE else f"{scale:g}"


@dataclass(frozen=True)
class _Rescaling:
    """From steps of the input to Q5, and back; differences below ``least`` are left out."""

    multiplier: int
    shift: int
    back_multiplier: int
    back_shift: int
    least: int

    @classmethod
    def of(cls, scale: float) -> _Rescaling:
        real = min(scale * (1 << (31 - _DIFFERENCE_BITS)), (1 << 31) - 1.0)
        multiplier, shift = quantize_multiplier(real)
        back = quantize_multiplier((1 << (31 - shift)) / multiplier)
        most = ((1 << _DIFFERENCE_BITS) - 1) * (1 << (31 - _DIFFERENCE_BITS)) / (1 << shift)
        return cls(multiplier, shift, *back, -math.floor(most))


def _shares(scale: float) -> Array:
    """exp(scale * -d) as Q12 for d = 0..255; 0 where TFLM leaves the term out."""
    return np.asarray(rounding_divide_by_pot(exp_table(scale, 1.0), _SUM_BITS), np.int32)


class LogSoftmax(Operator[None]):
    """x - log(sum(exp(x))), each row of the last axis on its own."""

    name = "log_softmax"
    tflite_name = "LOG_SOFTMAX"
    tflite_options = "LogSoftmaxOptions"
    on_last_axis = True
    output_range = OutputRange.FIXED
    opaque_reason = "it is a softmax over time"
    constraints = (unary_types_int8, output_quantization, terms_bounded, scale_bounded)

    def read_options(self, options: Any, inputs: Sequence[Tensor | None], output: Tensor) -> None:
        return None

    def write_options(self, view: View, options: Any) -> Any:
        return options

    def tflite_version(self, view: View) -> int:
        return 2

    def fixed_quant(self, view: View, dtype: DType) -> tuple[float, int]:
        return _OUTPUT_QUANT

    def infer_shape(self, view: View) -> Shape:
        return view.input(0).shape

    def run_float(self, view: View, inputs: Sequence[Array]) -> Array:
        x = inputs[0] - inputs[0].max(axis=-1, keepdims=True)
        return np.asarray(x - np.log(np.exp(x).sum(axis=-1, keepdims=True)))

    def run_int(self, view: View, inputs: Sequence[Array]) -> Array:
        x, scale = inputs[0].astype(np.int64), view.input(0).scale
        r = _Rescaling.of(scale)
        below = x - x.max(axis=-1, keepdims=True)
        total = _shares(scale).astype(np.int64)[-below].sum(axis=-1, keepdims=True)
        logarithm = log_at_least_one(total, _SUM_BITS, _DIFFERENCE_BITS)
        least = requantize(logarithm + INT32_MIN, r.back_multiplier, r.back_shift)
        kept = below > np.maximum(least, r.least - 1)
        differences = requantize(np.where(kept, below, 0), r.multiplier, r.shift)
        steps = rounding_divide_by_pot(differences - logarithm, _DOWN) + 127
        return np.asarray(np.where(kept, np.clip(steps, -128, 127), -128), np.int8)

    def work(self, view: View) -> Work:
        elements = view.output.elements
        return Work(accumulators=elements // view.output.shape[-1], elementwise=3 * elements)

    def time_behaviour(self, view: View, time_axis: int) -> TimeBehaviour:
        last = time_axis == len(view.output.shape) - 1
        return TimeBehaviour.OPAQUE if last else TimeBehaviour.ROW_LOCAL

    def kernel_call(self, view: View) -> KernelCall:
        x, out = view.input(0), view.output
        r = _Rescaling.of(x.scale)
        return KernelCall(
            kernel="tk_log_softmax_s8",
            params={
                "rows": out.elements // out.shape[-1],
                "depth": out.shape[-1],
                "multiplier": r.multiplier,
                "shift": r.shift,
                "back_multiplier": r.back_multiplier,
                "back_shift": r.back_shift,
                "least": r.least,
                "exp_table": _shares(x.scale),
            },
            inputs=(x.name,),
            outputs=(out.name,),
        )
