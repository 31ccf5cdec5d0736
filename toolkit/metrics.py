"""Agreement between predictions and labels."""

from __future__ import annotations

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
