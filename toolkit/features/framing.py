"""What features begin with: samples as fractions of full scale, cut into frames, the window."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from toolkit.errors import InputError
from toolkit.features.fields import SpecFields

FULL_SCALE = 32768.0

Samples = NDArray[np.int16] | NDArray[np.floating]


def as_fractions(samples: Samples, spec: SpecFields) -> NDArray[np.float64]:
    """``samples`` [n], int16 or fractions of full scale already, as float64 fractions.

    InputError when they give no frame, have other than one dimension, or are not finite.
    """
    x = np.asarray(samples, dtype=np.float64)
    if samples.dtype == np.int16:
        x = x / FULL_SCALE
    if x.ndim != 1 or spec.rows_for_samples(len(x)) == 0:
        raise InputError(
            f"features: need one channel of at least {spec.samples_for_rows(1)} samples; "
            f"got shape {x.shape}."
        )
    if not np.isfinite(x).all():
        raise InputError("features: samples must be finite; found NaN or infinity.")
    return x


def cut_frames(x: NDArray[np.float64], spec: SpecFields) -> NDArray[np.float64]:
    """Frames [rows, frame_samples] of ``x`` [n], with the zeros that ``center`` asks for."""
    padded = np.pad(x, spec.padding_samples) if spec.center else x
    windows = np.lib.stride_tricks.sliding_window_view(padded, spec.frame_samples)
    return windows[:: spec.hop_samples]


def hann_window(frame_samples: int) -> NDArray[np.float64]:
    """Periodic Hann window [frame_samples], values in [0, 1]."""
    return 0.5 - 0.5 * np.cos(2.0 * np.pi * np.arange(frame_samples) / frame_samples)
