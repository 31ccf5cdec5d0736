"""What becomes of rows in numpy: deltas, normalisation over the clip, stacking."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from toolkit.features.fields import RowFields

Array = NDArray[np.float64]

#: Added to the deviation of a clip.
EPSILON = 1e-5


def delta_filters(spec: RowFields) -> list[Array]:
    """Weights of the rows around each, oldest first, for the deltas of order 1, 2, ..
    [2 * order * delta_width + 1]."""
    slope = np.arange(-spec.delta_width, spec.delta_width + 1) / 1.0
    slope /= (slope**2).sum()
    filters = [np.ones(1)]
    for _ in range(spec.deltas):
        filters.append(np.convolve(filters[-1], slope))
    return filters[1:]


def finished(rows: Array, spec: RowFields) -> Array:
    """Rows [n, values] as the model takes them."""
    parts = [rows]
    for weights in delta_filters(spec):
        reach = len(weights) // 2
        padded = np.pad(rows, ((reach, reach), (0, 0)), mode="edge")
        windows = np.lib.stride_tricks.sliding_window_view(padded, len(weights), axis=0)
        parts.append(windows @ weights)
    found = np.hstack(parts)
    if spec.normalise == "clip":
        count = max(1, len(found) - 1)
        centred = found - found.mean(axis=0)
        found = centred / (np.sqrt((centred**2).sum(axis=0) / count) + EPSILON)
    if spec.stack > 1 or spec.stack_step > 1:
        firsts = range(0, len(found) - spec.stack + 1, spec.stack_step)
        found = np.stack([found[first : first + spec.stack].ravel() for first in firsts])
    return np.asarray(found)
