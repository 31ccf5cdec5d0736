"""Wav2Small for hearing aids: the attention pooling of Wav2Small over a trunk that fits them.

Three things cost Wav2Small its cycles: 500 rows a second, full width on all bands, and a Gram
product that nothing is gained by (docs/TRAINING.md).  Here a frame is 16 ms, one after the other;
the bands halve three times while channels grow 12, 16, 24, 32.
"""

from __future__ import annotations

from dataclasses import replace

import torch
from torch import Tensor, nn

from toolkit.features.spec import WAV2SMALL_RUNNING, FeatureSpec
from toolkit.training.nets.base import AttentionPool, ConvBlock, Student

SPEC = replace(WAV2SMALL_RUNNING, frame_samples=256, hop_samples=256, floor=1e-4)
"""The default front end.  A hop of 160 takes half as much work again.  What lies 40 dB below the
running level is the room, not the voice: the floor hides it, and int8 is finer for that."""


class Wav2SmallHa(Student):
    """12 (every other band), 16, pool, 24, 24, pool over bands, 32, 32, attention pooling."""

    def __init__(self, spec: FeatureSpec, outputs: int) -> None:
        super().__init__()
        self.body = nn.Sequential(
            ConvBlock(1, 12, (1, 2)),
            ConvBlock(12, 16),
            nn.MaxPool2d(3, (2, 2), 1),
            ConvBlock(16, 24),
            ConvBlock(24, 24),
            nn.MaxPool2d(3, (1, 2), 1),
            ConvBlock(24, 32),
            ConvBlock(32, 32),
        )
        self.pool = AttentionPool(32)
        bands = -(-spec.row_values // 8)
        self.adv = nn.Linear(32 * bands, outputs)

    def embed(self, features: Tensor) -> Tensor:
        return torch.flatten(self.pool(self.body(features)), start_dim=1)
