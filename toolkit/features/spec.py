"""The feature specification that travels with a model, from training to the device.

It says everything about how audio becomes the model's input except the input's quantisation,
which is the input tensor's own.  It is stored as JSON in ONNX and TFLite metadata under
``METADATA_KEY``; ``toolkit.features.text`` has the TOML form.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass, fields, replace
from typing import Any

from toolkit.errors import InputError
from toolkit.features.fields import LevelSpec, MicroSpec, SpecFields
from toolkit.features.kinds import KINDS, kind_of
from toolkit.features.validate import common_violations, one_of

__all__ = [
    "KEYWORD_MFCC",
    "METADATA_KEY",
    "MICRO_SPEECH",
    "WAV2SMALL",
    "WAV2SMALL_RUNNING",
    "FeatureSpec",
    "LevelSpec",
    "MicroSpec",
    "from_data",
    "to_data",
]

METADATA_KEY = "toolkit.feature_spec"

#: Written of every kind, before its own.
_OF_EVERY_KIND = ("kind", "sample_rate_hz", "frame_samples", "hop_samples", "level")
#: Younger than the first models: written only where they say something, so that those keep
#: their bytes.
_WRITTEN_WHEN_SET = ("mel_slopes", "flooring")


@dataclass(frozen=True)
class FeatureSpec(SpecFields):
    """Framing, level, and what becomes of a frame: one row of features.

    Frame t covers samples [t * hop_samples, t * hop_samples + frame_samples); with ``center`` it
    begins frame_samples / 2 earlier, and the audio counts as silence (zeros, before the level is
    normalised) where there is none.  The window is as long as the frame; the FFT is as long as
    the next power of two, ``fft_samples``, the frame at its start.

    kind "log_mel": spectrum ** ``power`` (2: power, 1: magnitude) in ``n_mels`` triangular bands
    from ``f_min_hz`` to ``f_max_hz``, their edges equidistant on ``mel_scale``, straight between
    them in Hz or in mel (``mel_slopes``), of unit area or unit height (``mel_norm``); then
    max(energy, floor) or energy + floor (``flooring``); then natural logarithms or decibels
    (10 log10 of power, 20 log10 of magnitude).
    kind "mfcc": the first ``n_mfcc`` values of the DCT-II of a log_mel row; ``mfcc_norm`` "ortho"
    makes it orthonormal, "htk" leaves out the first value's extra sqrt(1/2), as TensorFlow does.
    kind "micro_frontend": TensorFlow's and TFLM's integer audio front-end, ``n_mels`` channels
    and ``micro``; it has its own gain control, so level is "fixed" with gain 1.
    kind "raw": the samples themselves, ``frame_samples`` a row, hop and frame equal.

    Raises InputError, naming every violation, when the values cannot be used.
    """

    def __post_init__(self) -> None:
        if problems := list(_violations(self)):
            raise InputError(f"feature spec: {'; '.join(problems)}.")

    @property
    def row_values(self) -> int:
        """Number of features in a row."""
        return kind_of(self).row_values(self)

    def to_json(self) -> str:
        """One line of JSON with every field of the kind, keys sorted; ``from_json`` gives an equal
        spec back."""
        return json.dumps(to_data(self), sort_keys=True)

    @classmethod
    def from_json(cls, text: str) -> FeatureSpec:
        """Read ``to_json`` text; InputError when it is damaged, incomplete or has unknown keys."""
        try:
            data = json.loads(text)
        except (ValueError, RecursionError) as error:
            raise InputError(f"feature spec: must be JSON; {error}.") from None
        return from_data(data)


def to_data(spec: FeatureSpec) -> dict[str, Any]:
    """The fields of the spec's kind, as plain values."""
    data = asdict(spec)
    defaults = {field.name: field.default for field in fields(FeatureSpec)}
    younger = (name for name in _WRITTEN_WHEN_SET if data[name] != defaults[name])
    return {name: data[name] for name in (*_OF_EVERY_KIND, *kind_of(spec).fields, *younger)}


def from_data(data: object) -> FeatureSpec:
    """Inverse of ``to_data``; InputError naming what is missing, unknown or out of range."""
    values = _known(FeatureSpec, data, "feature spec")
    for name, cls in (("level", LevelSpec), ("micro", MicroSpec)):
        if name in values:
            values[name] = cls(**_known(cls, values[name], f"feature spec: {name}"))
    try:
        return FeatureSpec(**values)
    except TypeError as error:
        missing = str(error).partition("missing ")[2] or str(error)
        raise InputError(f"feature spec: missing {missing}.") from None


def _violations(spec: FeatureSpec) -> Iterator[str]:
    """Everything that is wrong with ``spec``, one clause each."""
    yield from one_of("kind", spec.kind, tuple(KINDS))
    yield from common_violations(spec)
    for kind in KINDS.values():
        if kind.name == spec.kind:
            yield from kind.violations(spec)


def _known(cls: type, data: object, where: str) -> dict[str, Any]:
    if not isinstance(data, dict):
        raise InputError(f"{where}: must be an object; got {type(data).__name__}.")
    if unknown := sorted(set(data) - {field.name for field in fields(cls)}):
        raise InputError(f"{where}: unknown keys {', '.join(unknown)}.")
    return dict(data)


WAV2SMALL = FeatureSpec(
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

KEYWORD_MFCC = FeatureSpec(
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
    kind="mfcc",
    power=1.0,
    mel_slopes="mel",
    flooring="add",
    n_mfcc=10,
    mfcc_norm="htk",
)
"""MLPerf Tiny's keyword spotting: 49 x 10 a second.  Its peak normalisation is the caller's."""

MICRO_SPEECH = FeatureSpec(
    sample_rate_hz=16_000,
    frame_samples=480,
    hop_samples=320,
    n_mels=40,
    f_min_hz=125.0,
    f_max_hz=7500.0,
    level=LevelSpec("fixed"),
    kind="micro_frontend",
)
"""TFLM's micro_speech example: 49 x 40 a second."""
