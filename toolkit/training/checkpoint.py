"""Wav2Small weights as safetensors, in the names of the published checkpoint."""

from __future__ import annotations

from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor

from toolkit.errors import ModelError
from toolkit.features.spec import METADATA_KEY, WAV2SMALL, FeatureSpec
from toolkit.training.wav2small import BINS, CHANNELS, POOLED_BANDS, Wav2Small

_HINT = "Use the weights of audeering/wav2small, or those written by toolkit.training.train."
_MEL_WEIGHTS = "vgg7.logmel_extractor.melW"
_FLOOR = "vgg7.logmel_extractor.amin"
_BANDS = WAV2SMALL.n_mels


def save_checkpoint(model: Wav2Small, spec: FeatureSpec, path: Path) -> None:
    """Write every tensor of ``model``; ``spec``, the features it was trained on, as metadata."""
    tensors = {name: value.contiguous() for name, value in model.state_dict().items()}
    path.write_bytes(save(tensors, metadata={METADATA_KEY: spec.to_json()}))


def load_checkpoint(path: Path) -> tuple[Wav2Small, FeatureSpec]:
    """Read a Wav2Small checkpoint: the network in evaluation mode, and its features.

    Without a feature spec in the metadata (the published file) the features are the published
    ones, ``WAV2SMALL``.  ``melW`` may be stored as [33, 26] or [26, 33] and ``amin`` as a scalar
    or [1].  ModelError when the file is damaged, a name is missing or unknown, a shape differs
    or a value is not finite.
    """
    tensors, spec = _read(path)
    model = Wav2Small()
    expected = model.state_dict()
    if problems := _violations(tensors, expected):
        raise ModelError(f"'{path}': not a Wav2Small checkpoint; {'; '.join(problems)}.", _HINT)
    model.load_state_dict(tensors, strict=True)
    return model.eval(), spec


def reorder_head(old: Path, new: Path) -> None:
    """Write a checkpoint of an older toolkit, ``old``, in the published order as ``new``.

    Its head took all pooled values before the whole Gram matrix; no shape tells the two apart.
    ModelError as `load_checkpoint`.
    """
    model, spec = load_checkpoint(old)
    weights = model.adv.weight.data
    blocks = weights.reshape(len(weights), 2, CHANNELS, POOLED_BANDS)
    model.adv.weight.data = blocks.transpose(1, 2).reshape(weights.shape)
    save_checkpoint(model, spec, new)


def _read(path: Path) -> tuple[dict[str, Tensor], FeatureSpec]:
    try:
        with safe_open(path, framework="pt") as file:
            text = (file.metadata() or {}).get(METADATA_KEY)
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    except (SafetensorError, OSError) as error:
        reason = str(error).splitlines()[0]
        raise ModelError(f"'{path}': must be a safetensors file; {reason}.", _HINT) from None
    if _MEL_WEIGHTS in tensors:
        tensors[_MEL_WEIGHTS] = _bins_first(tensors[_MEL_WEIGHTS])
    if _FLOOR in tensors and tensors[_FLOOR].numel() == 1:
        tensors[_FLOOR] = tensors[_FLOOR].reshape(())
    return tensors, FeatureSpec.from_json(text) if text else WAV2SMALL


def _bins_first(mel_weights: Tensor) -> Tensor:
    """Mel weights as [33 bins, 26 bands] where they were stored as [26, 33]; others as they are."""
    return mel_weights.T if mel_weights.shape == (_BANDS, BINS) else mel_weights


def _violations(tensors: dict[str, Tensor], expected: dict[str, Tensor]) -> list[str]:
    problems = []
    if missing := sorted(expected.keys() - tensors.keys()):
        problems.append(f"missing {_listed(missing)}")
    if unknown := sorted(tensors.keys() - expected.keys()):
        problems.append(f"unknown {_listed(unknown)}")
    for name in sorted(expected.keys() & tensors.keys()):
        shape, found = list(expected[name].shape), list(tensors[name].shape)
        if shape != found:
            problems.append(f"{name} must have shape {shape}, found {found}")
        elif not torch.isfinite(tensors[name].double()).all():
            problems.append(f"{name} must be finite, found NaN or infinity")
    return problems


def _listed(names: list[str], limit: int = 4) -> str:
    more = f" and {len(names) - limit} more" if len(names) > limit else ""
    return ", ".join(names[:limit]) + more
