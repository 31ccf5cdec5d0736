"""Agreement between predictions and labels."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray


def concordance(prediction: NDArray[np.floating], target: NDArray[np.floating]) -> float:
    """Lin's concordance correlation coefficient of two series [n], in [-1, 1].

    2 cov / (var + var + (difference of means)^2), with population moments; 0 when both series
    are constant, because then nothing is told apart.
    """
    x = np.asarray(prediction, dtype=np.float64)
    y = np.asarray(target, dtype=np.float64)
    covariance = ((x - x.mean()) * (y - y.mean())).mean()
    spread = x.var() + y.var() + (x.mean() - y.mean()) ** 2
    return float(2.0 * covariance / spread) if spread > 0.0 else 0.0


def accuracy(scores: NDArray[np.floating], classes: NDArray[np.integer]) -> float:
    """Fraction of cases whose largest score [n, classes] is that of their class [n]."""
    return float((np.asarray(scores).argmax(axis=1) == np.asarray(classes)).mean())


def resampled_concordance(
    prediction: NDArray[np.floating], target: NDArray[np.floating], counts: NDArray[np.integer]
) -> NDArray[np.float64]:
    """`concordance` [draws] where case i counts ``counts`` [draws, n] times in each draw."""
    x, y = np.asarray(prediction, np.float64), np.asarray(target, np.float64)
    w = counts / counts.sum(axis=1, keepdims=True)
    mean_x, mean_y = w @ x, w @ y
    spread = w @ (x * x) - mean_x**2 + w @ (y * y) - mean_y**2 + (mean_x - mean_y) ** 2
    covariance = w @ (x * y) - mean_x * mean_y
    return np.asarray(np.where(spread > 1e-15, 2.0 * covariance / np.maximum(spread, 1e-15), 0.0))


def bootstrap_counts(groups: Sequence[str], draws: int, seed: int = 0) -> NDArray[np.int64]:
    """How often each case counts [draws, n] when whole groups are drawn again with replacement."""
    names, of = np.unique(np.asarray(groups), return_inverse=True)
    rng = np.random.default_rng(seed)
    drawn = rng.multinomial(len(names), np.full(len(names), 1.0 / len(names)), size=draws)
    return np.asarray(drawn[:, of], dtype=np.int64)
