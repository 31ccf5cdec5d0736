"""Power or magnitude spectra in numpy, float64 inside."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from toolkit.features.fields import SpectrumFields
from toolkit.features.framing import Samples, as_fractions, cut_frames
from toolkit.features.level import frame_levels
from toolkit.features.window import window

Array = NDArray[np.float64]


#: Samples of frames that are transformed at once: a minute of speech, 32 MB.
_AT_ONCE = 1 << 22


def strengths(
    samples: Samples, spec: SpectrumFields, bank: Array | None = None
) -> tuple[Array, Array]:
    """|spectrum| ** power [rows, fft_samples / 2 + 1] of one clip, before the level's gain, or its
    product with ``bank`` [fft_samples / 2 + 1, bands], and what that divides them by [rows, 1].
    InputError as ``as_fractions``."""
    x = as_fractions(samples, spec)
    emphasis = spec.pre_emphasis
    if emphasis and spec.pre_emphasis_of == "clip":  # the level is fixed then: it has no mean
        x = x - emphasis * np.append(0.0, x[:-1])
    frames = cut_frames(x, spec)
    mean, square = frame_levels(x, frames, spec)
    rows = max(1, _AT_ONCE // spec.frame_samples)
    parts = []
    for at in range(0, len(frames), rows):
        strength = _strength(frames[at : at + rows] - mean[at : at + rows, None], spec)
        parts.append(strength if bank is None else strength @ bank)
    # The level divides the samples, thus the strength by its power / 2.
    divisor = square[:, None] if spec.power == 2.0 else np.sqrt(square[:, None])
    return (parts[0] if len(parts) == 1 else np.concatenate(parts)), divisor


def _strength(frames: Array, spec: SpectrumFields) -> Array:
    """|spectrum| ** power of frames [rows, frame_samples] without their level's mean."""
    if spec.remove_dc:
        frames = frames - frames.mean(axis=1, keepdims=True)
    if spec.pre_emphasis and spec.pre_emphasis_of == "frame":
        frames = frames - spec.pre_emphasis * np.hstack([frames[:, :1], frames[:, :-1]])
    spectrum = np.fft.rfft(frames * window(spec), spec.fft_samples)
    power = spectrum.real**2 + spectrum.imag**2
    return power if spec.power == 2.0 else np.asarray(np.sqrt(power))
