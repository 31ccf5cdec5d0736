"""Kind "micro_frontend": TensorFlow's and TFLM's integer audio front-end, bit for bit.

Hann window, int16 FFT, energy, mel channels, square root, noise reduction, gain control (PCAN)
and logarithm, every stage in the integers of TensorFlow's microfrontend library: the tests hold
each one to that library's published values, and the whole to TFLM's signal operators.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from toolkit.features.arithmetic import Arithmetic, State
from toolkit.features.c_tables import Parts
from toolkit.features.fields import MelFields
from toolkit.features.framing import FULL_SCALE, Samples, as_fractions, cut_frames
from toolkit.features.kinds.base import FeatureSpec, Work
from toolkit.features.kinds.micro_c_tables import micro_parts
from toolkit.features.kinds.micro_fft import real_fft
from toolkit.features.kinds.micro_tables import (
    LOG_SEGMENTS,
    NOISE_BITS,
    SHRUNK_BITS,
    SNR_BITS,
    WINDOW_BITS,
    MicroFields,
    MicroSpec,
    correction_bits,
    gain_table,
    hann_q12,
    log2_table,
    mel_channels,
)
from toolkit.features.mel import mel_filterbank
from toolkit.features.validate import (
    band_violations,
    frame_violations,
    integer_in,
    is_number,
    is_whole,
    number_in,
    one_of,
)

Int64 = NDArray[np.int64]

_LN2_Q16 = 45426


def micro_frontend(samples: Samples, spec: MicroFields) -> NDArray[np.float32]:
    """Features [rows, n_mels] of one clip: the front-end's integers times ``output_scale``.

    ``samples`` [n] are int16, or fractions of full scale, which are rounded to int16.
    InputError as ``as_fractions``.
    """
    x = np.round(as_fractions(samples, spec) * FULL_SCALE)
    frames = cut_frames(np.clip(x, -32768, 32767), spec).astype(np.int64)
    signal = channel_magnitudes(frames, spec)
    cleaned, noise = reduce_noise(signal, spec.micro)
    if spec.micro.pcan:
        cleaned = control_gain(cleaned, noise, spec)
    values = logarithm(shifted(cleaned, correction_bits(spec)), spec.micro.log_shift)
    return (values * spec.micro.output_scale).astype(np.float32)


def channel_magnitudes(frames: Int64, spec: MicroFields) -> Int64:
    """Square roots [rows, n_mels] of the channels' energies of int16 ``frames`` [rows, n]."""
    windowed = (frames * hann_q12(spec.frame_samples)) >> WINDOW_BITS
    largest = np.minimum(np.abs(windowed).max(axis=1), 32767)
    shift = 15 - _bit_length(largest)
    padded = np.zeros((len(frames), spec.fft_samples), np.int64)
    padded[:, : spec.frame_samples] = windowed << shift[:, None]
    re, im = real_fft(padded)
    channels = (re * re + im * im) @ mel_channels(spec).matrix().T
    return square_root(channels) >> shift[:, None]


def square_root(x: Int64) -> Int64:
    """Square root of integers below 2**52, to nearest; below 2**32 it stays below 2**16."""
    root = np.sqrt(x.astype(np.float64)).astype(np.int64)
    root += x - root * root > root
    return np.where(x < 1 << 32, np.minimum(root, 65535), root)


def reduce_noise(signal: Int64, micro: MicroSpec) -> tuple[Int64, Int64]:
    """``signal`` [rows, channels] less its noise estimate, and the estimate, row after row."""
    one = 1 << NOISE_BITS
    smoothing = np.full(signal.shape[1], int(np.float32(micro.even_smoothing) * one))
    smoothing[1::2] = int(np.float32(micro.odd_smoothing) * one)
    least = int(np.float32(micro.min_signal_remaining) * one)
    estimate = np.zeros(signal.shape[1], np.int64)
    cleaned, estimates = np.empty_like(signal), np.empty_like(signal)
    for row, values in enumerate(signal):
        scaled = values << micro.smoothing_bits
        estimate = (scaled * smoothing + estimate * (one - smoothing)) >> NOISE_BITS
        rest = (scaled - np.minimum(estimate, scaled)) >> micro.smoothing_bits
        cleaned[row] = np.maximum(rest, (values * least) >> NOISE_BITS)
        estimates[row] = estimate
    return cleaned, estimates


def control_gain(signal: Int64, noise: Int64, spec: MicroFields) -> Int64:
    """PCAN: signal times gain(noise), squeezed, with SHRUNK_BITS fractional bits."""
    shift = spec.micro.gain_bits - correction_bits(spec) - SNR_BITS
    snr = ((signal * _gain(noise, gain_table(spec))) >> shift) & 0xFFFFFFFF
    square = (snr * snr) >> (2 + 2 * SNR_BITS - SHRUNK_BITS)
    linear = (snr >> (SNR_BITS - SHRUNK_BITS)) - (1 << SHRUNK_BITS)
    return np.where(snr < 2 << SNR_BITS, square, linear)


def _gain(noise: Int64, table: Int64) -> Int64:
    """The table's quadratic at every noise: 10 bits of the fraction of the octave enter."""
    bits = _bit_length(noise)
    octave = np.maximum(bits - 1, 1)
    fraction = shifted(noise, 10 - octave) & 0x3FF
    entry = 2 + 4 * (octave - 1)
    slope = ((table[entry + 2] * fraction) >> 5) + (table[entry + 1] << 5)
    curve = table[entry] + ((slope * fraction + (1 << 14)) >> 15)
    return np.where(noise <= 2, table[np.minimum(noise, 2)], curve)


def logarithm(x: Int64, log_shift: int) -> Int64:
    """ln(x) with ``log_shift`` fractional bits of integers below 2**32; 0 for 0 and 1."""
    safe = np.maximum(x, 1)
    exponent = _bit_length(safe) - 1
    fraction = shifted(safe - (np.int64(1) << exponent), 16 - exponent)
    table = log2_table()
    segment = fraction >> 9
    rise = table[np.minimum(segment + 1, LOG_SEGMENTS)] - table[segment]
    curve = table[segment] + ((rise * (fraction & 0x1FF)) >> 16)
    log2 = (exponent << 16) + fraction + curve
    ln = (_LN2_Q16 * log2 + (1 << 15)) >> 16
    return np.where(x > 1, np.minimum(((ln << log_shift) + (1 << 15)) >> 16, 65535), 0)


def shifted(x: Int64, left: int | Int64) -> Int64:
    """x * 2 ** left, rounded down."""
    left = np.asarray(left)
    return np.where(left >= 0, x << np.maximum(left, 0), x >> np.maximum(-left, 0))


def _bit_length(x: Int64) -> Int64:
    """Bits needed for integers in [0, 2**52]."""
    return np.frexp(x.astype(np.float64))[1].astype(np.int64)


#: Integers whatever was chosen.
_SOURCES = ("tk_micro.h", "tk_micro.c", "tk_multiply_q.h")


@dataclass(frozen=True)
class MicroFrontend(FeatureSpec, MicroFields):
    """Channels in the integers of TensorFlow's microfrontend library, which has its own gain."""

    kind = "micro_frontend"
    value_word = "channel"
    sources: ClassVar[Mapping[str, tuple[str, ...]]] = {"float32": _SOURCES, "fixed": _SOURCES}

    def violations(self) -> Iterator[str]:
        yield from frame_violations(self)
        yield from band_violations(self)
        yield from _micro_violations(self)

    @property
    def row_values(self) -> int:
        return self.n_mels

    def extract(self, samples: Samples) -> NDArray[np.float32]:
        return micro_frontend(samples, self)

    def description(self) -> tuple[str, ...]:
        return (
            f"frames  {self.frame_samples} samples every {self.hop_samples}, periodic Hann window",
            f"bands   {self.n_mels} channels, {self.f_min_hz:g} to {self.f_max_hz:g} Hz",
            "output  noise reduction, automatic gain, logarithm: TFLM's micro_frontend",
        )

    def kernel_files(self, arithmetic: Arithmetic) -> tuple[str, ...]:
        return self.sources[arithmetic.name]

    def front_state(self, arithmetic: Arithmetic) -> State:
        return State(self.fft_samples // 2 + 1 + self.n_mels)

    def parts(self, arithmetic: Arithmetic, scale: float, zero_point: int) -> tuple[Parts, ...]:
        return (micro_parts(self, scale, zero_point),)

    @property
    def work(self) -> Work:
        points = self.fft_samples * math.log2(self.fft_samples)
        return Work(points, _weights(self), self.n_mels)

    def rates(self, arithmetic: str) -> str:
        return f"{self.kind}/fixed"

    def arithmetic_in_use(self, chosen: str) -> str:
        return "integer"


def _weights(spec: MicroFrontend) -> int:
    """Weights of mel bands of the same range, which the cores' rates were fitted to."""
    bands = MelFields(
        spec.sample_rate_hz,
        spec.frame_samples,
        spec.hop_samples,
        n_mels=spec.n_mels,
        f_min_hz=spec.f_min_hz,
        f_max_hz=spec.f_max_hz,
    )
    return int(np.count_nonzero(mel_filterbank(bands)))


def _micro_violations(spec: MicroFields) -> Iterator[str]:
    if spec.level.mode != "fixed" or spec.level.gain != 1.0:
        yield (
            "level must be mode 'fixed' with gain 1 with kind 'micro_frontend', which has its own "
            f"gain control; got {spec.level.mode!r} with gain {spec.level.gain!r}"
        )
    micro = spec.micro
    if is_number(spec.f_max_hz) and is_number(spec.sample_rate_hz):
        bin_hz = spec.sample_rate_hz / spec.fft_samples if is_whole(spec.frame_samples) else 0.0
        if spec.f_max_hz > spec.sample_rate_hz / 2 - bin_hz:
            yield (
                "f_max_hz must lie an FFT bin below half the sample rate with kind "
                f"'micro_frontend'; got {spec.f_max_hz!r} at {spec.sample_rate_hz!r} Hz"
            )
    # A channel's magnitude is below 2**20: scaled, it must fit 32 bits; and the gain table's
    # scale 2 ** (smoothing_bits - correction_bits) must be whole.
    octaves = spec.fft_samples.bit_length() - 1 if is_whole(spec.frame_samples) else 6
    yield from integer_in("micro.smoothing_bits", micro.smoothing_bits, max(0, octaves - 6), 12)
    yield from number_in("micro.even_smoothing", micro.even_smoothing, 0.0, 1.0)
    yield from number_in("micro.odd_smoothing", micro.odd_smoothing, 0.0, 1.0)
    yield from number_in("micro.min_signal_remaining", micro.min_signal_remaining, 0.0, 1.0)
    yield from one_of("micro.pcan", micro.pcan, (False, True))
    yield from number_in("micro.pcan_strength", micro.pcan_strength, 0.0, 1.0)
    yield from number_in("micro.pcan_offset", micro.pcan_offset, 1.0, 1e6)
    # The product of gain and magnitude is shifted right, by bits that grow with the FFT.
    yield from integer_in("micro.gain_bits", micro.gain_bits, octaves + 6, 30)
    yield from integer_in("micro.log_shift", micro.log_shift, 0, 10)
    yield from number_in("micro.output_scale", micro.output_scale, 1e-6, 1e6)
