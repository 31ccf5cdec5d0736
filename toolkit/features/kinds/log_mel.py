"""Log-mel features in numpy, float64 inside: the reference that the generated C is held to."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from toolkit.features.framing import Samples, as_fractions, cut_frames
from toolkit.features.level import frame_levels
from toolkit.features.mel import mel_filterbank
from toolkit.features.spec import FeatureSpec


def hann_window(frame_samples: int) -> NDArray[np.float64]:
    """Periodic Hann window [frame_samples], values in [0, 1]."""
    return 0.5 - 0.5 * np.cos(2.0 * np.pi * np.arange(frame_samples) / frame_samples)


def log_unit(spec: FeatureSpec) -> float:
    """Features per unit of the natural logarithm: 1 for ln; dB are 10 log10 of a power."""
    return 20.0 / spec.power / math.log(10.0) if spec.log == "db" else 1.0


def log_mel(samples: Samples, spec: FeatureSpec) -> NDArray[np.float32]:
    """Features [rows, n_mels] of one clip; rows = ``spec.rows_for_samples(len(samples))``.

    ``samples`` [n] are int16, or floats in fractions of full scale.  The result equals, row by
    row, ``librosa.feature.melspectrogram`` of the level-normalised signal, floored, followed by
    ``power_to_db`` (``amplitude_to_db`` for magnitudes) or ln.  InputError as ``as_fractions``.
    """
    return log_bands(samples, spec).astype(np.float32)


def log_bands(samples: Samples, spec: FeatureSpec) -> NDArray[np.float64]:
    """``log_mel`` before it is rounded to float32."""
    x = as_fractions(samples, spec)
    frames = cut_frames(x, spec)
    mean, square = frame_levels(x, frames, spec)
    windowed = (frames - mean[:, None]) * hann_window(spec.frame_samples)
    spectrum = np.fft.rfft(windowed, spec.fft_samples)
    power = spectrum.real**2 + spectrum.imag**2
    energy = (power if spec.power == 2.0 else np.sqrt(power)) @ mel_filterbank(spec).T
    # The level divides the samples, thus the energy by its power / 2: an offset of the logarithm.
    divisor = square[:, None] if spec.power == 2.0 else np.sqrt(square[:, None])
    floor = spec.floor * divisor
    audible = np.maximum(energy, floor) if spec.flooring == "max" else energy + floor
    return log_unit(spec) * (np.log(audible) - np.log(divisor))
