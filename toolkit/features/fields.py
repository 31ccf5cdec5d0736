"""The fields of feature specifications, by what they are about, before anything is known of kinds.

Kinds, levels and tables read these; each kind in ``toolkit.features.kinds`` adds its own.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import ClassVar, TypeVar

T = TypeVar("T")

_CLIP_LEVEL = (
    "level mode 'clip' measures the whole clip before its first row: it cannot run on endless "
    "audio, and push_audio asks for the clip's level first; 'running' and 'fixed' stream"
)
_CLIP_ROWS = (
    "normalise 'clip' takes mean and deviation of the whole clip: it cannot run on endless audio, "
    "and push_audio asks for the clip first; constants (mean, deviation) stream"
)
_CLIP_TOP = (
    "top_db limits every row by the largest value of the whole clip: it cannot run on endless "
    "audio, and push_audio asks for the clip first; top_db = 0 streams"
)


def younger(default: T) -> T:
    """A field that the first models did not have: written only where it says something, so that
    they keep their bytes."""
    made: T = field(default=default, metadata={"younger": True})
    return made


@dataclass(frozen=True)
class LevelSpec:
    """How the level of the audio is normalised; samples are fractions of full scale, [-1, 1).

    clip: subtract the clip's mean, divide by sqrt(mean square + epsilon) over the whole clip;
          the device must see the clip before its first frame.
    running: frame n has mean m and mean square q; with
          a = max(1 / (n + 1), 1 - exp(-hop / (time_constant_s * sample rate))) the estimates
          M += a (m - M), Q += a (q - Q) follow the signal, and the frame used is
          (x - M) / sqrt(Q - M^2 + epsilon).  Causal, thus streamable.  With ``restart_frames``
          the estimates begin afresh with every so many frames: n counts from there.
    fixed: multiply by ``gain``.
    """

    mode: str = "clip"
    time_constant_s: float = 3.0
    gain: float = 1.0
    epsilon: float = 1e-7
    restart_frames: int = younger(0)


@dataclass(frozen=True)
class SpecFields:
    """What every kind has: how audio is cut into frames, and its level."""

    sample_rate_hz: int
    frame_samples: int
    hop_samples: int
    level: LevelSpec = LevelSpec()

    kind: ClassVar[str]

    @property
    def fft_samples(self) -> int:
        """Length of the FFT: the smallest power of two that holds a frame."""
        return 1 << (self.frame_samples - 1).bit_length()

    @property
    def padding_samples(self) -> int:
        """Samples that count as audio before the first one, and after the last."""
        return 0

    @property
    def is_mirrored(self) -> bool:
        """Whether frames beyond the clip's ends hear it mirrored."""
        return False

    @property
    def tail_samples(self) -> int:
        """Samples to push after the last one; a mirrored frame waits for one more."""
        return self.padding_samples + (1 if self.is_mirrored else 0)

    @property
    def row_hop_samples(self) -> int:
        """Samples from one row to the next."""
        return self.hop_samples

    @property
    def end_rows(self) -> int:
        """Rows that only the end of the clip completes."""
        return 0

    @property
    def whole_clip(self) -> tuple[str, ...]:
        """What of it depends on the whole clip, in words; such features cannot run on endless
        audio."""
        return (_CLIP_LEVEL,) if self.level.mode == "clip" else ()

    @property
    def needs_clip(self) -> bool:
        """Whether the whole clip must be heard before the first row."""
        return bool(self.whole_clip)

    @property
    def streams(self) -> bool:
        """Whether a row can be given as soon as its last sample is there."""
        return not self.needs_clip

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


@dataclass(frozen=True)
class SpectrumFields(SpecFields):
    """What the kinds with a spectrum have.

    In this order: the frame's mean is subtracted (``remove_dc``); every sample x[n] becomes
    x[n] - ``pre_emphasis`` x[n - 1], where the sample before the first one is 0, or
    (``pre_emphasis_of`` "frame", as in Kaldi) every frame's first sample counts as the one before
    it; the ``window``, of ``window_samples`` (0: all) in the middle of the frame; the FFT of
    ``n_fft`` samples (0: the next power of two), the frame at its start; |spectrum| ** ``power``.

    With ``center`` frames begin half a frame earlier; where there is no audio it is silence
    (``padding`` "zeros": zeros before the level is normalised, after pre-emphasis) or mirrored
    at the first and last sample ("reflect").
    """

    center: bool = False
    power: float = 2.0
    window: str = "hann"
    window_samples: int = younger(0)
    n_fft: int = younger(0)
    padding: str = younger("zeros")
    remove_dc: bool = younger(False)
    pre_emphasis: float = younger(0.0)
    pre_emphasis_of: str = younger("clip")

    @property
    def fft_samples(self) -> int:
        return self.n_fft or super().fft_samples

    @property
    def padding_samples(self) -> int:
        return self.frame_samples // 2 if self.center else 0

    @property
    def is_mirrored(self) -> bool:
        return self.center and self.padding == "reflect"

    @property
    def emphasises_clip(self) -> bool:
        """Whether a sample is emphasised against the one before it, whatever frame that is in."""
        return self.pre_emphasis > 0.0 and self.pre_emphasis_of == "clip"

    def rows_for_samples(self, n: int) -> int:
        # Up to half a frame there is nothing to mirror.
        return 0 if self.is_mirrored and n <= self.padding_samples else super().rows_for_samples(n)

    def samples_for_rows(self, t: int) -> int:
        least = self.padding_samples + 1 if self.is_mirrored and t > 0 else 0
        return max(least, super().samples_for_rows(t))


@dataclass(frozen=True)
class BandFields(SpecFields):
    """How many bands, or channels, and where they lie."""

    n_mels: int = 0
    f_min_hz: float = 0.0
    f_max_hz: float = 0.0


@dataclass(frozen=True)
class MelFields(SpectrumFields, BandFields):
    """Triangular mel bands of a spectrum: edges equidistant on ``mel_scale``, straight between them
    in Hz or in mel (``mel_slopes``), of unit area or unit height (``mel_norm``)."""

    mel_scale: str = "slaney"
    mel_norm: str = "area"
    mel_slopes: str = younger("hz")


@dataclass(frozen=True)
class LogFields(SpectrumFields):
    """Logarithms of energies: max(energy, floor) or energy + floor (``flooring``); then natural
    logarithms ("ln"), decimal ones ("log10") or decibels ("db": 10 log10 of power, 20 log10 of
    magnitude); then no value of a clip is more than ``top_db`` (in dB, 0: any) below its largest;
    then less ``mean``, over ``deviation``: one number each, or one for every value of a row."""

    log: str = "db"
    floor: float = 1e-10
    flooring: str = younger("max")
    top_db: float = younger(0.0)
    mean: tuple[float, ...] = younger((0.0,))
    deviation: tuple[float, ...] = younger((1.0,))

    @property
    def whole_clip(self) -> tuple[str, ...]:
        return (*super().whole_clip, *((_CLIP_TOP,) if self.top_db else ()))


@dataclass(frozen=True)
class RowFields(LogFields):
    """What becomes of rows, in this order: ``deltas`` of that order are appended to each, of
    regression over ``delta_width`` rows on both sides, the first and last row repeated beyond the
    ends (as Kaldi's add-deltas); with ``normalise`` "clip" every value is taken less its mean over
    the clip, over its deviation (of n - 1, plus 1e-5); ``stack`` rows become one, every
    ``stack_step``."""

    deltas: int = younger(0)
    delta_width: int = younger(2)
    normalise: str = younger("none")
    stack: int = younger(1)
    stack_step: int = younger(1)

    @property
    def row_hop_samples(self) -> int:
        return self.hop_samples * self.stack_step

    @property
    def end_rows(self) -> int:
        return self.deltas * self.delta_width

    @property
    def whole_clip(self) -> tuple[str, ...]:
        return (*super().whole_clip, *((_CLIP_ROWS,) if self.normalise == "clip" else ()))

    def rows_for_samples(self, n: int) -> int:
        return max(0, 1 + (super().rows_for_samples(n) - self.stack) // self.stack_step)

    def samples_for_rows(self, t: int) -> int:
        return super().samples_for_rows((t - 1) * self.stack_step + self.stack if t > 0 else 0)


@dataclass(frozen=True)
class MelLogFields(MelFields, RowFields):
    """Mel bands, their logarithms, and what becomes of them."""
