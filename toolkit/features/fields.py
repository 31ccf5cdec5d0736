"""The fields of a feature specification, before anything is known of what its kind asks of them.

Kinds, levels and tables read these; ``toolkit.features.spec`` has the specification itself.
"""

from __future__ import annotations

from dataclasses import dataclass


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
class SpecFields:
    """The fields of a `FeatureSpec`, which says what they mean, and the rows that they give."""

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
