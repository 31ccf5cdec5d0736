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
    fft_passes,
    fft_roots,
    fft_twiddles,
    integer_literals,
    mixed_tables,
    pair_literals,
    sparse_bands,
)
from toolkit.features.fields import MelFields, SpecFields, SpectrumFields
from toolkit.features.level import restart_macro, smoothing, warmup_frames
from toolkit.features.mel import mel_filterbank
from toolkit.features.window import window

_Q31_MAX = 2**31 - 1
#: Octaves by which a pass of that radix divides.
_OCTAVES = {2: 1, 3: 2, 4: 2, 5: 3, 8: 3}
_VARIANCE_BITS = 46  # full scale squared, 2 ** 30, with 16 fractional bits

# Energies of a band of unit height below these, in full scale squared (2: power) or full scale
# (1: magnitude), are roundings of the level's mean once it is subtracted from digital silence:
# measured on speech with gaps of zeros, tests/host_c/test_features_c.py.
_LEAST_ENERGY = {2.0: 2e-11, 1.0: 3e-5}


def least_energy(spec: SpectrumFields) -> float:
    """The lowest floor of bins that fixed point resolves in silence after speech; 0 where any is,
    for a fixed gain leaves digital silence at 0."""
    return 0.0 if spec.level.mode == "fixed" else _LEAST_ENERGY[spec.power]


def least_floor(spec: MelFields) -> float:
    """The same of mel bands."""
    return least_energy(spec) * float(mel_filterbank(spec).max())


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
        defines |= restart_macro(spec.level)
    return Parts(defines)


def _spectrum_parts(spec: SpectrumFields) -> Parts:
    """Window, FFT and, where there are any, mel bands."""
    points = spec.fft_samples // 2
    passes = fft_passes(points)
    padded = np.zeros(spec.fft_samples)
    padded[: spec.frame_samples] = window(spec)
    twiddles = _q31(fft_twiddles(passes.first, passes.radices))
    defines = {
        "FFT_SAMPLES": f"{spec.fft_samples}u",
        "FFT_OCTAVES": str(1 + sum(_OCTAVES[n] for n in (passes.first, *passes.radices))),
        "FFT_FIRST": str(passes.first),
        "FFT_TWIDDLES": f"{len(twiddles)}u",
    }
    if spec.pre_emphasis:
        defines["PRE_EMPHASIS"] = str(round(spec.pre_emphasis * 2**16))
    if not passes.is_power:
        defines["FFT_PASSES"] = str(len(passes.radices))
    window_q16 = np.minimum(np.round(padded * 2.0**16), 65535)
    roots = fft_roots(np.arange(1, points // 2) / spec.fft_samples)
    tables = (
        CTable("uint16_t", "tk_window", integer_literals(window_q16)),
        CTable("tk_complex_q", "tk_twiddles", twiddles),
        CTable("tk_complex_q", "tk_roots", _q31(roots)),
        *mixed_tables(passes),
    )
    bands = _bands(spec) if isinstance(spec, MelFields) else Parts({})
    return Parts({**defines, **bands.defines}, (*tables, *bands.tables))


def _bands(spec: MelFields) -> Parts:
    filterbank = mel_filterbank(spec)
    _, octave = math.frexp(float(filterbank.max()) / (1.0 - 2.0**-17))
    mel_exponent = octave - 16
    starts, rows = sparse_bands(np.round(filterbank * 2.0**-mel_exponent).astype(np.int64))
    weights = np.concatenate(rows)
    defines = {
        "BANDS": f"{spec.n_mels}u",
        "MEL_WEIGHTS": f"{len(weights)}u",
        "MEL_EXPONENT": f"({mel_exponent})",
    }
    tables = (
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


def _spectrum_files(fft_samples: int) -> tuple[str, ...]:
    mixed = () if fft_passes(fft_samples // 2).is_power else ("tk_fft_mixed_q.h",)
    return ("tk_fft_q.h", "tk_spectrum_q.c", "tk_spectrum_q.h", *mixed)


FIXED = Arithmetic(
    name="fixed",
    level_files=(
        *("tk_sums.c", "tk_sums.h", "tk_level_q.c", "tk_level_q.h"),
        *("tk_multiply_q.h", "tk_number_q.h"),
    ),
    level_state=lambda level: (
        State(8 + bool(level.restart_frames), 2) if level.mode == "running" else State(3)
    ),
    level_parts=_level_parts,
    top_file="tk_top_q.h",
    top_words=4,
    spectrum_files=_spectrum_files,
    spectrum_parts=_spectrum_parts,
)
