"""Power or magnitude spectra in numpy, float64 inside."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from toolkit.features.fields import SpectrumFields
from toolkit.features.framing import Samples, as_fractions, cut_frames
from toolkit.features.level import frame_levels
from toolkit.features.window import window

Array = NDArray[np.float64]


def strengths(samples: Samples, spec: SpectrumFields) -> tuple[Array, Array]:
    """|spectrum| ** power [rows, fft_samples / 2 + 1] of one clip, before the level's gain, and
    what that divides them by [rows, 1].  InputError as ``as_fractions``."""
    x = as_fractions(samples, spec)
    emphasis = spec.pre_emphasis
    if emphasis and spec.pre_emphasis_of == "clip":  # the level is fixed then: it has no mean
        x = x - emphasis * np.append(0.0, x[:-1])
    frames = cut_frames(x, spec)
    mean, square = frame_levels(x, frames, spec)
    frames = frames - mean[:, None]
    if spec.remove_dc:
        frames = frames - frames.mean(axis=1, keepdims=True)
    if emphasis and spec.pre_emphasis_of == "frame":
        frames = frames - emphasis * np.hstack([frames[:, :1], frames[:, :-1]])
    spectrum = np.fft.rfft(frames * window(spec), spec.fft_samples)
    power = spectrum.real**2 + spectrum.imag**2
    # The level divides the samples, thus the strength by its power / 2.
    divisor = square[:, None] if spec.power == 2.0 else np.sqrt(square[:, None])
    return (power if spec.power == 2.0 else np.sqrt(power)), divisor
