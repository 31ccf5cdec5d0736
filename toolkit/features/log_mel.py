"""Log-mel features in numpy, float64 inside: the reference that the generated C is held to."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from toolkit.errors import InputError
from toolkit.features.level import frame_levels
from toolkit.features.mel import mel_filterbank
from toolkit.features.spec import FeatureSpec

FULL_SCALE = 32768.0


def hann_window(frame_samples: int) -> NDArray[np.float64]:
    """Periodic Hann window [frame_samples], values in [0, 1]."""
    return 0.5 - 0.5 * np.cos(2.0 * np.pi * np.arange(frame_samples) / frame_samples)


def log_unit(spec: FeatureSpec) -> float:
    """Features per unit of the natural logarithm: 10 / ln 10 for dB, 1 for ln."""
    return 10.0 / math.log(10.0) if spec.log == "db" else 1.0


def log_mel(
    samples: NDArray[np.int16] | NDArray[np.floating], spec: FeatureSpec
) -> NDArray[np.float32]:
    """Features [rows, n_mels] of one clip; rows = ``spec.rows_for_samples(len(samples))``.

    ``samples`` [n] are int16, or floats in fractions of full scale.  The result equals, row by
    row, ``librosa.feature.melspectrogram(center=False)`` of the level-normalised signal followed
    by 10 log10 (or ln) of max(energy, floor).  InputError when the clip is shorter than a frame,
    has other than one dimension, or is not finite.
    """
    x = np.asarray(samples, dtype=np.float64)
    if samples.dtype == np.int16:
        x = x / FULL_SCALE
    if x.ndim != 1 or len(x) < spec.frame_samples:
        raise InputError(
            f"features: need one channel of at least {spec.frame_samples} samples; "
            f"got shape {x.shape}."
        )
    if not np.isfinite(x).all():
        raise InputError("features: samples must be finite; found NaN or infinity.")
    frames = np.lib.stride_tricks.sliding_window_view(x, spec.frame_samples)[:: spec.hop_samples]
    mean, square = frame_levels(x, frames, spec)
    spectrum = np.fft.rfft((frames - mean[:, None]) * hann_window(spec.frame_samples))
    energy = (spectrum.real**2 + spectrum.imag**2) @ mel_filterbank(spec).T
    square = square[:, None]
    ln_energy = np.log(np.maximum(energy, spec.floor * square)) - np.log(square)
    return (log_unit(spec) * ln_energy).astype(np.float32)


def quantise_features(
    features: NDArray[np.float32], scale: float, zero_point: int
) -> NDArray[np.int8]:
    """Features to int8: floor(x * (1 / scale) + 0.5) + zero_point, clamped to [-128, 127].

    In float32 throughout, with the reciprocal rounded once, exactly as the generated C does it.
    """
    steps = np.floor(features * np.float32(1.0 / scale) + np.float32(0.5))
    clamped = np.clip(steps, np.float32(-128 - zero_point), np.float32(127 - zero_point))
    return np.asarray(clamped + np.float32(zero_point), dtype=np.int8)
