"""Windows of the FFT."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
from numpy.typing import NDArray

from toolkit.features.fields import SpectrumFields

Array = NDArray[np.float64]


def window(spec: SpectrumFields) -> Array:
    """The window of a frame [frame_samples], values in [0, 1]: zeros around a shorter one."""
    count = spec.window_samples or spec.frame_samples
    before = (spec.frame_samples - count) // 2
    return np.pad(_SHAPES[spec.window](count), (before, spec.frame_samples - count - before))


def _hann(count: int) -> Array:
    return 0.5 - 0.5 * np.cos(2.0 * np.pi * np.arange(count) / count)


def _hamming(count: int) -> Array:
    return 0.54 - 0.46 * np.cos(2.0 * np.pi * np.arange(count) / count)


def _symmetric(shape: Callable[[int], Array]) -> Callable[[int], Array]:
    return lambda count: np.append(shape(count - 1), shape(count - 1)[0])


#: By name; periodic unless it says otherwise, as torch, scipy and librosa have them.
_SHAPES: Mapping[str, Callable[[int], Array]] = {
    "hann": _hann,
    "hann_symmetric": _symmetric(_hann),
    "hamming": _hamming,
    "hamming_symmetric": _symmetric(_hamming),
    "povey": lambda count: _symmetric(_hann)(count) ** 0.85,
    "rectangular": np.ones,
}
