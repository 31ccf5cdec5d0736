"""What the features' C code is generated with: tables, and the FFT's factors."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from toolkit.errors import InputError

_COLUMNS = 100

#: Bytes of an element by its C type: the numbers, and the structs that the kernels declare.
ELEMENT_BYTES = {
    "float": 4,
    "int16_t": 2,
    "int32_t": 4,
    "tk_complex": 8,
    "tk_complex_q": 8,
    "tk_mel_band": 4,
    "tk_micro_channel": 4,
    "tk_micro_complex": 4,
    "uint16_t": 2,
    "uint32_t": 4,
    "uint8_t": 1,
}


@dataclass(frozen=True)
class CTable:
    """A constant array: element type, name, initialisers; ``private`` to features.c."""

    c_type: str
    name: str
    values: tuple[str, ...]
    private: bool = False

    @property
    def size_bytes(self) -> int:
        return len(self.values) * ELEMENT_BYTES[self.c_type]

    @property
    def columns(self) -> int:
        """Initialisers in a line of at most 100 columns."""
        return (_COLUMNS - 4) // (max(map(len, self.values)) + 2)


class Parts(NamedTuple):
    """What a stage adds: macros less their prefix, tables; and the mel sums written out, or that
    they are a loop over the table ``mel_bands``."""

    defines: dict[str, str]
    tables: tuple[CTable, ...] = ()
    mel_sums: tuple[str, ...] = ()
    mel_loop: bool = False


def float_literal(value: float | np.float32) -> str:
    """Shortest decimal that a C compiler reads as exactly float32(value)."""
    return f"{np.float32(value)!s}F"


def float_literals(values: ArrayLike) -> tuple[str, ...]:
    return tuple(float_literal(value) for value in np.asarray(values, dtype=np.float32).ravel())


def complex_literals(values: NDArray[np.complex128]) -> tuple[str, ...]:
    """Initialisers {real, imaginary} of float32."""
    return tuple(f"{{{float_literal(z.real)}, {float_literal(z.imag)}}}" for z in values.tolist())


def integer_literals(values: ArrayLike) -> tuple[str, ...]:
    """Plain C integers; unsigned where they do not fit an int."""
    flat = np.asarray(values, dtype=np.int64).ravel().tolist()
    return tuple(f"{value}u" if value > 0x7FFFFFFF else str(value) for value in flat)


@dataclass(frozen=True)
class Passes:
    """How an FFT of complex points goes: ``first`` points at once, then passes of these radices."""

    first: int
    radices: tuple[int, ...]

    @property
    def is_power(self) -> bool:
        """Whether the points are a power of two: all passes but the first are of radix 4."""
        return self.first != 2 and set(self.radices) <= {4}


def fft_passes(points: int) -> Passes:
    """Passes of an FFT of ``points``, which are even and a product of 2, 3 and 5."""
    if points.bit_count() == 1:
        first = 4 if points.bit_length() % 2 else 8
        return Passes(first, (4,) * ((points // first).bit_length() // 2))
    first = next(n for n in (8, 4, 2) if points % n == 0)
    rest, radices = points // first, []
    for radix in (4, 2, 3, 5):
        while rest % radix == 0:
            rest //= radix
            radices.append(radix)
    return Passes(first, tuple(radices))


def fft_order(radices: Sequence[int]) -> list[int]:
    """The first point of every group of the first pass, before passes of these ``radices``: the
    last one takes every r-th point for each of its r spectra, and so on."""
    if not radices:
        return [0]
    *inner, last = radices
    return [digit + last * n for digit in range(last) for n in fft_order(inner)]


def fft_roots(turns: NDArray[np.float64]) -> NDArray[np.complex128]:
    """exp(-2 pi i turns)."""
    return np.asarray(np.exp(-2j * np.pi * turns))


def fft_twiddles(length: int, radices: Sequence[int]) -> NDArray[np.complex128]:
    """Factors of passes of these ``radices`` from spectra of ``length`` points on.

    A pass of radix r that combines spectra of L points takes r - 1 for each k < L.
    """
    passes = [np.zeros(0, np.complex128)]
    for radix in radices:
        k = np.arange(length)[:, None]
        passes.append(fft_roots(k * np.arange(1, radix) / (radix * length)).ravel())
        length *= radix
    return np.concatenate(passes)


def sparse_bands(
    filterbank: NDArray[np.generic],
) -> tuple[NDArray[np.int64], tuple[NDArray[np.generic], ...]]:
    """First bin of every band, and the weights of each from there on.

    InputError when no band holds any bin.
    """
    starts, weights = [], []
    for row in filterbank:
        bins = np.flatnonzero(row)
        first, end = (int(bins[0]), int(bins[-1]) + 1) if len(bins) else (0, 0)
        starts.append(first)
        weights.append(row[first:end])
    if not any(map(len, weights)):
        raise InputError(
            "features: no FFT bin lies in any mel band; raise frame_samples or widen the range."
        )
    return np.array(starts, np.int64), tuple(weights)


def band_literals(
    starts: NDArray[np.int64], weights: Sequence[NDArray[np.generic]]
) -> tuple[str, ...]:
    """Initialisers {first bin, bins} of `sparse_bands`."""
    return pair_literals(starts, np.array([len(row) for row in weights], np.int64))


def pair_literals(re: NDArray[np.int64], im: NDArray[np.int64]) -> tuple[str, ...]:
    """Initialisers {real, imaginary} of integers."""
    return tuple(f"{{{a}, {b}}}" for a, b in zip(re.tolist(), im.tolist(), strict=True))


def mixed_tables(passes: Passes) -> tuple[CTable, ...]:
    """What the kernels of an FFT whose points are no power of two look up."""
    if passes.is_power:
        return ()
    order = fft_order(passes.radices)
    return (
        CTable("uint8_t", "tk_fft_radices", integer_literals(passes.radices)),
        CTable("uint16_t", "tk_fft_order", integer_literals(order)),
    )
