"""Tables of the micro_frontend kind: window, mel channels, gain and logarithm, all integers.

The definitions are those of TensorFlow's microfrontend library; where it computes in float32, so
does this.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from toolkit.features.fields import BandFields

WINDOW_BITS = 12
WEIGHT_BITS = 12
NOISE_BITS = 14
SNR_BITS = 12
SHRUNK_BITS = 6
LOG_SEGMENTS = 128

Int64 = NDArray[np.int64]
_f32 = np.float32


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
class MicroFields(BandFields):
    """The fields of the ``micro_frontend`` kind."""

    micro: MicroSpec = MicroSpec()


def hann_q12(frame_samples: int) -> Int64:
    """Hann window [frame_samples] sampled between its zeros, in 1/4096."""
    angle = float(_f32(2.0 * np.pi / frame_samples))
    window = (0.5 - 0.5 * np.cos(angle * (np.arange(frame_samples) + 0.5))).astype(_f32)
    return np.asarray(np.floor(window.astype(np.float64) * (1 << WINDOW_BITS) + 0.5), np.int64)


@dataclass(frozen=True)
class MicroChannels:
    """Mel channels as two weights a bin: bin b of group g gives ``weights[b]`` / 4096 of its
    energy to channel g - 1 and ``unweights[b]`` / 4096 to channel g.

    Group g is bins starts[g] .. starts[g + 1] - 1; the first gives to channel 0 only and the
    last, starts[n_mels] .., to the last channel only.
    """

    starts: Int64  # [n_mels + 2]
    weights: Int64  # [fft_samples / 2 + 1], 0 outside the groups
    unweights: Int64

    def matrix(self) -> Int64:
        """Weights [channels, bins] of the filter bank."""
        groups = len(self.starts) - 1
        dense = np.zeros((groups + 1, len(self.weights)), np.int64)
        for group in range(groups):
            bins = slice(self.starts[group], self.starts[group + 1])
            dense[group, bins] = self.weights[bins]
            dense[group + 1, bins] = self.unweights[bins]
        return dense[1:-1]


def mel_channels(spec: MicroFields) -> MicroChannels:
    """The filter bank: triangles straight in mel, 1127 ln(1 + f / 700 Hz), DC left out."""
    bins = spec.fft_samples // 2 + 1
    hz_per_bin = _f32(0.5 * spec.sample_rate_hz / (bins - 1))
    first = int(1.5 + spec.f_min_hz / float(hz_per_bin))
    low, high = _mel(_f32(spec.f_min_hz)), _mel(_f32(spec.f_max_hz))
    spacing = (high - low) / _f32(spec.n_mels + 1)
    edges = np.append(low, low + spacing * np.arange(1, spec.n_mels + 2).astype(_f32))
    mel = _mel(np.arange(bins).astype(_f32) * hz_per_bin)
    starts = np.maximum(first, np.searchsorted(mel, edges[1:], side="right"))
    starts = np.append(first, starts).astype(np.int64)
    weights, unweights = np.zeros(bins, np.int64), np.zeros(bins, np.int64)
    for group in range(len(starts) - 1):
        group_bins = slice(starts[group], starts[group + 1])
        upper = edges[group + 1]
        share = ((upper - mel[group_bins]) / (upper - edges[group])).astype(np.float64)
        weights[group_bins] = np.floor(share * (1 << WEIGHT_BITS) + 0.5)
        unweights[group_bins] = np.floor((1.0 - share) * (1 << WEIGHT_BITS) + 0.5)
    return MicroChannels(starts, weights, unweights)


def _mel(hz: np.ndarray | np.floating) -> np.ndarray:
    return (1127.0 * np.log1p(np.asarray(hz, np.float64) / 700.0)).astype(_f32)


def correction_bits(spec: MicroFields) -> int:
    """Fractional bits that the FFT's scaling took from a channel, less those its weights gave."""
    return spec.fft_samples.bit_length() - 1 - WEIGHT_BITS // 2


def gain_table(spec: MicroFields) -> Int64:
    """Gain (noise + offset) ** -strength as quadratics, one for every octave of the noise.

    [2 + 4 * 31]: the gain at noise 0 and at 1; then for octave n = 1, 2, .. of 32-bit noise x,
    from x = 2 ** n: its value there and the two further coefficients in the fraction of the
    octave, and a 0.
    """
    micro = spec.micro
    scale = _f32(1 << (micro.smoothing_bits - correction_bits(spec)))

    def gain(noise: int) -> int:
        x = _f32(noise) / scale + _f32(micro.pcan_offset)
        value = _f32(1 << micro.gain_bits) * np.power(x, -_f32(micro.pcan_strength))
        return 32767 if value > 32767 else int(value + _f32(0.5))

    table = [gain(0), gain(1)]
    for octave in range(1, 32):
        start = 1 << octave
        end = 2 * start if octave < 31 else 2 * start - 1
        at_start, at_middle, at_end = gain(start), gain(start + start // 2), gain(end)
        slope = 4 * (at_middle - at_start) - (at_end - at_start)
        table += [at_start, slope, (at_end - at_start) - slope, 0]
    return np.array(table, np.int64)


def log2_table() -> Int64:
    """[129]: log2(1 + n / 128) - n / 128 in 1/65536."""
    fraction = np.arange(LOG_SEGMENTS + 1) / LOG_SEGMENTS
    return np.asarray(np.round((np.log2(1.0 + fraction) - fraction) * 65536.0), np.int64)
