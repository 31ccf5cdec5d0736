"""Weights of any net as safetensors; Wav2Small's in the names of the published checkpoint."""

from __future__ import annotations

import json
import os
import tempfile
from dataclasses import asdict
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor

from toolkit.errors import ModelError
from toolkit.features.spec import METADATA_KEY, WAV2SMALL, FeatureSpec, from_json
from toolkit.training.nets import NETS, make_net, net_name
from toolkit.training.nets.base import PUBLISHED, Shape, Student
from toolkit.training.nets.wav2small import BINS, CHANNELS, POOLED_BANDS
from toolkit.training.tables import read_table

#: Which net it is; a file without is the published Wav2Small.
NET_KEY = "toolkit.net"
#: Which size of it, where it comes in sizes.
SHAPE_KEY = "toolkit.shape"
NET_OF_PUBLISHED = "wav2small"

_HINT = "Use the weights of audeering/wav2small, or those written by `toolkit train`."
_MEL_WEIGHTS = "vgg7.logmel_extractor.melW"
_FLOOR = "vgg7.logmel_extractor.amin"
_BANDS = WAV2SMALL.n_mels


def save_checkpoint(model: Student, spec: FeatureSpec, path: Path) -> None:
    """Write every tensor of ``model``; which net it is and its features as metadata."""
    tensors = {name: value.contiguous() for name, value in model.state_dict().items()}
    metadata = {METADATA_KEY: spec.to_json(), NET_KEY: net_name(model)}
    if model.shape != PUBLISHED:
        metadata[SHAPE_KEY] = json.dumps(asdict(model.shape))
    write_whole(path, _in_order(save(tensors, metadata=metadata)))


def load_checkpoint(path: Path) -> tuple[Student, FeatureSpec]:
    """Read a checkpoint: the net in evaluation mode, and its features.

    Without metadata (the published file) it is Wav2Small with the published features,
    ``WAV2SMALL``.  ``melW`` may be stored as [33, 26] or [26, 33] and ``amin`` as a scalar or [1].
    ModelError when the file is damaged, a name is missing or unknown, a shape differs or a value is
    not finite.
    """
    tensors, metadata = _read(path)
    name = metadata.get(NET_KEY, NET_OF_PUBLISHED)
    if name not in NETS:
        raise ModelError(f"'{path}': is of a net '{name}'; known are {', '.join(NETS)}.", _HINT)
    text = metadata.get(METADATA_KEY)
    spec = from_json(text) if text else WAV2SMALL
    model = make_net(name, spec, _shape(path, metadata.get(SHAPE_KEY, "{}")))
    if problems := _violations(tensors, model.state_dict()):
        raise ModelError(f"'{path}': not a {name} checkpoint; {'; '.join(problems)}.", _HINT)
    model.load_state_dict(tensors, strict=True)
    return model.eval(), spec


def _shape(path: Path, text: str) -> Shape:
    try:
        return read_table(Shape, json.loads(text), path.parent)
    except ValueError as error:
        raise ModelError(f"'{path}': the net's shape: {error}.", _HINT) from None


def reorder_head(old: Path, new: Path) -> None:
    """Write a Wav2Small checkpoint of an older toolkit, ``old``, in the published order as ``new``.

    Its head took all pooled values before the whole Gram matrix; no shape tells the two apart.
    ModelError as `load_checkpoint`.
    """
    model, spec = load_checkpoint(old)
    weights = model.adv.weight.data
    blocks = weights.reshape(len(weights), 2, CHANNELS, POOLED_BANDS)
    model.adv.weight.data = blocks.transpose(1, 2).reshape(weights.shape)
    save_checkpoint(model, spec, new)


def write_whole(path: Path, data: bytes) -> None:
    """Write a file that appears whole or not at all."""
    handle, staged = tempfile.mkstemp(dir=path.parent, prefix=".toolkit-")
    with os.fdopen(handle, "wb") as file:
        file.write(data)
    Path(staged).chmod(0o644)
    Path(staged).replace(path)


def _in_order(data: bytes) -> bytes:
    """The same file with its metadata sorted: the format's writer has them in no order."""
    size = int.from_bytes(data[:8], "little")
    header = json.loads(data[8 : 8 + size])
    header["__metadata__"] = dict(sorted(header["__metadata__"].items()))
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    return len(text).to_bytes(8, "little") + text + data[8 + size :]


def _read(path: Path) -> tuple[dict[str, Tensor], dict[str, str]]:
    try:
        with safe_open(path, framework="pt") as file:
            metadata = dict(file.metadata() or {})
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    except (SafetensorError, OSError) as error:
        reason = str(error).splitlines()[0]
        raise ModelError(f"'{path}': must be a safetensors file; {reason}.", _HINT) from None
    if _MEL_WEIGHTS in tensors:
        tensors[_MEL_WEIGHTS] = _bins_first(tensors[_MEL_WEIGHTS])
    if _FLOOR in tensors and tensors[_FLOOR].numel() == 1:
        tensors[_FLOOR] = tensors[_FLOOR].reshape(())
    return tensors, metadata


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
