"""The feature specification that travels with a model, from training to the device.

It says everything about how audio becomes the model's input except the input's quantisation,
which is the input tensor's own.  It is stored as JSON in ONNX and TFLite metadata under
``METADATA_KEY``.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from dataclasses import asdict, dataclass, fields
from typing import Any

from toolkit.errors import InputError

METADATA_KEY = "toolkit.feature_spec"

LEVEL_MODES = ("clip", "running", "fixed")
MEL_SCALES = ("slaney", "htk")
MEL_NORMS = ("area", "none")
LOGS = ("db", "ln")

_SMALLEST_NORMAL_FLOAT32 = 2.0**-126


@dataclass(frozen=True)
class LevelSpec:
    """How the level of the audio is normalised; samples are fractions of full scale, [-1, 1).

    clip: subtract the clip's mean, divide by sqrt(mean square + epsilon) over the whole clip;
          the device must see the clip before its first frame.
    running: frame n has mean m and mean square q; with
          a = max(1 / (n + 1), 1 - exp(-hop / (time_constant_s * sample rate))) the estimates
          M += a (m - M), Q += a (q - Q) follow the signal, and the frame used is
          (x - M) / sqrt(Q - M^2 + epsilon).  Causal, thus streamable.
    fixed: multiply by ``gain``.
    """

    mode: str = "clip"
    time_constant_s: float = 3.0
    gain: float = 1.0
    epsilon: float = 1e-7


@dataclass(frozen=True)
class FeatureSpec:
    """Log-mel features: framing, window, mel bands, logarithm and level.

    Frame t covers samples [t * hop_samples, t * hop_samples + frame_samples): nothing is padded
    (``center`` False).  ``frame_samples`` is also the FFT length.  ``floor`` is the smallest
    mel energy, after level normalisation, that enters the logarithm (librosa's ``amin``).

    Raises InputError, naming every violation, when the values cannot be used.
    """

    sample_rate_hz: int
    frame_samples: int
    hop_samples: int
    n_mels: int
    f_min_hz: float
    f_max_hz: float
    level: LevelSpec = LevelSpec()
    mel_scale: str = "slaney"
    mel_norm: str = "area"
    log: str = "db"
    floor: float = 1e-10
    kind: str = "log_mel"
    window: str = "hann"
    center: bool = False
    power: float = 2.0

    def __post_init__(self) -> None:
        if problems := list(_violations(self)):
            raise InputError(f"feature spec: {'; '.join(problems)}.")

    def rows_for_samples(self, n: int) -> int:
        """Number of feature rows that ``n`` samples give."""
        return max(0, 1 + (n - self.frame_samples) // self.hop_samples)

    def samples_for_rows(self, t: int) -> int:
        """Smallest number of samples that gives ``t`` rows."""
        return self.frame_samples + (t - 1) * self.hop_samples if t > 0 else 0

    def to_json(self) -> str:
        """One line of JSON with every field; ``from_json`` gives an equal spec back."""
        return json.dumps(asdict(self), sort_keys=True)

    @classmethod
    def from_json(cls, text: str) -> FeatureSpec:
        """Read ``to_json`` text; InputError when it is damaged, incomplete or has unknown keys."""
        try:
            data = json.loads(text)
        except (ValueError, RecursionError) as error:
            raise InputError(f"feature spec: must be JSON; {error}.") from None
        data = _known(cls, data, "feature spec")
        if "level" in data:
            data["level"] = LevelSpec(**_known(LevelSpec, data["level"], "feature spec: level"))
        try:
            return cls(**data)
        except TypeError as error:
            missing = str(error).partition("missing ")[2] or str(error)
            raise InputError(f"feature spec: missing {missing}.") from None


def _known(cls: type, data: object, where: str) -> dict[str, Any]:
    if not isinstance(data, dict):
        raise InputError(f"{where}: must be a JSON object; got {type(data).__name__}.")
    if unknown := sorted(set(data) - {field.name for field in fields(cls)}):
        raise InputError(f"{where}: unknown keys {', '.join(unknown)}.")
    return dict(data)


def _number(value: object) -> bool:
    if not isinstance(value, int | float) or isinstance(value, bool):
        return False
    return abs(value) <= sys.float_info.max


def _integer_in(name: str, value: object, low: int, high: int) -> Iterator[str]:
    if not isinstance(value, int) or isinstance(value, bool) or not low <= value <= high:
        yield f"{name} must be a whole number in [{low}, {high}]; got {value!r}"


def _number_in(name: str, value: Any, low: float, high: float) -> Iterator[str]:
    if not _number(value) or not low <= value <= high:
        yield f"{name} must be in [{low:g}, {high:g}]; got {value!r}"


def _one_of(name: str, value: object, allowed: tuple[object, ...]) -> Iterator[str]:
    if value not in allowed:
        choices = " or ".join(repr(choice) for choice in allowed)
        yield f"{name} must be {choices}; got {value!r}"


def _violations(spec: FeatureSpec) -> Iterator[str]:
    yield from _one_of("kind", spec.kind, ("log_mel",))
    yield from _one_of("window", spec.window, ("hann",))
    yield from _one_of("center", spec.center, (False,))
    yield from _one_of("power", spec.power, (2.0,))
    yield from _one_of("mel_scale", spec.mel_scale, MEL_SCALES)
    yield from _one_of("mel_norm", spec.mel_norm, MEL_NORMS)
    yield from _one_of("log", spec.log, LOGS)
    yield from _integer_in("sample_rate_hz", spec.sample_rate_hz, 1000, 192_000)
    yield from _integer_in("n_mels", spec.n_mels, 1, 512)
    frame = spec.frame_samples
    if not isinstance(frame, int) or not 32 <= frame <= 4096 or frame & (frame - 1):
        yield f"frame_samples must be a power of two in [32, 4096]; got {frame!r}"
    else:
        yield from _integer_in("hop_samples", spec.hop_samples, 1, frame)
    limits = (spec.f_min_hz, spec.f_max_hz, spec.sample_rate_hz)
    if not all(map(_number, limits)) or not 0 <= limits[0] < limits[1] <= limits[2] / 2:
        yield (
            "mel range must satisfy 0 <= f_min_hz < f_max_hz <= sample_rate_hz / 2; "
            f"got {spec.f_min_hz!r} and {spec.f_max_hz!r} at {spec.sample_rate_hz!r} Hz"
        )
    level = spec.level
    yield from _number_in("floor", spec.floor, 1e-30, 1.0)
    yield from _one_of("level.mode", level.mode, LEVEL_MODES)
    yield from _number_in("level.time_constant_s", level.time_constant_s, 1e-3, 3600.0)
    yield from _number_in("level.gain", level.gain, 1e-4, 1e4)
    yield from _number_in("level.epsilon", level.epsilon, 1e-12, 1.0)
    if (
        _number(spec.floor)
        and _number(level.epsilon)
        and abs(spec.floor * level.epsilon) < _SMALLEST_NORMAL_FLOAT32
    ):
        yield (
            "floor * level.epsilon must be a normal float32, at least "
            f"{_SMALLEST_NORMAL_FLOAT32:.3g}; got {spec.floor * level.epsilon:.3g}"
        )


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

WAV2SMALL_RUNNING = FeatureSpec(
    sample_rate_hz=16_000,
    frame_samples=64,
    hop_samples=32,
    n_mels=26,
    f_min_hz=0.0,
    f_max_hz=8000.0,
    level=LevelSpec("running", time_constant_s=3.0),
)
"""The same features with a level that streams; what the zoo's own weights are trained with."""
