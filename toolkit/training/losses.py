"""Losses of a batch: predictions and targets [N, 3], embeddings [N, width], weights [N]."""

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


def feature_loss(student: Tensor, teacher: Tensor, weight: Tensor) -> Tensor:
    """Weighted mean square difference of embeddings; 0 where no weight is left."""
    each = (student - teacher).square().mean(dim=1)
    return (each * weight).sum() / weight.sum().clamp_min(1e-8)


def nd_loss(student: Tensor, teacher: Tensor, direction: Tensor, weight: Tensor) -> Tensor:
    """Norm and direction (arXiv 2305.17007): ``1 - <s, c> / max(|s|, |t|)``, its weighted mean.

    ``direction`` c is of length 1: that of the class' mean embedding, or of the teacher's own.
    The loss falls to 0 where s points along c and is at least as long as the teacher's embedding.
    """
    longer = torch.maximum(student.norm(dim=1), teacher.norm(dim=1)).clamp_min(1e-8)
    each = 1.0 - (student * direction).sum(dim=1) / longer
    return (each * weight).sum() / weight.sum().clamp_min(1e-8)
