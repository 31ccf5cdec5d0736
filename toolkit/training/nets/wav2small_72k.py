"""Wav2Small with 72 thousand parameters: **our reading** of the paper, not its authors' code.

The paper's text was not at hand.  Its title counts 72 K; the published checkpoint has 15,888 with
its front end.  The trunk of the checkpoint with two dense maps of all 169 pooled values
(13 channels x 13 bands) in place of the 1x1 convolutions has 72,984: the likeliest network.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from toolkit.features.spec import FeatureSpec
from toolkit.training.nets.base import Student
from toolkit.training.nets.wav2small import CHANNELS, POOLED_BANDS, SPEC, ConvBlock, gram_rows

__all__ = ["SPEC", "Wav2Small72k"]
_WIDTH = CHANNELS * POOLED_BANDS


class Wav2Small72k(Student):
    """Wav2Small whose attention and values see every channel and band of a row."""

    def __init__(self, spec: FeatureSpec, outputs: int) -> None:
        super().__init__()
        self.head = nn.Sequential(ConvBlock(1), ConvBlock(CHANNELS), ConvBlock(CHANNELS))
        self.maxpool = nn.MaxPool2d(kernel_size=3, stride=2, padding=1)
        self.tail = nn.Sequential(*(ConvBlock(CHANNELS) for _ in range(4)))
        # A kernel as wide as the bands is a dense map of the row.
        self.lin = nn.Conv2d(CHANNELS, _WIDTH, kernel_size=(1, POOLED_BANDS))
        self.sof = nn.Conv2d(CHANNELS, _WIDTH, kernel_size=(1, POOLED_BANDS))
        self.adv = nn.Linear(2 * _WIDTH, outputs)

    def embed(self, features: Tensor) -> Tensor:
        x = self.tail(self.maxpool(self.head(features)))
        weights = torch.softmax(self.sof(x), dim=2)
        pooled = (self.lin(x) * weights).sum(dim=2)
        return gram_rows(pooled.reshape(-1, CHANNELS, POOLED_BANDS))
