"""Level normalisation: for every frame a mean to subtract and a mean square to divide by.

The power spectrum is linear in the mean square, so the division is left to the logarithm: it
becomes one offset a frame, and needs no square root.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from toolkit.features.fields import LevelSpec, SpecFields

Array = NDArray[np.float64]


def smoothing(spec: SpecFields) -> float:
    """Weight of a new frame in the running estimates once they are warm."""
    hop_s = spec.hop_samples / spec.sample_rate_hz
    return -math.expm1(-hop_s / spec.level.time_constant_s)


def warmup_frames(spec: SpecFields) -> int:
    """Number of first frames n whose weight 1 / (n + 1) exceeds ``smoothing``."""
    return math.ceil(1.0 / smoothing(spec)) - 1


def restart_macro(level: LevelSpec) -> dict[str, str]:
    """The macro of a running level that begins afresh every so many frames."""
    frames = level.restart_frames
    return {"LEVEL_RESTART_FRAMES": f"{frames}u"} if frames else {}


def frame_levels(samples: Array, frames: Array, spec: SpecFields) -> tuple[Array, Array]:
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
    followed = list(follow(frames.mean(axis=1).tolist(), frames.var(axis=1).tolist(), spec))
    means, variances = np.array(followed).T
    return means, variances + level.epsilon


def follow(means: Iterable[Any], variances: Iterable[Any], spec: SpecFields) -> Iterator[Any]:
    """Pairs of running mean and variance after every frame, from its own mean and variance.

    Numbers, or anything with their arithmetic, such as a batch of clips in a torch tensor.  The
    variance is followed directly, V += a (v - V + (1 - a) (m - M)^2): equal to Q - M^2 of
    LevelSpec, but without the cancellation that a DC offset would cause in float32.
    """
    alpha, warm = smoothing(spec), warmup_frames(spec)
    restart = spec.level.restart_frames
    mean = variance = 0.0
    for n, (m, v) in enumerate(zip(means, variances, strict=True)):
        n = n % restart if restart else n
        if n == 0:
            mean = variance = 0.0
        a = 1.0 / (n + 1) if n < warm else alpha
        step = m - mean
        mean = mean + a * step
        variance = variance + a * (v - variance + (1.0 - a) * step * step)
        yield mean, variance
