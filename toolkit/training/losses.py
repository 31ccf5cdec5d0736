"""Losses of a batch: predictions and targets [N, 3], weights [N]."""

from __future__ import annotations

import torch
from torch import Tensor


def ccc_loss(prediction: Tensor, target: Tensor, weight: Tensor | None = None) -> Tensor:
    """1 - CCC over the batch, mean of the labels; N > 1, targets not constant."""
    w = torch.ones_like(target[:, 0]) if weight is None else weight
    w = (w / w.sum())[:, None]
    mean_x, mean_y = (w * prediction).sum(dim=0), (w * target).sum(dim=0)
    x, y = prediction - mean_x, target - mean_y
    spread = (w * (x.square() + y.square())).sum(dim=0) + (mean_x - mean_y).square()
    return (1.0 - 2.0 * (w * x * y).sum(dim=0) / spread.clamp_min(1e-8)).mean()


def mse_loss(prediction: Tensor, target: Tensor, weight: Tensor) -> Tensor:
    """Weighted mean square error, mean of the labels."""
    return ((prediction - target).square().mean(dim=1) * weight).sum() / weight.sum()


def class_loss(scores: Tensor, classes: Tensor, weight: Tensor) -> Tensor:
    """Cross-entropy of scores [N, classes]; class -1 (not known) counts nothing."""
    known = weight * (classes >= 0)
    each = torch.nn.functional.cross_entropy(scores, classes.clamp_min(0), reduction="none")
    return (each * known).sum() / known.sum().clamp_min(1e-8)
