"""One process, or several that torchrun started."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import torch
from torch import Tensor, distributed, nn

from toolkit.errors import ToolMissingError


@dataclass(frozen=True)
class World:
    """This process among ``size``, and where it computes."""

    rank: int
    size: int
    device: torch.device

    @property
    def leads(self) -> bool:
        """Whether this process writes and reports."""
        return self.rank == 0

    @property
    def part(self) -> slice:
        """Of every batch, what this process sees."""
        return slice(self.rank, None, self.size)

    def wrapped(self, module: nn.Module) -> nn.Module:
        """``module``, its gradients averaged over the processes."""
        if self.size == 1:
            return module
        return nn.parallel.DistributedDataParallel(module)

    def together(self, local: Tensor) -> Tensor:
        """The rows of all processes [size * n, ...], this one's with their gradient.

        The gradient of a mean over all is ``size`` times too small on each: `wrapped` averages.
        """
        if self.size == 1:
            return local
        pieces = [torch.empty_like(local) for _ in range(self.size)]
        distributed.all_gather(pieces, local.detach().contiguous())
        pieces[self.rank] = local
        return torch.cat(pieces)


def leads() -> bool:
    """Whether this process is the one that writes: alone, or the first that torchrun started."""
    return os.environ.get("RANK", "0") == "0"


@contextmanager
def world(device: str) -> Iterator[World]:
    """Join the processes that torchrun started (gloo; on GPUs nccl), or be alone.

    ToolMissingError for a GPU that is not there.
    """
    gpu = torch.cuda.is_available()
    if device == "cuda" and not gpu:
        raise ToolMissingError("device = 'cuda': torch sees no GPU.", "Leave 'device' out.")
    on_gpu = gpu and device != "cpu"
    rank, size = (int(os.environ.get(name, default)) for name, default in
                  (("RANK", "0"), ("WORLD_SIZE", "1")))  # fmt: skip
    local = int(os.environ.get("LOCAL_RANK", "0"))
    place = torch.device("cuda", local) if on_gpu else torch.device("cpu")
    if size > 1:
        distributed.init_process_group("nccl" if on_gpu else "gloo")
    try:
        yield World(rank, size, place)
    finally:
        if size > 1:
            distributed.destroy_process_group()
