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
            f"features: device gave shape {device_q.shape}; the reference has {reference_q.shape}.",
            hint="The firmware is of other features: build it again.",
        )
    steps = np.abs(reference_q.astype(np.int16) - device_q.astype(np.int16))
    return float(np.mean(steps == 0)), int(steps.max())


def locate_deviation(
    reference_q: NDArray[np.int8], device_q: NDArray[np.int8], spec: FeatureSpec
) -> str:
    """Where two feature arrays [rows, row_values] differ, in words that begin with "largest at";
    empty where they do not.

    Few values of every row point at what makes those values (a band's weights), all values of
    rows at what comes before (level, window, FFT) or after all of them (logarithm).
    """
    steps = np.abs(reference_q.astype(np.int16) - device_q.astype(np.int16))
    if not steps.any():
        return ""
    row, column = np.unravel_index(int(steps.argmax()), steps.shape)
    at_ms = 1e3 * int(row) * spec.row_hop_samples / spec.sample_rate_hz
    word = spec.value_word
    rows, columns = (int((steps > 0).any(axis=axis).sum()) for axis in (1, 0))
    text = (
        f"largest at frame {row} ({at_ms:g} ms), {word} {column}, counted from 0: "
        f"{device_q[row, column]} for {reference_q[row, column]}; {rows} of {len(steps)} frames "
        f"and {columns} of {steps.shape[1]} {word}s differ"
    )
    stage = spec.deviation_stage(columns / steps.shape[1])
    return f"{text}: {stage}" if stage else text


def arithmetic_in_use(spec: FeatureSpec, chosen: str) -> str:
    """A key of ``BOUNDS``: as chosen, or "integer" for the kind that has no other arithmetic."""
    return spec.arithmetic_in_use(chosen)


def arithmetic_notes(spec: FeatureSpec, arithmetic: str) -> tuple[str, ...]:
    """What ``spec`` asks of an arithmetic that it does not give."""
    floor, least = spec.floors if arithmetic == "fixed" else (0.0, 0.0)
    if floor >= least:
        return ()
    return (
        f"fixed point resolves no floor below {least:.2g} with level '{spec.level.mode}'; it is "
        f"{floor:g}: features of silence may be tens of steps off. Raise it, or use float32.",
    )


def judge_features(arithmetic: str, identical: float, steps: int) -> tuple[bool, str]:
    """Whether figures of ``compare_features`` are within the bounds, and both in words."""
    least, most = BOUNDS[arithmetic]
    words = (
        f"{100 * identical:.4f} % of the int8 values identical, at most {steps} steps apart; "
        f"asked of {arithmetic}: {100 * least:g} %, {most}"
    )
    return identical >= least and steps <= most, words
