"""Logarithm and quantisation as a table of edges: the energies at which an int8 feature changes.

Finding where an energy lies between them needs no logarithm, and is exact but for the rounding of
the edges to float32 (a relative 6e-8).
"""

from __future__ import annotations

import math
import struct
from dataclasses import dataclass

from toolkit.errors import InputError

_INT8_MAX = 127
_FLOAT32_MAX = 3.4028234663852886e38
_FLOAT32_LEAST = 2.0**-126
_MANTISSA_BITS = 23


@dataclass(frozen=True)
class Edges:
    """``least`` plus the number of edges that an energy reaches is its feature.

    ``bits`` are the edges as bits of float32, ascending.  ``before[i]`` counts those at or below
    the start of bucket i, which holds the energies whose bits less ``first_bucket``, shifted right
    by ``shift``, give i; no bucket holds more than one edge above its start.  The number of buckets
    is a power of two, so that one instruction limits i.
    """

    least: int
    bits: tuple[int, ...]
    shift: int
    first_bucket: int
    before: tuple[int, ...]


def find_edges(
    unit: float, floor: float, added: bool, scale: float, zero_point: int, offset: float = 0.0
) -> Edges:
    """Edges of floor((unit * ln(max(energy, floor)) - offset) / scale + 0.5) + zero_point, clamped
    to int8; with ``added`` of energy + floor instead of the larger one.

    InputError when the scale is so fine that edges would fall together, or so far from the
    features that all have the same value.
    """
    least = _limited(math.floor((unit * math.log(floor) - offset) / scale + 0.5) + zero_point)
    bits: list[int] = []
    for value in range(least + 1, _INT8_MAX + 1):
        exponent = ((value - zero_point - 0.5) * scale + offset) / unit
        if exponent >= math.log(_FLOAT32_MAX):
            break
        energy = math.exp(exponent)
        bits.append(_bits(max(energy - floor, _FLOAT32_LEAST) if added else energy))
    return _bucketed(least, bits, scale, zero_point)


def linear_edges(floor: float, scale: float, zero_point: int, offset: float) -> Edges:
    """The same of floor((max(energy, floor) - offset) / scale + 0.5) + zero_point."""
    least = _limited(math.floor((floor - offset) / scale + 0.5) + zero_point)
    energies = (
        (value - zero_point - 0.5) * scale + offset for value in range(least + 1, _INT8_MAX + 1)
    )
    bits = [_bits(max(energy, _FLOAT32_LEAST)) for energy in energies if energy < _FLOAT32_MAX]
    return _bucketed(least, bits, scale, zero_point)


def _limited(value: int) -> int:
    return max(-128, min(_INT8_MAX, value))


def _bucketed(least: int, bits: list[int], scale: float, zero_point: int) -> Edges:
    if not bits:
        raise InputError(
            f"features: with scale {scale:g} and zero point {zero_point} of the model input all "
            f"values are {least}.",
            hint="Quantise the model again on features like these.",
        )
    shift = _MANTISSA_BITS
    while shift > 0 and _crowded(bits, shift):
        shift -= 1
    if _crowded(bits, shift):
        raise InputError(
            f"features: scale {scale:g} of the model input is finer than float32 features are.",
            hint="Quantise the model again on features like these.",
        )
    first = bits[0] - 1 >> shift << shift  # the first edge lies above its bucket's start
    count = 1 << ((bits[-1] - first) >> shift).bit_length()
    starts = [first + (bucket << shift) for bucket in range(count)]
    before = tuple(sum(edge <= start for edge in bits) for start in starts)
    return Edges(least, tuple(bits), shift, first, before)


def _bits(value: float) -> int:
    (bits,) = struct.unpack("<I", struct.pack("<f", value))
    return int(bits)


def _crowded(bits: list[int], shift: int) -> bool:
    """Whether a bucket holds two edges above its start."""
    inside = [edge >> shift for edge in bits if edge & ((1 << shift) - 1)]
    return len(set(inside)) < len(inside) or len(set(bits)) < len(bits)
