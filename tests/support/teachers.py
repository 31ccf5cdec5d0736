"""Tiny random checkpoints of the real classes of transformers, in the layouts of teachers."""

from __future__ import annotations

import json
from pathlib import Path

import torch
from safetensors.torch import save_file
from transformers import Wav2Vec2Config, Wav2Vec2Model, WavLMConfig, WavLMModel, WhisperConfig
from transformers.models.whisper.modeling_whisper import WhisperEncoder

_SMALL = {
    "hidden_size": 16,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "intermediate_size": 24,
    "conv_dim": [8] * 7,
    "num_conv_pos_embeddings": 8,
    "num_conv_pos_embedding_groups": 2,
    "feat_extract_norm": "layer",
    "do_stable_layer_norm": True,
    "num_labels": 3,
    "vocab_size": 8,
}
WIDTH = 16


def wav2vec2_folder(folder: Path) -> Path:
    """audEERING's layout: ``wav2vec2.*`` and ``classifier.*``."""
    torch.manual_seed(1)
    config = Wav2Vec2Config(**_SMALL)
    tensors = _named("wav2vec2.", Wav2Vec2Model(config))
    tensors |= _named("classifier.dense.", torch.nn.Linear(WIDTH, WIDTH))
    tensors |= _named("classifier.out_proj.", torch.nn.Linear(WIDTH, 3))
    return _written(folder, tensors, config.to_dict())


def wavlm_folder(folder: Path) -> Path:
    """3loi's layout: ``ssl_model.*``, ``pool_model.*``, ``ser_model.*``; the encoder's own config
    lies in a folder within."""
    torch.manual_seed(2)
    config = WavLMConfig(**_SMALL)
    told = {"model_type": "ser", "ssl_type": "encoder", "hidden_size": WIDTH, "num_classes": 3}
    told |= {"classifier_hidden_layers": 2, "mean": 0.01, "std": 0.5}
    tensors = _named("ssl_model.", WavLMModel(config))
    tensors |= _named("pool_model.sap_linear.", torch.nn.Linear(WIDTH, WIDTH))
    tensors["pool_model.attention"] = torch.randn(WIDTH, 1)
    for n, seen in enumerate((2 * WIDTH, WIDTH)):
        tensors |= _named(f"ser_model.fc.{n}.0.", torch.nn.Linear(seen, WIDTH))
        tensors |= _named(f"ser_model.fc.{n}.1.", torch.nn.LayerNorm(WIDTH))
    tensors |= _named("ser_model.out.0.", torch.nn.Linear(WIDTH, 3))
    (folder / "encoder").mkdir(parents=True)
    (folder / "encoder/config.json").write_text(json.dumps(config.to_dict()), encoding="utf-8")
    return _written(folder, tensors, told)


def encoder_folders(folder: Path) -> tuple[str, str]:
    """A Whisper encoder with a window of two seconds, and a WavLM, as their classes save them."""
    torch.manual_seed(3)
    whisper = WhisperConfig(
        d_model=16, encoder_layers=2, encoder_attention_heads=2, encoder_ffn_dim=24,
        decoder_layers=1, decoder_attention_heads=2, decoder_ffn_dim=24, num_mel_bins=16,
        max_source_positions=100, vocab_size=32, pad_token_id=0, bos_token_id=1, eos_token_id=2,
        decoder_start_token_id=1,
    )  # fmt: skip
    WhisperEncoder(whisper).save_pretrained(folder / "whisper")
    WavLMModel(WavLMConfig(**_SMALL)).save_pretrained(folder / "wavlm")
    return str(folder / "whisper"), str(folder / "wavlm")


def _named(prefix: str, module: torch.nn.Module) -> dict[str, torch.Tensor]:
    return {prefix + name: tensor for name, tensor in module.state_dict().items()}


def _written(folder: Path, tensors: dict[str, torch.Tensor], config: dict[str, object]) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    whole = {name: tensor.detach().clone().contiguous() for name, tensor in tensors.items()}
    save_file(whole, folder / "model.safetensors", metadata={"format": "pt"})
    (folder / "config.json").write_text(json.dumps(config), encoding="utf-8")
    return folder
