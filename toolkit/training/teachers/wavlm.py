"""WavLM with attentive statistics and a regression head, in the layout of
``3loi/SER-Odyssey-Baseline-WavLM-Multi-Attributes``.

Encoder, mean and deviation under one attention, dense layers, output: arousal, dominance, valence.
Nothing of the checkpoint's own code is run.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from transformers import WavLMConfig, WavLMModel, WavLMPreTrainedModel

_LEAST_VARIANCE = 1e-5


class AttentiveStatistics(nn.Module):  # type: ignore[misc]
    """Mean and deviation [N, 2 width] over time under softmax weights (arXiv 1803.10963)."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.sap_linear = nn.Linear(width, width)
        self.attention = nn.Parameter(torch.randn(width, 1))

    def forward(self, hidden: Tensor, frames: Tensor) -> Tensor:
        scores = (torch.tanh(self.sap_linear(hidden)) @ self.attention)[:, :, 0]
        weights = torch.softmax(scores.masked_fill(~frames, -torch.inf), dim=1)[:, :, None]
        mean = (weights * hidden).sum(dim=1)
        square = (weights * hidden.square()).sum(dim=1)
        deviation = (square - mean.square()).clamp_min(_LEAST_VARIANCE).sqrt()
        return torch.cat([mean, deviation], dim=1)


class Head(nn.Module):  # type: ignore[misc]
    """Dense layers, each with layer normalisation and ReLU, and the output."""

    def __init__(self, seen: int, width: int, layers: int, outputs: int) -> None:
        super().__init__()
        self.fc = nn.ModuleList(
            nn.Sequential(nn.Linear(width if n else seen, width), nn.LayerNorm(width), nn.ReLU())
            for n in range(layers)
        )
        self.out = nn.Sequential(nn.Linear(width, outputs))

    def forward(self, x: Tensor) -> Tensor:
        for layer in self.fc:
            x = layer(x)
        out: Tensor = self.out(x)
        return out


class WavLMEmotion(WavLMPreTrainedModel):  # type: ignore[misc]
    """Outputs [N, 3] and statistics [N, 2 width] of waveforms [N, samples] and their mask.

    ``told`` is the checkpoint's own config: how it scales waveforms, and what its head is.
    """

    base_model_prefix = "ssl_model"

    def __init__(self, config: WavLMConfig, told: dict[str, Any]) -> None:
        super().__init__(config)
        self.mean, self.std = float(told.get("mean", 0.0)), float(told.get("std", 1.0))
        width = int(told.get("hidden_size", config.hidden_size))
        self.ssl_model = WavLMModel(config)
        self.pool_model = AttentiveStatistics(width)
        layers, outputs = told.get("classifier_hidden_layers", 1), told.get("num_classes", 3)
        self.ser_model = Head(2 * width, width, int(layers), int(outputs))
        self.post_init()

    def forward(self, waveforms: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
        scaled = (waveforms - self.mean) / (self.std + 1e-6) * mask
        hidden = self.ssl_model(scaled, attention_mask=mask.long()).last_hidden_state
        # Just the frames that a clip alone has: what is padded changes nothing.
        frames = self._get_feature_vector_attention_mask(hidden.shape[1], mask.long())
        pooled = self.pool_model(hidden, frames)
        return self.ser_model(pooled), pooled
