"""Crops and distortions of training clips: on the waveform, and on logarithms of mel bands."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from toolkit.features.extract import extract
from toolkit.features.framing import FULL_SCALE
from toolkit.features.kinds.mfcc import dct_matrix
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
    level sees what it would see on a device; a spectral tilt and two masks change the logarithms
    of mel bands, before the cosine transform of "mfcc".  Kinds without these have the waveform's
    distortions alone.
    """
    speech = np.trim_zeros(samples).astype(np.float64) / FULL_SCALE
    speech = _resampled(speech, rng.uniform(*_SPEED))
    heard = _distorted(_stretch(speech, spec.samples_for_rows(rows), rng), rng)
    if spec.kind not in ("log_mel", "mfcc"):
        return extract(heard, spec)
    bands = extract(heard, replace(spec, kind="log_mel"))
    bands = _masked(bands + _tilt(spec, rng), rng)
    return bands if spec.kind == "log_mel" else bands @ dct_matrix(spec).T.astype(np.float32)


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


def _tilt(spec: FeatureSpec, rng: np.random.Generator) -> NDArray[np.float32]:
    """A smooth random frequency response, as another microphone has it, in the bands' unit."""
    position = np.linspace(-1.0, 1.0, spec.n_mels)
    slope, bend = rng.uniform(-_TILT_DB, _TILT_DB, size=2)
    response_db = slope * position + bend * (position**2 - 1.0 / 3.0)
    unit_per_db = 1.0 if spec.log == "db" else spec.power * np.log(10.0) / 20.0
    return np.asarray(response_db * unit_per_db, dtype=np.float32)


def _masked(features: NDArray[np.float32], rng: np.random.Generator) -> NDArray[np.float32]:
    """One stretch of rows and one of bands, a quarter at most, replaced by the features' mean."""
    rows, bands = features.shape
    mean = features.mean()
    length = int(rng.integers(min(_MASKED_ROWS, rows // 4) + 1))
    width = int(rng.integers(min(_MASKED_BANDS, bands // 4) + 1))
    row, band = int(rng.integers(rows - length)), int(rng.integers(bands - width))
    features[row : row + length] = mean
    features[:, band : band + width] = mean
    return features
