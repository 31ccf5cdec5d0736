"""What features begin with: samples as fractions of full scale, cut into frames, the window."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from toolkit.errors import InputError
from toolkit.features.fields import SpecFields, SpectrumFields

FULL_SCALE = 32768.0
#: Frames may overlap more than this only while all of them together stay below so many samples.
MOST_OVERLAP, MOST_FRAME_SAMPLES = 256, 1 << 24

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
    """Frames [rows, frame_samples] of ``x`` [n], with what stands beyond its ends."""
    frames = spec.rows_for_samples(len(x)) * spec.frame_samples
    if spec.frame_samples > MOST_OVERLAP * spec.hop_samples and frames > MOST_FRAME_SAMPLES:
        raise InputError(
            f"features: frames of {spec.frame_samples} samples every {spec.hop_samples}: "
            f"{frames:,} samples of frames in all.",
            hint="Choose a longer hop, or a shorter clip.",
        )
    windows = np.lib.stride_tricks.sliding_window_view(padded(x, spec), spec.frame_samples)
    return windows[:: spec.hop_samples]


def padded(x: NDArray[np.float64], spec: SpecFields) -> NDArray[np.float64]:
    """``x`` [n] with zeros, or mirrored, beyond its ends where frames are centred."""
    if spec.padding_samples == 0:
        return x
    mirrored = isinstance(spec, SpectrumFields) and spec.is_mirrored
    return np.pad(x, spec.padding_samples, mode="reflect" if mirrored else "constant")
