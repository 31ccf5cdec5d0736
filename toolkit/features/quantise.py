"""Features to the int8 of a model's input, exactly as the generated C does it."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def quantise_features(
    features: NDArray[np.float32], scale: float, zero_point: int
) -> NDArray[np.int8]:
    """Features to int8: floor(x * (1 / scale) + 0.5) + zero_point, clamped to [-128, 127].

    In float32 throughout, with the reciprocal rounded once, exactly as the generated C does it.
    """
    steps = np.floor(features * np.float32(1.0 / scale) + np.float32(0.5))
    clamped = np.clip(steps, np.float32(-128 - zero_point), np.float32(127 - zero_point))
    return np.asarray(clamped + np.float32(zero_point), dtype=np.int8)
