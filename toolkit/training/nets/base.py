"""What networks for training are made of, and what the loop and the export ask of them."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from toolkit.training.layers import Layer
from toolkit.training.tables import choice, number


@dataclass(frozen=True)
class Shape:
    """What can be chosen of a net that comes in sizes.

    ``width`` multiplies every layer's channels; ``head`` is the width of the last hidden layer (0:
    as published); ``excite`` is what a squeeze-excite gate hears: the whole clip, as published, or
    the bands of its own row, which streams.  ``layers`` and ``pool``, over time, are those of a net
    that is stated in layers.
    """

    width: float = number(1.0, 0.1, 4.0)
    head: int = number(0)
    excite: str = choice("clip", "bands")
    layers: tuple[Layer, ...] = ()
    pool: str = choice("attention", "mean")


PUBLISHED = Shape()


class Student(nn.Module):  # type: ignore[misc]
    """A network from features [N, 1, T, bands] to ``outputs`` values [N, outputs].

    ``embed`` gives what the last layer, ``adv``, sees: [N, width], whatever T.  Auxiliary heads of
    training hang there too and are no part of the network.
    """

    adv: nn.Linear
    #: Of those that come in sizes, which one this is.
    shape = PUBLISHED

    def embed(self, features: Tensor) -> Tensor:
        raise NotImplementedError

    def trunk(self, features: Tensor) -> Tensor:
        """Outputs [N, outputs] of features [N, 1, T, bands]."""
        adv: Tensor = self.adv(self.embed(features))
        return adv


class ConvBlock(nn.Module):  # type: ignore[misc]
    """3x3 convolution without bias, batch normalisation, ReLU; ``stride`` is (time, bands)."""

    def __init__(self, i: int, o: int, stride: tuple[int, int] = (1, 1)) -> None:
        super().__init__()
        self.conv = nn.Conv2d(i, o, kernel_size=3, stride=stride, padding=1, bias=False)
        self.norm = nn.BatchNorm2d(o)

    def forward(self, x: Tensor) -> Tensor:
        return torch.relu(self.norm(self.conv(x)))


class AttentionPool(nn.Module):  # type: ignore[misc]
    """``sum_t(lin(x) * softmax_t(sof(x)))``: [N, C, T, F] to [N, C, F], whatever T."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.lin = nn.Conv2d(channels, channels, kernel_size=1)
        self.sof = nn.Conv2d(channels, channels, kernel_size=1)

    def forward(self, x: Tensor) -> Tensor:
        weights = torch.softmax(self.sof(x), dim=2)
        return (self.lin(x) * weights).sum(dim=2)
