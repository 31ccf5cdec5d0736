"""Integer arithmetic of int8 SOFTMAX, shared by the reference and the kernel's table."""

from __future__ import annotations

import math

import numpy as np

from toolkit.ir.tensor import Array
from toolkit.ops.numerics.fixed_point import (
    quantize_multiplier,
    requantize,
    rounding_divide_by_pot,
    rounding_doubling_high_mul,
)
from toolkit.ops.numerics.gemmlowp import exp_on_negative_values, one_over_one_plus_x

#: Integer bits of the scaled differences, and of the sum of exponentials.
_DIFFERENCE_BITS = 5
_SUM_BITS = 12

#: From here on, equal logits overflow the sum and abort TFLM.
MAX_CLASSES = 511


def exp_table(input_scale: float, beta: float) -> Array:
    """exp(beta * scale * -d) as Q0 for d = 0..255; 0 where TFLM skips the term."""
    real = min(beta * input_scale * (1 << (31 - _DIFFERENCE_BITS)), (1 << 31) - 1.0)
    multiplier, shift = quantize_multiplier(real)
    largest = math.floor(
        ((1 << _DIFFERENCE_BITS) - 1) * (1 << (31 - _DIFFERENCE_BITS)) / (1 << shift)
    )
    differences = np.arange(256, dtype=np.int64)
    kept = np.minimum(differences, largest)
    values = exp_on_negative_values(requantize(-kept, multiplier, shift), _DIFFERENCE_BITS)
    return np.where(differences <= largest, values, 0).astype(np.int32)


def softmax_int8(x: Array, table: Array) -> Array:
    """Softmax over the last axis of int8 logits; output scale 1/256, zero point -128."""
    differences = x.max(axis=-1, keepdims=True).astype(np.int64) - x
    exps = table.astype(np.int64)[differences]
    total = rounding_divide_by_pot(exps, _SUM_BITS).sum(axis=-1, keepdims=True)
    headroom = 32 - np.frexp(total.astype(np.float64))[1].astype(np.int64)  # leading zeros
    reciprocal = one_over_one_plus_x((total << headroom) - (1 << 31))
    exponent = _SUM_BITS - headroom + 31 - 8
    out = rounding_divide_by_pot(rounding_doubling_high_mul(reciprocal, exps), exponent)
    clipped: Array = np.clip(out - 128, -128, 127)
    return clipped.astype(np.int8)
