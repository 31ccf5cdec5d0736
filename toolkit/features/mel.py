"""Triangular mel filter bank, as ``librosa.filters.mel`` defines it (Slaney's or HTK's scale)."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from toolkit.features.fields import MelFields

Array = NDArray[np.float64]

# Slaney's scale: linear, 3 mel per 200 Hz, up to 1 kHz; above, 27 mel per factor 6.4.
_HZ_PER_MEL = 200.0 / 3.0
_KNEE_HZ = 1000.0
_KNEE_MEL = _KNEE_HZ / _HZ_PER_MEL
_LOG_STEP = np.log(6.4) / 27.0


def hz_to_mel(hz: Array, scale: str) -> Array:
    """Frequencies in Hz (not negative) to mel; ``scale`` is "slaney" or "htk"."""
    if scale == "htk":
        return np.asarray(2595.0 * np.log10(1.0 + hz / 700.0))
    above = _KNEE_MEL + np.log(np.maximum(hz, _KNEE_HZ) / _KNEE_HZ) / _LOG_STEP
    return np.where(hz >= _KNEE_HZ, above, hz / _HZ_PER_MEL)


def mel_to_hz(mel: Array, scale: str) -> Array:
    """Inverse of ``hz_to_mel``."""
    if scale == "htk":
        return np.asarray(700.0 * (10.0 ** (mel / 2595.0) - 1.0))
    above = _KNEE_HZ * np.exp(_LOG_STEP * (np.maximum(mel, _KNEE_MEL) - _KNEE_MEL))
    return np.where(mel >= _KNEE_MEL, above, mel * _HZ_PER_MEL)


def mel_filterbank(spec: MelFields) -> Array:
    """Weights [n_mels, fft_samples / 2 + 1] from spectrum to mel energies.

    With ``mel_norm`` "area" every triangle has unit area over frequency in Hz.  A band narrower
    than the spacing of the FFT bins may hold none and is then all zero, as in librosa.
    ``mel_slopes`` "mel" is ``tf.signal.linear_to_mel_weight_matrix``.
    """
    bins = np.arange(spec.fft_samples // 2 + 1, dtype=np.float64)
    bins_hz = bins * (spec.sample_rate_hz / spec.fft_samples)
    ends_mel = hz_to_mel(np.array([spec.f_min_hz, spec.f_max_hz]), spec.mel_scale)
    edges_mel = np.linspace(ends_mel[0], ends_mel[1], spec.n_mels + 2)
    edges_hz = mel_to_hz(edges_mel, spec.mel_scale)
    if spec.mel_slopes == "mel":
        weights = _triangles(hz_to_mel(bins_hz, spec.mel_scale), edges_mel)
    else:
        weights = _triangles(bins_hz, edges_hz)
    widths_hz = edges_hz[2:] - edges_hz[:-2]
    return weights * (2.0 / widths_hz)[:, None] if spec.mel_norm == "area" else weights


def _triangles(bins: Array, edges: Array) -> Array:
    """Triangles [len(edges) - 2, len(bins)] of height 1 between every three edges."""
    low, centre, high = (edges[i : len(edges) - 2 + i, None] for i in range(3))
    rising = (bins - low) / (centre - low)
    falling = (high - bins) / (high - centre)
    return np.maximum(0.0, np.minimum(rising, falling))
