"""A teacher of two encoders: Whisper's, which knows words, and WavLM, which knows voices.

Both are frozen but for low-rank adapters on their attention; a small head hears the mean of both.
Only adapters and head are trained and kept.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file
from torch import Tensor, nn
from transformers import WavLMConfig, WavLMModel, WhisperConfig, WhisperFeatureExtractor
from transformers.models.whisper.modeling_whisper import WhisperEncoder

from toolkit.errors import InputError, ModelError
from toolkit.training.teachers.hub import config_of, pretrained
from toolkit.training.teachers.speech import frames_of_hop, masked_mean, normalised

FACTS, WEIGHTS = "teacher.json", "teacher.safetensors"
_ADAPTED = ("q_proj", "v_proj")
_OUTPUTS = 3


@dataclass(frozen=True)
class DualSpec:
    """Where the two encoders are (folders or names on the hub), the rank of their adapters and the
    width of the head."""

    whisper: str
    wavlm: str
    rank: int = 8
    hidden: int = 64


class DualEncoder(nn.Module):  # type: ignore[misc]
    """Outputs [N, 3] and the head's hidden layer [N, hidden] of waveforms [N, samples] and their
    mask; a clip is at most as long as Whisper's window."""

    def __init__(self, whisper: WhisperEncoder, wavlm: WavLMModel, spec: DualSpec) -> None:
        super().__init__()
        self.whisper, self.wavlm, self.spec = whisper, wavlm, spec
        for encoder in (whisper, wavlm):
            adapt_encoder(encoder, spec.rank)
        width = whisper.config.d_model + wavlm.config.hidden_size
        self.fuse = nn.Sequential(nn.LayerNorm(width), nn.Linear(width, spec.hidden), nn.GELU())
        self.out = nn.Linear(spec.hidden, _OUTPUTS)
        self._mels = mel_extractor(whisper.config)

    def forward(self, waveforms: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
        spoken = masked_mean(*self._words(waveforms, mask))
        heard = normalised(waveforms, mask)
        voice = self.wavlm(heard, attention_mask=mask.long()).last_hidden_state
        frames = self.wavlm._get_feature_vector_attention_mask(voice.shape[1], mask.long())
        voiced = masked_mean(voice, frames)
        fused = self.fuse(torch.cat([spoken, voiced], dim=1))
        return self.out(fused), fused

    def _words(self, waveforms: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
        """Whisper's hidden states, and which of them are of sound."""
        clips = [w[m].cpu().numpy() for w, m in zip(waveforms, mask, strict=True)]
        mels = self._mels(clips, sampling_rate=16_000, return_tensors="pt").input_features
        hidden = self.whisper(mels.to(waveforms)).last_hidden_state
        return hidden, frames_of_hop(mask, hidden.shape[1])

    def trained(self) -> dict[str, Tensor]:
        """What training changes, by name."""
        return {n: p.detach().contiguous() for n, p in self.named_parameters() if p.requires_grad}


def adapt_encoder(encoder: nn.Module, rank: int) -> None:
    """Freeze an encoder and give its attention adapters; no layer is dropped, nothing masked."""
    from toolkit.training.teachers.lora import adapt

    adapt(encoder, _ADAPTED, rank)
    encoder.config.apply_spec_augment = False
    encoder.config.layerdrop = 0.0
    encoder.layerdrop = 0.0


def mel_extractor(config: WhisperConfig) -> WhisperFeatureExtractor:
    """Whisper's log-mels, in windows as long as its encoder has positions for."""
    seconds = 2 * config.max_source_positions * 160 // 16_000
    return WhisperFeatureExtractor(feature_size=config.num_mel_bins, chunk_length=seconds)


def make_dual(spec: DualSpec) -> DualEncoder:
    """The two encoders with fresh adapters and a fresh head; InputError as `pretrained`."""
    whisper = pretrained(WhisperEncoder, spec.whisper, config_of(WhisperConfig, spec.whisper))
    wavlm = pretrained(WavLMModel, spec.wavlm, config_of(WavLMConfig, spec.wavlm))
    return DualEncoder(whisper, wavlm, spec)


def save_dual(model: DualEncoder, folder: Path) -> None:
    """Write adapters, head and where the encoders are."""
    folder.mkdir(parents=True, exist_ok=True)
    save_file(model.trained(), folder / WEIGHTS)
    text = json.dumps({"kind": "dual", **asdict(model.spec)}, indent=1)
    (folder / FACTS).write_text(text + "\n", encoding="utf-8")


def load_dual(folder: Path) -> DualEncoder:
    """A dual encoder that `save_dual` wrote; ModelError for a damaged one."""
    try:
        facts = json.loads((folder / FACTS).read_text(encoding="utf-8"))
        facts.pop("kind")
        spec, tensors = DualSpec(**facts), load_file(folder / WEIGHTS)
    except Exception as error:  # whatever a damaged file makes of its reader
        raise ModelError(f"'{folder}': is no teacher of two encoders: {error}.") from None
    model = make_dual(spec)
    if model.trained().keys() != tensors.keys():
        raise InputError(f"'{folder}': its weights are of another teacher.", "Train it again.")
    model.load_state_dict(tensors, strict=False)
    return model
