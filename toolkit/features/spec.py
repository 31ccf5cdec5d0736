"""The feature specification that travels with a model, from training to the device.

It says everything about how audio becomes the model's input except the input's quantisation,
which is the input tensor's own.  It is stored as JSON in ONNX and TFLite metadata under
``METADATA_KEY``; ``toolkit.features.text`` has the TOML form.
"""

from __future__ import annotations

import json
from dataclasses import fields, replace
from typing import Any

from toolkit.errors import InputError
from toolkit.features.fields import LevelSpec
from toolkit.features.kinds import KINDS, LogMel, Mfcc, MicroFrontend, MicroSpec, Raw, Spectrogram
from toolkit.features.kinds.base import FeatureSpec, to_data
from toolkit.features.validate import one_of

__all__ = [
    "KEYWORD_MFCC",
    "METADATA_KEY",
    "MICRO_SPEECH",
    "WAV2SMALL",
    "WAV2SMALL_RUNNING",
    "FeatureSpec",
    "LevelSpec",
    "LogMel",
    "Mfcc",
    "MicroFrontend",
    "MicroSpec",
    "Raw",
    "Spectrogram",
    "from_data",
    "from_json",
    "to_data",
]

METADATA_KEY = "toolkit.feature_spec"

#: Fields of one number or several.
_SEQUENCES = {"mean", "deviation"}
_TABLES = {"level": LevelSpec, "micro": MicroSpec}


def from_json(text: str) -> FeatureSpec:
    """Read ``to_json`` text; InputError when it is damaged, incomplete or has unknown keys."""
    try:
        data = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise InputError(f"feature spec: must be JSON; {error}.") from None
    return from_data(data)


def from_data(data: object) -> FeatureSpec:
    """Inverse of ``to_data``; InputError naming what is missing, unknown or out of range."""
    if not isinstance(data, dict):
        raise InputError(f"feature spec: must be an object; got {type(data).__name__}.")
    name = data.get("kind", LogMel.kind)
    if problems := list(one_of("kind", name, tuple(KINDS))):
        raise InputError(
            f"feature spec: {'; '.join(problems)}.", hint="docs/FEATURES.md has every field."
        )
    rest = {key: value for key, value in data.items() if key != "kind"}
    kind = KINDS[name]
    values = _known(kind, rest, f"feature spec: kind '{name}'")
    for key, cls in _TABLES.items():
        if key in values:
            values[key] = cls(**_known(cls, values[key], f"feature spec: {key}"))
    for key in _SEQUENCES & set(values):
        values[key] = tuple(values[key]) if isinstance(values[key], list) else (values[key],)
    try:
        return kind(**values)
    except TypeError as error:
        missing = str(error).partition("missing ")[2] or str(error)
        raise InputError(
            f"feature spec: missing {missing}.", hint="docs/FEATURES.md has every field."
        ) from None


def _known(cls: type, data: object, where: str) -> dict[str, Any]:
    if not isinstance(data, dict):
        raise InputError(f"{where}: must be an object; got {type(data).__name__}.")
    if unknown := sorted(set(data) - {f.name for f in fields(cls)}):
        raise InputError(
            f"{where}: unknown keys {', '.join(unknown)}.", hint="docs/FEATURES.md has every field."
        )
    return dict(data)


WAV2SMALL = LogMel(
    sample_rate_hz=16_000,
    frame_samples=64,
    hop_samples=32,
    n_mels=26,
    f_min_hz=0.0,
    f_max_hz=8000.0,
    level=LevelSpec("clip"),
)
"""Features of the published Wav2Small checkpoint (level of the whole utterance)."""

WAV2SMALL_RUNNING = replace(WAV2SMALL, level=LevelSpec("running", time_constant_s=3.0))
"""The same features with a level that streams; what the zoo's own weights are trained with."""

KEYWORD_MFCC = Mfcc(
    sample_rate_hz=16_000,
    frame_samples=480,
    hop_samples=320,
    n_mels=40,
    f_min_hz=20.0,
    f_max_hz=4000.0,
    level=LevelSpec("fixed"),
    mel_scale="htk",
    mel_norm="none",
    log="ln",
    floor=1e-6,
    power=1.0,
    mel_slopes="mel",
    flooring="add",
    n_mfcc=10,
    mfcc_norm="htk",
)
"""MLPerf Tiny's keyword spotting: 49 x 10 a second.  Its peak normalisation is the caller's."""

MICRO_SPEECH = MicroFrontend(
    sample_rate_hz=16_000,
    frame_samples=480,
    hop_samples=320,
    n_mels=40,
    f_min_hz=125.0,
    f_max_hz=7500.0,
    level=LevelSpec("fixed"),
)
"""TFLM's micro_speech example: 49 x 40 a second."""
