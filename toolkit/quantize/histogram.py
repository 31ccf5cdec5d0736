"""Ranges narrower than minimum and maximum: from histograms of an activation's values."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from toolkit.ir.tensor import Array

BINS = 2048

#: Part of an activation's values that may lie beyond either end of its range.
TAIL = 5e-5

#: Steps of an int8 activation.
_STEPS = 255

#: Parts of either end that the search for the least squared error tries.
_FRACTIONS = np.linspace(1 / 32, 1.0, 32)


@dataclass(frozen=True, eq=False)
class Histogram:
    """How often an activation took values in each of ``BINS`` equal parts of [low, high].

    Exact zeros are left out: they are represented exactly whatever the range.
    """

    low: float
    high: float
    counts: Array

    @staticmethod
    def empty(low: float, high: float) -> Histogram:
        """Over a range that is widened to contain 0."""
        return Histogram(min(low, 0.0), max(high, 0.0), np.zeros(BINS, np.int64))

    def adding(self, values: Array) -> Histogram:
        """With the values of one more array."""
        if self.low == self.high:
            return self
        nonzero = values[values != 0]
        counts, _ = np.histogram(nonzero, BINS, (self.low, self.high))
        return Histogram(self.low, self.high, self.counts + counts)

    @property
    def centres(self) -> Array:
        width = (self.high - self.low) / BINS
        return self.low + width * (np.arange(BINS) + 0.5)


def percentile_range(histogram: Histogram) -> tuple[float, float]:
    """The range that leaves ``TAIL`` of the values out at either end, and contains 0."""
    total = int(histogram.counts.sum())
    if total == 0:
        return histogram.low, histogram.high
    edges = np.linspace(histogram.low, histogram.high, BINS + 1)
    cumulated = np.concatenate([[0], np.cumsum(histogram.counts)]) / total
    low = edges[np.searchsorted(cumulated, TAIL, side="right") - 1]
    high = edges[np.searchsorted(cumulated, 1 - TAIL, side="left")]
    return min(float(low), 0.0), max(float(high), 0.0)


def least_error_range(histogram: Histogram) -> tuple[float, float]:
    """The range with the least mean squared error of int8: clipping against rounding.

    Rounding adds a twelfth of the squared step to every value that is not clipped.
    """
    if not histogram.counts.any():
        return histogram.low, histogram.high
    lows = histogram.low * _FRACTIONS if histogram.low < 0 else np.zeros(1)
    highs = histogram.high * _FRACTIONS if histogram.high > 0 else np.zeros(1)
    centres, counts = histogram.centres, histogram.counts.astype(np.float64)
    below = np.maximum(lows[:, None] - centres, 0.0) ** 2 @ counts
    above = np.maximum(centres - highs[:, None], 0.0) ** 2 @ counts
    outside_low = (centres < lows[:, None]).astype(np.float64) @ counts
    outside_high = (centres > highs[:, None]).astype(np.float64) @ counts
    inside = counts.sum() - outside_low[:, None] - outside_high[None, :]
    step = (highs[None, :] - lows[:, None]) / _STEPS
    error = below[:, None] + above[None, :] + inside * step**2 / 12.0
    i, j = np.unravel_index(int(error.argmin()), error.shape)
    return float(lows[i]), float(highs[j])
