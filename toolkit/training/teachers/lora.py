"""Low-rank adapters (Hu et al., arXiv 2106.09685): small trainable changes of frozen weights."""

from __future__ import annotations

from collections.abc import Iterable

import torch
from torch import Tensor, nn
from torch.nn.utils import parametrize


class LowRank(nn.Module):  # type: ignore[misc]
    """A weight [o, i] plus ``up @ down`` of some rank; nothing at first."""

    def __init__(self, weight: Tensor, rank: int) -> None:
        super().__init__()
        o, i = weight.shape
        self.down = nn.Parameter(torch.randn(rank, i) / i**0.5)
        self.up = nn.Parameter(torch.zeros(o, rank))

    def forward(self, weight: Tensor) -> Tensor:
        return weight + self.up @ self.down


def adapt(module: nn.Module, names: Iterable[str], rank: int) -> None:
    """Freeze ``module``; every linear layer whose own name is in ``names`` gets an adapter."""
    module.requires_grad_(False)
    wanted = set(names)
    for name, layer in list(module.named_modules()):
        if isinstance(layer, nn.Linear) and name.rpartition(".")[2] in wanted:
            parametrize.register_parametrization(layer, "weight", LowRank(layer.weight, rank))
