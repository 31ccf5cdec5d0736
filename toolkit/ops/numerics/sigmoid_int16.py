"""Sigmoid and tanh of 16-bit values by interpolation, as TFLM's reference kernels have them.

One table of the sigmoid serves both: ``tanh(x) = 2 sigmoid(2 x) - 1``.  Arguments are in units of
1 / (3 * 4096): an int16 with 12 fractional bits times 3.
"""

from __future__ import annotations

from functools import cache

import numpy as np

from toolkit.ir.tensor import Array
from toolkit.ops.numerics.fixed_point import Int64Array

TABLE_ENTRIES = 256
#: Entries between two integers: the last one is the sigmoid at 255/24.
_ENTRIES_A_UNIT = 24
#: Fractional bits of an argument before it is multiplied by 3.
ARGUMENT_BITS = 12


#: Entries that are one more in TFLM's table than the nearest value.
_ONE_MORE = [4, 8, 12, 14, 15, 16, 17, 19, 20, 21, 22, 25, 27, 28, 29, 30, 31, 33, 34, 35, 37, 39,
             40, 41, 43, 44, 45, 46, 49, 50, 54, 62, 63, 64, 66, 82, 86, 93, 100, 103, 112, 116,
             135, 255]  # fmt: skip


@cache
def sigmoid_table() -> Array:
    """int16[256]: the sigmoid less 1/2 at multiples of 1/24, 16 fractional bits."""
    x = np.arange(TABLE_ENTRIES) / _ENTRIES_A_UNIT
    nearest: Array = np.minimum(np.rint(65536.0 / (1.0 + np.exp(-x))) - 32768, 32766).astype(
        np.int16
    )
    nearest[_ONE_MORE] += 1
    return nearest.astype(np.int16)


def sigmoid16(x: Array) -> Int64Array:
    """int16 (as int64) with 15 fractional bits, from int16 with 12."""
    x = 3 * np.asarray(x, np.int64)
    value = np.where(np.abs(x) >> 9 >= 255, 0x7FFF << 10, _between(np.abs(x), 9))
    result = np.where(x >= 0, value + (1 << 9), (1 << 25) - value + (1 << 9) - 1) >> 10
    return np.asarray(result, np.int64)


def tanh16(x: Array, multiplier: int = 3, shift: int = 0) -> Int64Array:
    """int16 (as int64) with 15 fractional bits; ``multiplier`` and ``shift`` (`tanh_scale`) bring
    ``x`` to the table's units."""
    rounding = 1 << shift - 1 if shift else 0
    x = (np.asarray(x, np.int64) * multiplier + rounding) >> shift
    value = np.where(np.abs(x) >> 8 >= 255, 0xFFFF << 8, _between(np.abs(x), 8))
    half, rounding = 1 << 23, 1 << 7
    result = np.where(x >= 0, value - half + rounding, half - value + rounding - 1) >> 8
    return np.asarray(result, np.int64)


def tanh_scale(bits: int) -> tuple[int, int]:
    """Multiplier and right shift for arguments with ``bits`` fractional bits."""
    return (3 << ARGUMENT_BITS - bits, 0) if bits <= ARGUMENT_BITS else (3, bits - ARGUMENT_BITS)


def _between(magnitude: Array, bits: int) -> Int64Array:
    """The table's value, ``bits`` fractional bits more, between its entries."""
    at = np.minimum(magnitude >> bits, TABLE_ENTRIES - 2)
    low, high = (32768 + sigmoid_table().astype(np.int64)[at + step] for step in (0, 1))
    return np.asarray((low << bits) + (magnitude & (1 << bits) - 1) * (high - low), np.int64)
