"""The feature specification that travels with a model, from training to the device.

It says everything about how audio becomes the model's input except the input's quantisation,
which is the input tensor's own.  It is stored as JSON in ONNX and TFLite metadata under
``METADATA_KEY``; ``toolkit.features.text`` has the JSON and TOML forms.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from toolkit.errors import InputError

METADATA_KEY = "toolkit.feature_spec"

KINDS = ("log_mel", "mfcc", "micro_frontend", "raw")
LEVEL_MODES = ("clip", "running", "fixed")
MEL_SCALES = ("slaney", "htk")
MEL_NORMS = ("area", "none")
MEL_SLOPES = ("hz", "mel")
LOGS = ("db", "ln")
FLOORINGS = ("max", "add")
MFCC_NORMS = ("ortho", "htk")


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
class MicroSpec:
    """Noise reduction, gain control and logarithm of the ``micro_frontend`` kind.

    ``even_smoothing`` and ``odd_smoothing``: weight in [0, 1] of a new frame in a channel's noise
    estimate, channels 0, 2, .. and 1, 3, ..; ``min_signal_remaining``: share of a channel that
    noise reduction always leaves; ``smoothing_bits``: fractional bits of the estimate.
    Automatic gain (PCAN) divides by (noise + ``pcan_offset``) ** ``pcan_strength``, in
    ``gain_bits`` fractional bits.  The logarithm has ``log_shift`` fractional bits, and a feature
    is that integer times ``output_scale``.
    """

    smoothing_bits: int = 10
    even_smoothing: float = 0.025
    odd_smoothing: float = 0.06
    min_signal_remaining: float = 0.05
    pcan: bool = True
    pcan_strength: float = 0.95
    pcan_offset: float = 80.0
    gain_bits: int = 21
    log_shift: int = 6
    output_scale: float = 10.0 / 256.0


@dataclass(frozen=True)
class FeatureSpec:
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

    sample_rate_hz: int
    frame_samples: int
    hop_samples: int
    n_mels: int = 0
    f_min_hz: float = 0.0
    f_max_hz: float = 0.0
    level: LevelSpec = LevelSpec()
    mel_scale: str = "slaney"
    mel_norm: str = "area"
    log: str = "db"
    floor: float = 1e-10
    kind: str = "log_mel"
    window: str = "hann"
    center: bool = False
    power: float = 2.0
    mel_slopes: str = "hz"
    flooring: str = "max"
    n_mfcc: int = 0
    mfcc_norm: str = "ortho"
    micro: MicroSpec = MicroSpec()

    def __post_init__(self) -> None:
        from toolkit.features.validate import violations

        if problems := list(violations(self)):
            raise InputError(f"feature spec: {'; '.join(problems)}.")

    @property
    def row_values(self) -> int:
        """Number of features in a row."""
        return {"mfcc": self.n_mfcc, "raw": self.frame_samples}.get(self.kind, self.n_mels)

    @property
    def fft_samples(self) -> int:
        """Length of the FFT: the smallest power of two that holds a frame."""
        return 1 << (self.frame_samples - 1).bit_length()

    @property
    def padding_samples(self) -> int:
        """Zeros that count as audio before the first sample, and after the last."""
        return self.frame_samples // 2 if self.center else 0

    @property
    def streams(self) -> bool:
        """Whether a row can be given as soon as its last sample is there."""
        return self.level.mode != "clip"

    def rows_for_samples(self, n: int) -> int:
        """Number of feature rows that ``n`` samples give."""
        if n <= 0:
            return 0
        return max(0, 1 + (n + 2 * self.padding_samples - self.frame_samples) // self.hop_samples)

    def samples_for_rows(self, t: int) -> int:
        """Smallest number of samples that gives ``t`` rows."""
        if t <= 0:
            return 0
        spanned = self.frame_samples + (t - 1) * self.hop_samples
        return max(1, spanned - 2 * self.padding_samples)

    def to_json(self) -> str:
        """One line of JSON with every field of the kind; ``from_json`` gives an equal spec back."""
        from toolkit.features.text import to_json

        return to_json(self)

    @classmethod
    def from_json(cls, text: str) -> FeatureSpec:
        """Read ``to_json`` text; InputError when it is damaged, incomplete or has unknown keys."""
        from toolkit.features.text import from_json

        return from_json(text)


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
