"""The model zoo: one folder a model, with its ONNX, weights, ranges, card and recipe.

``models/`` ships with the package.  ``models_research/`` lies in a checkout alone: its weights were
trained on data that may not be used commercially, and each folder has their licence.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from toolkit.resources import data_dir

DEFAULT_MODEL = "wav2small"
_FOLDERS = ("models", "models_research")


@dataclass(frozen=True)
class ZooModel:
    """Paths of a zoo model's files; ``ranges`` are the calibration ranges shipped with it."""

    name: str
    onnx: Path
    ranges: Path


def zoo_models() -> tuple[str, ...]:
    """Names of all zoo models that are here, sorted."""
    return tuple(sorted(_onnx_files()))


def zoo_model(name: str) -> ZooModel | None:
    """The zoo model called ``name``, or None."""
    onnx = _onnx_files().get(name)
    if onnx is None:
        return None
    return ZooModel(name, onnx, onnx.with_name("ranges.json"))


def _onnx_files() -> dict[str, Path]:
    return {
        path.parent.name: path
        for folder in _FOLDERS
        for path in data_dir(folder).glob("*/model.onnx")
    }
