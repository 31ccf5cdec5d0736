"""The waveform itself as features, its level normalised."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from toolkit.features.framing import Samples, as_fractions, cut_frames
from toolkit.features.level import frame_levels
from toolkit.features.spec import FeatureSpec


def raw(samples: Samples, spec: FeatureSpec) -> NDArray[np.float32]:
    """Samples [rows, frame_samples], level-normalised; what fills no row is left out.

    ``samples`` [n] are int16, or floats in fractions of full scale; the level is followed frame
    by frame.  InputError as ``as_fractions``.
    """
    x = as_fractions(samples, spec)
    frames = cut_frames(x, spec)
    mean, square = frame_levels(x, frames, spec)
    return ((frames - mean[:, None]) / np.sqrt(square)[:, None]).astype(np.float32)
