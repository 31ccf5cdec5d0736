"""Fixed-point functions of the TFLM reference kernels, in numpy: exponential, logarithm,
reciprocal, root, logistic and tanh.

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


def saturating_shift_left(x: Array, bits: Array | int) -> Int64Array:
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


#: Constants of `log_at_least_one`, as Q0; r lies near the fourth root of 1/2.
_LOG_2, _ROOT_HALF, _FOURTH_ROOT_HALF = 1488522236, 1518500250, 1805811301
_NUMERATOR, _SQUARE, _ONE, _LINE = 117049297, 127690142, 1057819769, 638450708


def log_at_least_one(x: Array, integer_bits: int, out_bits: int) -> Int64Array:
    """log(x) as Qm of ``out_bits`` integer bits, for x >= 1 as Qm of ``integer_bits``.

    x is r times a power of two, r taken once below 1 and once below the root of 1/2, whichever is
    less; the rest is a quotient of polynomials of r.
    """
    x = np.asarray(x, np.int64)
    unit = 31 - (out_bits + 1)
    quarter = 1 << (unit - 2)
    zeros = _leading_zeros(x)
    near_one = rounding_doubling_high_mul(saturating_shift_left(x, zeros - 1), _ROOT_HALF)
    near_one = saturating_shift_left(near_one, 1)
    exponent = ((integer_bits - zeros) << unit) + quarter
    other_zeros = _leading_zeros(rounding_doubling_high_mul(x, _ROOT_HALF)) - 1
    other = saturating_shift_left(x, other_zeros)
    r = np.minimum(near_one, other)
    exponent = np.maximum(exponent, ((integer_bits - other_zeros) << unit) - quarter)
    half_sum = (r + _FOURTH_ROOT_HALF + 1) >> 1
    q = 2 * (r - _FOURTH_ROOT_HALF)
    square = rounding_doubling_high_mul(q, q)
    cube = rounding_doubling_high_mul(rounding_doubling_high_mul(q, square), _NUMERATOR)
    above = rounding_doubling_high_mul(q, r) + cube
    below = _ONE + q + rounding_doubling_high_mul(square, _SQUARE)
    below = rounding_doubling_high_mul(half_sum, below) + rounding_doubling_high_mul(q, _LINE)
    scaled = rounding_divide_by_pot(above, out_bits + 1)
    part = rounding_doubling_high_mul(scaled, one_over_one_plus_x(below))
    return saturating_shift_left(rounding_doubling_high_mul(exponent, _LOG_2) + part, 1)


def _leading_zeros(x: Array) -> Int64Array:
    """Of int32 values above 0."""
    return 32 - np.frexp(x.astype(np.float64))[1].astype(np.int64)


def inverse_root(x: Array) -> tuple[Int64Array, Int64Array]:
    """``1 / sqrt(x)`` of int32 values x >= 0 as multiplier and shift, 0 as 1: five Newton-Raphson
    steps with three integer bits, from 1."""
    x = np.asarray(x, np.int64)
    bits = np.frexp(np.maximum(x, 2).astype(np.float64))[1].astype(np.int64)
    pairs = (31 - bits) // 2 - 1  # that bring x to [2**27, 2**29), of which each is a factor of 4
    raised = np.where(pairs >= 0, x << (2 * np.maximum(pairs, 0)), x >> (2 * np.maximum(-pairs, 0)))
    half = rounding_divide_by_pot(raised >> 1, 1)
    root = np.full(x.shape, 1 << 28, np.int64)
    for _ in range(5):
        cube = rounding_doubling_high_mul(rounding_doubling_high_mul(root, root), root)
        cube = saturating_shift_left(cube, 6)
        step = rounding_doubling_high_mul(root, (1 << 28) + (1 << 27))
        step = step - rounding_doubling_high_mul(half, cube)
        root = saturating_shift_left(step, 3)
    root = rounding_doubling_high_mul(root, _ROOT_HALF)
    right = 11 - pairs
    root = root << np.maximum(-right, 0)
    small = x <= 1
    return np.where(small, INT32_MAX, root), np.where(small, 0, -np.maximum(right, 0))
