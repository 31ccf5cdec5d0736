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
    fft_roots,
    fft_twiddles,
    first_pass_points,
    float_literal,
    float_literals,
    sparse_bands,
)
from toolkit.features.fields import SpecFields
from toolkit.features.framing import FULL_SCALE, hann_window
from toolkit.features.level import smoothing, warmup_frames
from toolkit.features.mel import mel_filterbank

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
    return Parts(defines)


def _spectrum_parts(spec: SpecFields) -> Parts:
    """Window, FFT and mel bands."""
    points = spec.fft_samples // 2
    starts, rows = sparse_bands(mel_filterbank(spec).astype(np.float32))
    weights = np.concatenate(rows)
    window = np.zeros(spec.fft_samples)
    window[: spec.frame_samples] = hann_window(spec.frame_samples) / (2.0 * FULL_SCALE)
    twiddles = complex_literals(fft_twiddles(points, first_pass_points(points)))
    roots = fft_roots(np.arange(1, points // 2) / spec.fft_samples)
    defines = {
        "FFT_SAMPLES": f"{spec.fft_samples}u",
        "FFT_FIRST": str(first_pass_points(points)),
        "FFT_TWIDDLES": f"{len(twiddles)}u",
        "BANDS": f"{spec.n_mels}u",
    }
    tables = [
        CTable("float", "tk_window", float_literals(window)),
        CTable("tk_complex", "tk_twiddles", twiddles),
        CTable("tk_complex", "tk_roots", complex_literals(roots)),
        CTable("float", "mel_weights", float_literals(weights), private=True),
    ]
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


FLOAT32 = Arithmetic(
    name="float32",
    level_files=("tk_sums.c", "tk_sums.h", "tk_level.c", "tk_level.h", "tk_sqrt.h"),
    level_state={"fixed": State(2), "clip": State(2), "running": State(6)},
    level_parts=_level_parts,
    spectrum_files=("tk_fft.h", "tk_spectrum.c", "tk_spectrum.h"),
    spectrum_parts=_spectrum_parts,
)
