"""Crops and distortions of a clip's features: cheap, because nothing is computed from sound."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from toolkit.features.log_bands import log_unit
from toolkit.features.spec import FeatureSpec, LogMel
from toolkit.training.config import Augment

Features = NDArray[np.float32]
#: Largest slope of added noise over the bands, and the shape of its draws: between the power of
#: white noise in one bin and in many.
_NOISE_SLOPE_DB = 6.0
_NOISE_SHAPE = 1.5
#: Cosines over the bands that make up a microphone's colour.
_COLOURS = 4
#: At least so many of a clip's quietest rows are its room.
_QUIET_ROWS = 3


def augmented(
    clip: Features, rows: int, spec: FeatureSpec, how: Augment, rng: np.random.Generator
) -> Features:
    """Features [rows, bands] of a random, distorted stretch of log-mel ``clip`` [n, bands]."""
    unit = decibels(spec)
    x = _noisy(_stretch(clip, rows, rng) / unit, how, rng)
    x = x + _response(x.shape[1], how, rng) + rng.uniform(-how.gain_db, how.gain_db)
    return _masked((x * unit).astype(np.float32), float(clip.mean()), how, rng)


def decibels(spec: FeatureSpec) -> float:
    """Size of a decibel in the features' unit."""
    assert isinstance(spec, LogMel)  # `Config` sees to it
    return log_unit(spec) * spec.power * math.log(10.0) / 20.0


def _stretch(clip: Features, rows: int, rng: np.random.Generator) -> NDArray[np.float64]:
    """``rows`` rows of ``clip`` from a random start; where it is too short, its quietest rows in
    any order: the room between words."""
    spare = len(clip) - rows
    start = int(rng.integers(abs(spare) + 1))
    if spare >= 0:
        return np.asarray(clip[start : start + rows], dtype=np.float64)
    quiet = np.argsort(clip.mean(axis=1))[: max(_QUIET_ROWS, len(clip) // 20)]
    piece = np.asarray(clip[rng.choice(quiet, rows)], dtype=np.float64)
    piece[start : start + len(clip)] = clip
    return piece


def _noisy(x: NDArray[np.float64], how: Augment, rng: np.random.Generator) -> NDArray[np.float64]:
    """Decibels with noise added to them as power."""
    if rng.random() >= how.noise:
        return x
    slope = rng.uniform(-_NOISE_SLOPE_DB, _NOISE_SLOPE_DB) * np.linspace(-1.0, 1.0, x.shape[1])
    level = x.mean() + rng.uniform(*how.noise_db) + slope
    draws = rng.gamma(_NOISE_SHAPE, 1.0 / _NOISE_SHAPE, size=x.shape)
    power = np.exp(x * (np.log(10) / 10)) + np.exp(level * (np.log(10) / 10)) * draws
    return np.asarray(np.log(power) * (10 / np.log(10)))


def _response(bands: int, how: Augment, rng: np.random.Generator) -> NDArray[np.float64]:
    """Decibels [bands] of another microphone: slope and bend, and smooth colour."""
    position = np.linspace(-1.0, 1.0, bands)
    slope, bend = rng.uniform(-how.tilt_db, how.tilt_db, size=2)
    smooth = slope * position + bend * (position**2 - 1.0 / 3.0)
    waves = np.cos(np.pi * np.outer(np.arange(1, _COLOURS + 1), (np.arange(bands) + 0.5) / bands))
    return np.asarray(smooth + rng.uniform(-how.colour_db, how.colour_db, size=_COLOURS) @ waves)


def _masked(x: Features, fill: float, how: Augment, rng: np.random.Generator) -> Features:
    """One stretch of rows and one of bands, replaced by the clip's mean."""
    rows, bands = x.shape
    length = int(rng.integers(int(how.mask_rows * rows) + 1))
    width = int(rng.integers(min(how.mask_bands, bands // 4) + 1))
    row, band = int(rng.integers(rows - length + 1)), int(rng.integers(bands - width + 1))
    x[row : row + length] = fill
    x[:, band : band + width] = fill
    return x
