"""Fixed-point arithmetic of the TFLM reference kernels, in numpy (contract C1).

Source: TensorFlow Lite 8-bit quantisation specification; gemmlowp's fixed-point conventions.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from toolkit.ir.tensor import Array

Int64Array = NDArray[np.int64]


def quantize_multiplier(value: float) -> tuple[int, int]:
    """Split a positive real into ``(multiplier, shift)``: value = multiplier * 2**(shift - 31).

    The multiplier is in [2**30, 2**31) or 0; shifts below -31 flush to zero.
    """
    if value == 0.0:
        return 0, 0
    fraction, shift = math.frexp(value)
    multiplier = math.floor(fraction * (1 << 31) + 0.5)
    if multiplier == 1 << 31:
        multiplier //= 2
        shift += 1
    if shift < -31:
        return 0, 0
    return multiplier, shift


def quantize_multipliers(values: Sequence[float]) -> tuple[Array, Array]:
    """Per-channel `quantize_multiplier`: int32 multipliers and int8 shifts."""
    fractions, exponents = np.frexp(np.asarray(values, np.float64))
    multipliers = np.floor(fractions * (1 << 31) + 0.5).astype(np.int64)
    shifts = exponents.astype(np.int64) + (multipliers == 1 << 31)
    multipliers = np.where(multipliers == 1 << 31, 1 << 30, multipliers)
    flushed = (multipliers == 0) | (shifts < -31)
    return (
        np.where(flushed, 0, multipliers).astype(np.int32),
        np.where(flushed, 0, shifts).astype(np.int8),
    )


def rounding_doubling_high_mul(a: Array, b: Array | int) -> Int64Array:
    """Saturating rounding doubling high multiply of int32 values (ties away from zero)."""
    a64, b64 = np.asarray(a, np.int64), np.asarray(b, np.int64)
    product = a64 * b64
    nudge = np.where(product >= 0, 1 << 30, 1 - (1 << 30))
    total = product + nudge
    # C division truncates towards zero.
    result = np.where(total >= 0, total >> 31, -((-total) >> 31))
    overflow = (a64 == b64) & (a64 == -(1 << 31))
    return np.asarray(np.where(overflow, (1 << 31) - 1, result), np.int64)


def rounding_divide_by_pot(x: Array, exponent: Array | int) -> Int64Array:
    """Divide by 2**exponent, rounding to nearest, ties away from zero."""
    x64, e64 = np.asarray(x, np.int64), np.asarray(exponent, np.int64)
    mask = (np.int64(1) << e64) - 1
    remainder = x64 & mask
    threshold = (mask >> 1) + (x64 < 0)
    return np.asarray((x64 >> e64) + (remainder > threshold), np.int64)


def requantize(acc: Array, multiplier: Array | int, shift: Array | int) -> Int64Array:
    """Double-rounding multiply of int32 accumulators; arrays broadcast on the last axis."""
    shift64 = np.asarray(shift, np.int64)
    left, right = np.maximum(shift64, 0), np.maximum(-shift64, 0)
    shifted = wrap_int32(np.asarray(acc, np.int64) << left)
    return rounding_divide_by_pot(rounding_doubling_high_mul(shifted, multiplier), right)


def requantize_int64(acc: Array, multiplier: Array | int, shift: Array | int) -> Int64Array:
    """Single-rounding multiply of int64 accumulators (|acc| < 2**47), 16-bit activations."""
    m64, shift64 = np.asarray(multiplier, np.int64), np.asarray(shift, np.int64)
    reduced = np.where(m64 < 0x7FFF0000, (m64 + (1 << 15)) >> 16, 0x7FFF)
    total_shift = 15 - shift64
    rounded = np.asarray(acc, np.int64) * reduced + (np.int64(1) << (total_shift - 1))
    return wrap_int32(rounded >> total_shift)


def wrap_int32(x: Array) -> Int64Array:
    """Two's-complement wrap to int32, kept in int64."""
    return np.asarray(np.asarray(x, np.int64).astype(np.int32), np.int64)
