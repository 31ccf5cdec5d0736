"""Fixed-point exponential, reciprocal, logistic and tanh of the TFLM reference kernels, in numpy.

Arrays hold int32 values as int64.  "Qm" is a fixed-point number with m integer bits, 31 - m
fractional ones.  Source: gemmlowp's fixed-point conventions.
"""

from __future__ import annotations

import math

import numpy as np

from toolkit.ir.tensor import Array
from toolkit.ops.numerics.fixed_point import (
    Int64Array,
    rounding_divide_by_pot,
    rounding_doubling_high_mul,
)

INT32_MAX = (1 << 31) - 1
INT32_MIN = -(1 << 31)

#: Exponents e of the factors exp(-2**e) that an exponential is assembled from.
_FACTOR_EXPONENTS = range(-2, 5)


def fixed(value: float, integer_bits: int) -> int:
    """A real constant as Qm."""
    return math.floor(value * 2.0 ** (31 - integer_bits) + 0.5)


def saturating_shift_left(x: Array, bits: int) -> Int64Array:
    return np.asarray(np.clip(np.asarray(x, np.int64) << bits, INT32_MIN, INT32_MAX), np.int64)


def exp_on_negative_values(x: Array, integer_bits: int) -> Int64Array:
    """exp(x) as Q0 for x <= 0 given as Qm; 1 is represented by the largest int32."""
    x = np.asarray(x, np.int64)
    quarter = 1 << (31 - integer_bits - 2)
    fraction = (x & (quarter - 1)) - quarter  # in [-1/4, 0)
    result = _exp_near_zero(saturating_shift_left(fraction, integer_bits))
    remainder = fraction - x
    for exponent in _FACTOR_EXPONENTS:
        if exponent < integer_bits:
            bit = 1 << (31 - integer_bits + exponent)
            scaled = rounding_doubling_high_mul(result, fixed(math.exp(-(2.0**exponent)), 0))
            result = np.where(remainder & bit, scaled, result)
    return np.where(x == 0, INT32_MAX, result)


def _exp_near_zero(x: Array) -> Int64Array:
    """exp(x) for x in [-1/4, 0) as Q0: four terms of the series around -1/8."""
    at_centre, third = fixed(math.exp(-1 / 8), 0), fixed(1 / 3, 0)
    y = x + (1 << 28)
    y2 = rounding_doubling_high_mul(y, y)
    y3 = rounding_doubling_high_mul(y2, y)
    y4_over_4 = rounding_divide_by_pot(rounding_doubling_high_mul(y2, y2), 2)
    tail = rounding_divide_by_pot(rounding_doubling_high_mul(y4_over_4 + y3, third) + y2, 1)
    return at_centre + rounding_doubling_high_mul(y + tail, at_centre)


def _newton_reciprocal(x: Array) -> Int64Array:
    """2 / (1 + x) as Q2, for x in [0, 1] as Q0: three Newton-Raphson steps."""
    total = np.asarray(x, np.int64) + INT32_MAX
    half_denominator = (total + 1) >> 1
    estimate = fixed(48 / 17, 2) + rounding_doubling_high_mul(half_denominator, -fixed(32 / 17, 2))
    for _ in range(3):
        error = (1 << 29) - rounding_doubling_high_mul(half_denominator, estimate)
        estimate = estimate + saturating_shift_left(rounding_doubling_high_mul(estimate, error), 2)
    return estimate


def one_over_one_plus_x(x: Array) -> Int64Array:
    """1 / (1 + x) as Q0, for x in [0, 1] as Q0."""
    return saturating_shift_left(_newton_reciprocal(x), 1)


def one_minus_x_over_one_plus_x(x: Array) -> Int64Array:
    """(1 - x) / (1 + x) as Q0, for x in [0, 1] as Q0."""
    return saturating_shift_left(_newton_reciprocal(x) - (1 << 29), 2)


def logistic(x: Array, integer_bits: int) -> Int64Array:
    """1 / (1 + exp(-x)) as Q0, for x as Qm."""
    x = np.asarray(x, np.int64)
    positive = one_over_one_plus_x(exp_on_negative_values(-np.abs(x), integer_bits))
    signed = np.where(x > 0, positive, INT32_MAX - positive)
    return np.where(x == 0, 1 << 30, signed)


def tanh(x: Array, integer_bits: int) -> Int64Array:
    """tanh(x) as Q0, for x as Qm."""
    x = np.asarray(x, np.int64)
    # The same bits with one integer bit more are 2x.
    magnitude = one_minus_x_over_one_plus_x(exp_on_negative_values(-np.abs(x), integer_bits + 1))
    return np.where(x == 0, 0, np.where(x < 0, -magnitude, magnitude))
