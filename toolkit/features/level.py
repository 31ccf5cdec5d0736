"""Level normalisation: for every frame a mean to subtract and a mean square to divide by.

The power spectrum is linear in the mean square, so the division is left to the logarithm: it
becomes one offset a frame, and needs no square root.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from toolkit.features.spec import FeatureSpec

Array = NDArray[np.float64]


def smoothing(spec: FeatureSpec) -> float:
    """Weight of a new frame in the running estimates once they are warm."""
    hop_s = spec.hop_samples / spec.sample_rate_hz
    return -math.expm1(-hop_s / spec.level.time_constant_s)


def warmup_frames(spec: FeatureSpec) -> int:
    """Number of first frames n whose weight 1 / (n + 1) exceeds ``smoothing``."""
    return math.ceil(1.0 / smoothing(spec)) - 1


def frame_levels(samples: Array, frames: Array, spec: FeatureSpec) -> tuple[Array, Array]:
    """Mean and mean square (with epsilon, after the mean's removal) per frame, both [rows].

    ``samples`` is the whole clip, ``frames`` [rows, frame_samples] its frames; both in fractions
    of full scale.  With mode "fixed" the mean is 0 and the square 1 / gain^2.
    """
    rows = len(frames)
    level = spec.level
    if level.mode == "fixed":
        return np.zeros(rows), np.full(rows, level.gain**-2)
    if level.mode == "clip":
        return (
            np.full(rows, samples.mean()),
            np.full(rows, samples.var() + level.epsilon),
        )
    means, variances = _running(frames.mean(axis=1), frames.var(axis=1), spec)
    return means, variances + level.epsilon


def _running(means: Array, variances: Array, spec: FeatureSpec) -> tuple[Array, Array]:
    """Exponential averages of frame means and of the variance about them.

    The variance is followed directly, V += a (v - V + (1 - a) (m - M)^2): equal to Q - M^2 of
    LevelSpec, but without the cancellation that a DC offset would cause in float32.
    """
    alpha, warm = smoothing(spec), warmup_frames(spec)
    running_means = np.empty_like(means)
    running_variances = np.empty_like(variances)
    mean = variance = 0.0
    for n, (m, v) in enumerate(zip(means.tolist(), variances.tolist(), strict=True)):
        a = 1.0 / (n + 1) if n < warm else alpha
        step = m - mean
        mean += a * step
        variance += a * (v - variance + (1.0 - a) * step * step)
        running_means[n] = mean
        running_variances[n] = variance
    return running_means, running_variances
