"""The model zoo: one folder a model in ``models/``, with its ONNX, ranges, card and demo clip."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from toolkit.resources import data_dir

DEFAULT_MODEL = "wav2small"


@dataclass(frozen=True)
class ZooModel:
    """Paths of a zoo model's files; ``ranges`` are the calibration ranges shipped with it."""

    name: str
    onnx: Path
    ranges: Path
    demo_clip: Path


def zoo_models() -> tuple[str, ...]:
    """Names of all zoo models, sorted."""
    return tuple(sorted(path.parent.name for path in data_dir("models").glob("*/model.onnx")))


def zoo_model(name: str) -> ZooModel | None:
    """The zoo model called ``name``, or None."""
    if name not in zoo_models():
        return None
    folder = data_dir("models") / name
    return ZooModel(name, folder / "model.onnx", folder / "ranges.json", folder / "demo_clip.wav")
