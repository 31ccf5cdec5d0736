"""Crops and distortions of training clips, on the waveform and on its log-mel features."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from toolkit.features.extract import extract
from toolkit.features.framing import FULL_SCALE
from toolkit.features.spec import FeatureSpec

_SPEED = (0.88, 1.14)
_GAIN_DB = (-12.0, 6.0)
_NOISE_SNR_DB = (8.0, 45.0)
_TILT_DB = 6.0
_MASKED_ROWS = 60
_MASKED_BANDS = 3


def augmented_features(
    samples: NDArray[np.int16], rows: int, spec: FeatureSpec, rng: np.random.Generator
) -> NDArray[np.float32]:
    """Features [rows, row_values] of a random, distorted stretch of ``samples`` [n].

    Speed (pitch with it), start, gain and white noise change the waveform, so that the running
    level sees what it would see on a device; a spectral tilt and two masks change the features.
    """
    speech = np.trim_zeros(samples).astype(np.float64) / FULL_SCALE
    speech = _resampled(speech, rng.uniform(*_SPEED))
    features = extract(_distorted(_stretch(speech, spec.samples_for_rows(rows), rng), rng), spec)
    return _masked(features + _tilt(spec.row_values, rng), rng)


def _resampled(x: NDArray[np.float64], speed: float) -> NDArray[np.float64]:
    return np.asarray(np.interp(np.arange(0.0, len(x) - 1.0, speed), np.arange(len(x)), x))


def _stretch(x: NDArray[np.float64], length: int, rng: np.random.Generator) -> NDArray[np.float64]:
    """``length`` samples of ``x`` from a random start, silence where ``x`` is too short."""
    start = int(rng.integers(min(0, len(x) - length), max(0, len(x) - length) + 1))
    piece = np.zeros(length)
    source = x[max(0, start) : max(0, start) + length]
    offset = max(0, -start)
    piece[offset : offset + len(source)] = source[: length - offset]
    return piece


def _distorted(x: NDArray[np.float64], rng: np.random.Generator) -> NDArray[np.float64]:
    noise_rms = np.sqrt(np.mean(x * x)) * 10.0 ** (-rng.uniform(*_NOISE_SNR_DB) / 20.0)
    noisy = x + noise_rms * rng.standard_normal(len(x)) if rng.random() < 0.7 else x
    louder = noisy * 10.0 ** (rng.uniform(*_GAIN_DB) / 20.0)
    return np.asarray(np.clip(louder, -1.0, 1.0 - 1.0 / FULL_SCALE))


def _tilt(bands: int, rng: np.random.Generator) -> NDArray[np.float32]:
    """A smooth random frequency response in dB, as another microphone has it."""
    position = np.linspace(-1.0, 1.0, bands)
    slope, bend = rng.uniform(-_TILT_DB, _TILT_DB, size=2)
    return np.asarray(slope * position + bend * (position**2 - 1.0 / 3.0), dtype=np.float32)


def _masked(features: NDArray[np.float32], rng: np.random.Generator) -> NDArray[np.float32]:
    """One stretch of rows and one of bands replaced by the features' mean."""
    rows, bands = features.shape
    mean = features.mean()
    length, width = int(rng.integers(_MASKED_ROWS + 1)), int(rng.integers(_MASKED_BANDS + 1))
    row, band = int(rng.integers(rows - length)), int(rng.integers(bands - width))
    features[row : row + length] = mean
    features[:, band : band + width] = mean
    return features
