"""How far device features lie from the reference, in int8 steps."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from toolkit.errors import VerificationError


def compare_features(
    reference_q: NDArray[np.int8], device_q: NDArray[np.int8]
) -> tuple[float, int]:
    """(identical fraction in [0, 1], largest deviation in int8 steps) of two feature arrays.

    VerificationError when the shapes differ or there is nothing to compare.
    """
    if reference_q.shape != device_q.shape or reference_q.size == 0:
        raise VerificationError(
            f"features: device gave shape {device_q.shape}; the reference has {reference_q.shape}."
        )
    steps = np.abs(reference_q.astype(np.int16) - device_q.astype(np.int16))
    return float(np.mean(steps == 0)), int(steps.max())
