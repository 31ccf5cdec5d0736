"""Wav2Vec2 with a regression head, in the layout of
``audeering/wav2vec2-large-robust-12-ft-emotion-msp-dim``.

Encoder, mean of the last hidden state over time, dense, tanh, output: arousal, dominance, valence.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from transformers import Wav2Vec2Config, Wav2Vec2Model, Wav2Vec2PreTrainedModel

from toolkit.training.teachers.speech import masked_mean, normalised

#: What the published weights say of one second of zeros.
SELF_CHECK = {
    "wav2vec2-large-robust-12-ft-emotion-msp-dim": (0.5460754, 0.6062266, 0.40431657),
}


class Head(nn.Module):  # type: ignore[misc]
    """Dense, tanh, output."""

    def __init__(self, width: int, outputs: int) -> None:
        super().__init__()
        self.dense, self.out_proj = nn.Linear(width, width), nn.Linear(width, outputs)

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = self.out_proj(torch.tanh(self.dense(x)))
        return out


class Wav2Vec2Emotion(Wav2Vec2PreTrainedModel):  # type: ignore[misc]
    """Outputs [N, 3] and mean hidden states [N, width] of waveforms [N, samples] and their mask."""

    def __init__(self, config: Wav2Vec2Config) -> None:
        super().__init__(config)
        self.wav2vec2 = Wav2Vec2Model(config)
        self.classifier = Head(config.hidden_size, config.num_labels)
        self.post_init()

    def forward(self, waveforms: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
        heard = normalised(waveforms, mask)
        hidden = self.wav2vec2(heard, attention_mask=mask.long()).last_hidden_state
        frames = self._get_feature_vector_attention_mask(hidden.shape[1], mask.long())
        pooled = masked_mean(hidden, frames)
        return self.classifier(pooled), pooled
