"""A trained net as ONNX: log-mel rows in, arousal, dominance, valence out."""

from __future__ import annotations

import io
import json
import warnings
from pathlib import Path
from typing import Protocol

import onnx
import torch
from torch import Tensor, nn

from toolkit.errors import ModelError
from toolkit.features.spec import METADATA_KEY, FeatureSpec
from toolkit.training.checkpoint import load_checkpoint
from toolkit.training.config import LABELS
from toolkit.training.nets.base import Student
from toolkit.training.nets.wav2small import Wav2Small

LABELS_KEY = "toolkit.labels"
_OPSET = 17
_FRONT_END = ("vgg7.spectrogram_extractor", "vgg7.logmel_extractor")
_FRONT_END_TOLERANCE = 1e-4


class HasTrunk(Protocol):
    """A network from features to outputs: a `Student`, or one `Rounded`, whose scales the file then
    states."""

    def trunk(self, features: Tensor) -> Tensor: ...


class _Trunk(nn.Module):  # type: ignore[misc]
    def __init__(self, model: HasTrunk) -> None:
        super().__init__()
        self.model = model

    def forward(self, features: Tensor) -> Tensor:
        return self.model.trunk(features)


def export_onnx(model: HasTrunk, spec: FeatureSpec, path: Path) -> None:
    """Write the trunk: input ``features`` [1, 1, rows, bands], output ``adv`` [1, 3].

    ``rows`` is a symbolic dimension, so one file serves every clip length.  Batch normalisation
    is folded by the exporter.  The metadata holds ``spec`` and the outputs' names.  Exporting
    twice gives the same bytes.
    """
    buffer = io.BytesIO()
    # One second is traced; the graph itself holds for any number of rows.
    features = torch.zeros(1, 1, spec.rows_for_samples(spec.sample_rate_hz), spec.row_values)
    with warnings.catch_warnings():
        # The tracing exporter is deprecated, yet its graph is the smaller and cleaner one.
        warnings.simplefilter("ignore", DeprecationWarning)
        torch.onnx.export(
            _Trunk(model).eval(),
            (features,),
            buffer,
            opset_version=_OPSET,
            input_names=["features"],
            output_names=["adv"],
            dynamic_axes={"features": {2: "rows"}},
            dynamo=False,
        )
    proto = onnx.load_from_string(buffer.getvalue())
    for key, value in ((METADATA_KEY, spec.to_json()), (LABELS_KEY, json.dumps(LABELS))):
        proto.metadata_props.add(key=key, value=value)
    onnx.checker.check_model(proto, full_check=True)
    path.write_bytes(proto.SerializeToString(deterministic=True))


def export_checkpoint(checkpoint: Path, path: Path) -> None:
    """Write a ``.safetensors``, the published Wav2Small or one of `toolkit train`, as ONNX.

    The front end is not exported: the device computes it from the feature spec.  ModelError when
    Wav2Small's own front-end weights say otherwise, or when the file is not a checkpoint.
    """
    model, spec = load_checkpoint(checkpoint)
    if isinstance(model, Wav2Small):
        _require_published_front_end(checkpoint, model)
    export_onnx(model, spec, path)


def _require_published_front_end(checkpoint: Path, model: Student) -> None:
    reference = Wav2Small().state_dict()
    for name, value in model.state_dict().items():
        if not name.startswith(_FRONT_END):
            continue
        error = _difference(value, reference[name])
        if not error <= _FRONT_END_TOLERANCE:
            raise ModelError(
                f"'{checkpoint}': {name} must be the published front end within "
                f"{_FRONT_END_TOLERANCE:g}; differs by {error:.2g}.",
                "The device computes the published log-mel features; retrain, or export by hand.",
            )


def _difference(value: Tensor, reference: Tensor) -> float:
    """The largest deviation from ``reference``, as a share of its largest value.

    The DFT ``[bins, 1, samples]`` enters squared: the sign of a bin is a convention.
    """
    if reference.dim() == 3:
        opposed = (value * reference).sum(dim=2, keepdim=True) < 0
        value = torch.where(opposed, -value, value)
    return float((value - reference).abs().max() / reference.abs().max())
