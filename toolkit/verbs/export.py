"""``toolkit export``: trained weights to the ONNX file that `convert` and `build` begin with."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from toolkit.errors import InputError, ToolMissingError
from toolkit.ir.tensor import Array
from toolkit.model.clip_ranges import clip_ranges, some, with_ranges
from toolkit.model.inputs import audio_files
from toolkit.toolchain.cache import user_cache_dir
from toolkit.verbs.convert import write_atomically
from toolkit.verbs.stages import Stage

if TYPE_CHECKING:
    from toolkit.features.spec import FeatureSpec
    from toolkit.training.config import Config
    from toolkit.training.export import HasTrunk

RUN = "run.json"
#: Training clips that give the ranges.
CALIBRATION_CLIPS = 100


@dataclass(frozen=True)
class ExportRequest:
    """A run's folder or a ``.safetensors``, where the ONNX goes, and what calibrates it: ``calib``,
    a folder of audio, else the run's own training recordings, cached in ``cache``."""

    source: Path
    output: Path
    cache: Path
    calib: Path | None = None


def require_training() -> None:
    """ToolMissingError without the training extra."""
    if find_spec("torch") is None:
        raise ToolMissingError(
            "training needs the extra `train` (torch is missing).",
            "pip install 'hearing-aid-toolkit[train]' -c constraints.txt",
        )


def default_cache() -> Path:
    """Where computed features are kept."""
    return user_cache_dir() / "features"


def export(request: ExportRequest, stage: Stage) -> bool:
    """Write the ONNX with feature specification, labels and, where there are clips, ranges; returns
    whether it has ranges.

    A run that was not finished gives its averaged weights of the last validation.  Raises
    InputError for what cannot be used.
    """
    with stage("Read the weights"):
        net, spec, config = _weights(request.source)
    with stage("Calibrate and write"):
        clips = _calibration(request, spec, config)
        write_model(net, spec, clips, request.output)
    return bool(clips)


def write_model(net: HasTrunk, spec: FeatureSpec, clips: Sequence[Array], output: Path) -> None:
    """``net`` as ONNX, calibrated on ``clips``, features [rows, bands] each; none: no ranges."""
    from toolkit.training.export import export_onnx

    with tempfile.TemporaryDirectory(prefix="toolkit-") as folder:
        bare = Path(folder) / "model.onnx"
        export_onnx(net, spec, bare)
        data = bare.read_bytes()
        if clips:
            data = with_ranges(data, clip_ranges(bare, some(clips, CALIBRATION_CLIPS)))
    write_atomically(output, data)


def read_run(folder: Path) -> tuple[Config, dict[str, Any]]:
    """Config and facts of a run's folder; InputError when it is none."""
    from toolkit.training.config import parse_config

    path = folder / RUN
    try:
        facts: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        return parse_config(facts["config"], path), facts
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise InputError(
            f"{folder}: is no folder of `toolkit train`: {RUN}: {error}.",
            "Give such a folder, or a .safetensors.",
        ) from None


def _weights(source: Path) -> tuple[HasTrunk, FeatureSpec, Config | None]:
    from toolkit.training.checkpoint import load_checkpoint
    from toolkit.training.qat import load_rounded
    from toolkit.training.run import ROUNDED, WEIGHTS, average_of

    if not source.is_dir():
        return *load_checkpoint(source), None
    config, facts = read_run(source)
    if facts["status"] == "finished":
        net, spec = load_checkpoint(source / WEIGHTS)
        if config.quantise.steps:
            return load_rounded(net, source / ROUNDED), spec, config
        return net, spec, config
    return average_of(config, source), config.spec, config


def _calibration(
    request: ExportRequest, spec: FeatureSpec, config: Config | None
) -> Sequence[Array]:
    from toolkit.training.batches import load_clips
    from toolkit.training.cache import spoken_features

    if request.calib is not None:
        files = audio_files(request.calib)
        return [spoken_features(file, spec) for file in some(files, CALIBRATION_CLIPS)]
    return () if config is None else load_clips(config, request.cache)[0].of("train").clean
