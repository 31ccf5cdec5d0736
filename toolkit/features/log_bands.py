"""Logarithms of mel bands in numpy, float64 inside: what the kinds of mel bands are made of."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from toolkit.features.fields import SpecFields
from toolkit.features.framing import Samples, as_fractions, cut_frames, hann_window
from toolkit.features.level import frame_levels
from toolkit.features.mel import mel_filterbank


def log_unit(spec: SpecFields) -> float:
    """Features per unit of the natural logarithm: 1 for ln; dB are 10 log10 of a power."""
    return 20.0 / spec.power / math.log(10.0) if spec.log == "db" else 1.0


def log_bands(samples: Samples, spec: SpecFields) -> NDArray[np.float64]:
    """Logarithms [rows, n_mels] of one clip; rows = ``spec.rows_for_samples(len(samples))``.

    ``samples`` [n] are int16, or floats in fractions of full scale.  The result equals, row by
    row, ``librosa.feature.melspectrogram`` of the level-normalised signal, floored, followed by
    ``power_to_db`` (``amplitude_to_db`` for magnitudes) or ln.  InputError as ``as_fractions``.
    """
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
