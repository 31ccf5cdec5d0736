"""What int8 LOGISTIC and TANH share: inputs scaled to Q4, saturation outside."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

from toolkit.ir import Tensor
from toolkit.ir.tensor import Array
from toolkit.ops.numerics.fixed_point import quantize_multiplier, requantize, rounding_divide_by_pot

INPUT_INTEGER_BITS = 4


def apply_saturating(
    x: Tensor,
    values: Array,
    function: Callable[[Array], Array],
    output_bits: int,
    output_zero_point: int,
) -> Array:
    """int8 of a Q4-to-Q0 ``function`` at scale 2**-output_bits; saturated beyond Q4's range."""
    multiplier, shift = quantize_multiplier(x.scale * (1 << (31 - INPUT_INTEGER_BITS)))
    largest = ((1 << INPUT_INTEGER_BITS) - 1) * 2.0 ** (31 - INPUT_INTEGER_BITS)
    radius = math.floor(largest / 2.0**shift)
    centred = values.astype(np.int64) - x.zero_point
    inside = np.abs(centred) < radius
    scaled = requantize(np.where(inside, centred, 0), multiplier, shift)
    out = rounding_divide_by_pot(function(scaled), 31 - output_bits) + output_zero_point
    saturated = np.where(centred <= 0, -128, 127)
    clipped: Array = np.where(inside, np.clip(out, -128, 127), saturated)
    return clipped.astype(np.int8)
