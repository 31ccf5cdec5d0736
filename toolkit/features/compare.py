"""How far device features lie from the reference, in int8 steps."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from toolkit.errors import VerificationError
from toolkit.features.spec import FeatureSpec

#: What the C code is held to, by arithmetic: least identical fraction, most int8 steps.
BOUNDS = {"float32": (0.999, 1), "fixed": (0.98, 2), "integer": (1.0, 0)}


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


def arithmetic_in_use(spec: FeatureSpec, chosen: str) -> str:
    """A key of ``BOUNDS``: as chosen, or "integer" for the kind that has no other arithmetic."""
    return "integer" if spec.kind == "micro_frontend" else chosen


def judge_features(arithmetic: str, identical: float, steps: int) -> tuple[bool, str]:
    """Whether figures of ``compare_features`` are within the bounds, and both in words."""
    least, most = BOUNDS[arithmetic]
    words = (
        f"{100 * identical:.4f} % of the int8 values identical, at most {steps} steps apart; "
        f"asked of {arithmetic}: {100 * least:g} %, {most}"
    )
    return identical >= least and steps <= most, words
