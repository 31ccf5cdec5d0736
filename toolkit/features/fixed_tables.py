"""Level and spectrum of the integer C code: files, state, tables and constants."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from toolkit.features.arithmetic import Arithmetic, State
from toolkit.features.c_tables import (
    CTable,
    Parts,
    band_literals,
    fft_roots,
    fft_twiddles,
    first_pass_points,
    integer_literals,
    pair_literals,
    sparse_bands,
)
from toolkit.features.fields import SpecFields
from toolkit.features.framing import hann_window
from toolkit.features.level import smoothing, warmup_frames
from toolkit.features.mel import mel_filterbank

_Q31_MAX = 2**31 - 1
_VARIANCE_BITS = 46  # full scale squared, 2 ** 30, with 16 fractional bits

# Energies of a band of unit height below these, in full scale squared (2: power) or full scale
# (1: magnitude), are roundings of the level's mean once it is subtracted from digital silence:
# measured on speech with gaps of zeros, tests/host_c/test_features_c.py.
_LEAST_ENERGY = {2.0: 2e-11, 1.0: 3e-5}


def least_floor(spec: SpecFields) -> float:
    """The lowest floor of mel bands that fixed point resolves in silence after speech; 0 where any
    is, for a fixed gain leaves digital silence at 0."""
    if spec.level.mode == "fixed":
        return 0.0
    return _LEAST_ENERGY[spec.power] * float(mel_filterbank(spec).max())


def _level_parts(spec: SpecFields, exponent: float) -> Parts:
    """The level divides samples, thus what they become by its root to the power of
    ``exponent``."""
    initial = spec.level.gain**exponent if spec.level.mode == "fixed" else 1.0
    defines = number_macros("LEVEL_INITIAL", "LEVEL_INITIAL_EXPONENT", initial)
    if spec.level.mode != "fixed":
        defines["LEVEL_EPSILON"] = f"INT64_C({round(spec.level.epsilon * 2**_VARIANCE_BITS)})"
    if spec.level.mode == "running":
        mantissa, octave = math.frexp(min(smoothing(spec), 1.0 - 2.0**-16))
        defines["LEVEL_SMOOTHING"] = f"{round(mantissa * 2**16)}u"
        defines["LEVEL_SMOOTHING_SHIFT"] = str(16 - octave)
        defines["LEVEL_WARMUP_FRAMES"] = f"{warmup_frames(spec)}u"
    return Parts(defines)


def _spectrum_parts(spec: SpecFields) -> Parts:
    """Window, FFT and mel bands."""
    points = spec.fft_samples // 2
    filterbank = mel_filterbank(spec)
    _, octave = math.frexp(float(filterbank.max()) / (1.0 - 2.0**-17))
    mel_exponent = octave - 16
    starts, rows = sparse_bands(np.round(filterbank * 2.0**-mel_exponent).astype(np.int64))
    weights = np.concatenate(rows)
    window = np.zeros(spec.fft_samples)
    window[: spec.frame_samples] = hann_window(spec.frame_samples)
    twiddles = _q31(fft_twiddles(points, first_pass_points(points)))
    defines = {
        "FFT_SAMPLES": f"{spec.fft_samples}u",
        "FFT_OCTAVES": str(spec.fft_samples.bit_length() - 1),
        "FFT_FIRST": str(first_pass_points(points)),
        "FFT_TWIDDLES": f"{len(twiddles)}u",
        "BANDS": f"{spec.n_mels}u",
        "MEL_WEIGHTS": f"{len(weights)}u",
        "MEL_EXPONENT": f"({mel_exponent})",
    }
    window_q16 = np.minimum(np.round(window * 2.0**16), 65535)
    roots = fft_roots(np.arange(1, points // 2) / spec.fft_samples)
    tables = (
        CTable("uint16_t", "tk_window", integer_literals(window_q16)),
        CTable("tk_complex_q", "tk_twiddles", twiddles),
        CTable("tk_complex_q", "tk_roots", _q31(roots)),
        CTable("tk_mel_band", "tk_mel_bands", band_literals(starts, rows)),
        CTable("uint16_t", "tk_mel_weights", integer_literals(weights)),
    )
    return Parts(defines, tables)


def number_macros(mantissa: str, exponent: str, value: float) -> dict[str, str]:
    """Macros of a positive number as 32 bits and an exponent."""
    fraction, octave = math.frexp(value)
    bits = min(round(fraction * 2**32), 2**32 - 1)
    return {mantissa: f"{bits}u", exponent: f"({octave - 32})"}


def _q31(values: NDArray[np.complex128]) -> tuple[str, ...]:
    """Initialisers {real, imaginary} in 2 ** -31."""
    re, im = (
        np.clip(np.round(part * 2.0**31), -_Q31_MAX, _Q31_MAX).astype(np.int64)
        for part in (values.real, values.imag)
    )
    return pair_literals(re, im)


FIXED = Arithmetic(
    name="fixed",
    level_files=(
        *("tk_sums.c", "tk_sums.h", "tk_level_q.c", "tk_level_q.h"),
        *("tk_multiply_q.h", "tk_number_q.h"),
    ),
    level_state={"fixed": State(3), "clip": State(3), "running": State(8, alignment_words=2)},
    level_parts=_level_parts,
    spectrum_files=("tk_fft_q.h", "tk_spectrum_q.c", "tk_spectrum_q.h"),
    spectrum_parts=_spectrum_parts,
)
