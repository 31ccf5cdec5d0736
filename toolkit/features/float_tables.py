"""Level and spectrum of the float32 C code: files, state, tables and constants."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from toolkit.features.arithmetic import Arithmetic, State
from toolkit.features.c_tables import (
    CTable,
    Parts,
    band_literals,
    complex_literals,
    fft_passes,
    fft_roots,
    fft_twiddles,
    float_literal,
    float_literals,
    mixed_tables,
    sparse_bands,
)
from toolkit.features.fields import MelFields, SpecFields, SpectrumFields
from toolkit.features.framing import FULL_SCALE
from toolkit.features.level import restart_macro, smoothing, warmup_frames
from toolkit.features.mel import mel_filterbank
from toolkit.features.window import window

# Up to so many mel weights the sums are written out; beyond, a loop is far smaller.
_STRAIGHT_WEIGHTS = 96


def _level_parts(spec: SpecFields, exponent: float) -> Parts:
    """The level divides samples, thus what they become by its root to the power of
    ``exponent``."""
    initial = spec.level.gain**exponent if spec.level.mode == "fixed" else 1.0
    defines = {"LEVEL_INITIAL": float_literal(initial)}
    if spec.level.mode != "fixed":
        defines["LEVEL_EPSILON"] = float_literal(spec.level.epsilon)
    if spec.level.mode == "running":
        defines["LEVEL_SMOOTHING"] = float_literal(smoothing(spec))
        defines["LEVEL_WARMUP_FRAMES"] = f"{warmup_frames(spec)}u"
        defines |= restart_macro(spec.level)
    return Parts(defines)


def _spectrum_parts(spec: SpectrumFields) -> Parts:
    """Window, FFT and, where there are any, mel bands."""
    points = spec.fft_samples // 2
    passes = fft_passes(points)
    padded = np.zeros(spec.fft_samples)
    padded[: spec.frame_samples] = window(spec) / (2.0 * FULL_SCALE)
    twiddles = complex_literals(fft_twiddles(passes.first, passes.radices))
    roots = fft_roots(np.arange(1, points // 2) / spec.fft_samples)
    defines = {
        "FFT_SAMPLES": f"{spec.fft_samples}u",
        "FFT_FIRST": str(passes.first),
        "FFT_TWIDDLES": f"{len(twiddles)}u",
    }
    if spec.pre_emphasis:
        defines["PRE_EMPHASIS"] = float_literal(spec.pre_emphasis)
    tables = [
        CTable("float", "tk_window", float_literals(padded)),
        CTable("tk_complex", "tk_twiddles", twiddles),
        CTable("tk_complex", "tk_roots", complex_literals(roots)),
        *mixed_tables(passes),
    ]
    if not passes.is_power:
        defines["FFT_PASSES"] = str(len(passes.radices))
    if not isinstance(spec, MelFields):
        return Parts(defines, tuple(tables))
    starts, rows = sparse_bands(mel_filterbank(spec).astype(np.float32))
    weights = np.concatenate(rows)
    defines["BANDS"] = f"{spec.n_mels}u"
    tables.append(CTable("float", "mel_weights", float_literals(weights), private=True))
    if len(weights) <= _STRAIGHT_WEIGHTS:
        return Parts(defines, tuple(tables), _sums(starts, rows))
    tables.append(CTable("tk_mel_band", "mel_bands", band_literals(starts, rows), private=True))
    return Parts(defines, tuple(tables), mel_loop=True)


def _sums(starts: NDArray[np.int64], rows: tuple[NDArray[np.generic], ...]) -> tuple[str, ...]:
    """Every band's energy written out, over the weights and the spectrum, its bin k at 2k."""
    sums, used = [], 0
    for first, row in zip(starts.tolist(), rows, strict=True):
        terms = [f"w[{used + k}] * s[{2 * (first + k)}]" for k in range(len(row))]
        lines = [" + ".join(terms[k : k + 4]) for k in range(0, len(terms), 4)]
        sums.append("\n        + ".join(lines) or "0.0F")
        used += len(row)
    return tuple(sums)


def _spectrum_files(fft_samples: int) -> tuple[str, ...]:
    mixed = () if fft_passes(fft_samples // 2).is_power else ("tk_fft_mixed.h",)
    return ("tk_fft.h", "tk_spectrum.c", "tk_spectrum.h", *mixed)


FLOAT32 = Arithmetic(
    name="float32",
    level_files=("tk_sums.c", "tk_sums.h", "tk_level.c", "tk_level.h", "tk_sqrt.h"),
    level_state=lambda level: State(
        6 + bool(level.restart_frames) if level.mode == "running" else 2
    ),
    level_parts=_level_parts,
    top_file="tk_top.h",
    top_words=2,
    spectrum_files=_spectrum_files,
    spectrum_parts=_spectrum_parts,
)
