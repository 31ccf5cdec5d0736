"""What makes a feature specification sound; every rule yields one violation with its remedy."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import Any

from toolkit.features.spec import (
    FLOORINGS,
    KINDS,
    LEVEL_MODES,
    LOGS,
    MEL_NORMS,
    MEL_SCALES,
    MEL_SLOPES,
    MFCC_NORMS,
    FeatureSpec,
    LevelSpec,
    MicroSpec,
)

MAX_FRAME_SAMPLES = 4096
MAX_HOP_SAMPLES = 65_536
_SMALLEST_NORMAL_FLOAT32 = 2.0**-126


def violations(spec: FeatureSpec) -> Iterator[str]:
    """Everything that is wrong with ``spec``, one clause each."""
    yield from _one_of("kind", spec.kind, KINDS)
    yield from _one_of("window", spec.window, ("hann",))
    yield from _one_of("center", spec.center, (False, True))
    yield from _integer_in("sample_rate_hz", spec.sample_rate_hz, 1000, 192_000)
    yield from _level(spec.level)
    if spec.kind == "raw":
        yield from _raw(spec)
        return
    yield from _integer_in("frame_samples", spec.frame_samples, 17, MAX_FRAME_SAMPLES)
    yield from _integer_in("hop_samples", spec.hop_samples, 1, MAX_HOP_SAMPLES)
    if spec.center is True and _whole(spec.frame_samples) and spec.frame_samples % 2:
        yield f"frame_samples must be even with center; got {spec.frame_samples!r}"
    yield from _bands(spec)
    if spec.kind == "micro_frontend":
        yield from _micro(spec)
    else:
        yield from _logarithm(spec)
    if spec.kind == "mfcc":
        yield from _integer_in("n_mfcc", spec.n_mfcc, 1, spec.n_mels if _whole(spec.n_mels) else 1)
        yield from _one_of("mfcc_norm", spec.mfcc_norm, MFCC_NORMS)


def _raw(spec: FeatureSpec) -> Iterator[str]:
    yield from _integer_in("frame_samples", spec.frame_samples, 1, MAX_HOP_SAMPLES)
    if spec.hop_samples != spec.frame_samples:
        yield (
            "hop_samples must equal frame_samples with kind 'raw'; "
            f"got {spec.hop_samples!r} and {spec.frame_samples!r}"
        )
    yield from _one_of("center (kind 'raw')", spec.center, (False,))


def _bands(spec: FeatureSpec) -> Iterator[str]:
    yield from _integer_in("n_mels", spec.n_mels, 1, 512)
    limits = (spec.f_min_hz, spec.f_max_hz, spec.sample_rate_hz)
    if not all(map(_number, limits)) or not 0 <= limits[0] < limits[1] <= limits[2] / 2:
        yield (
            "mel range must satisfy 0 <= f_min_hz < f_max_hz <= sample_rate_hz / 2; "
            f"got {spec.f_min_hz!r} and {spec.f_max_hz!r} at {spec.sample_rate_hz!r} Hz"
        )


def _logarithm(spec: FeatureSpec) -> Iterator[str]:
    yield from _one_of("power", spec.power, (1.0, 2.0))
    yield from _one_of("mel_scale", spec.mel_scale, MEL_SCALES)
    yield from _one_of("mel_norm", spec.mel_norm, MEL_NORMS)
    yield from _one_of("mel_slopes", spec.mel_slopes, MEL_SLOPES)
    yield from _one_of("log", spec.log, LOGS)
    yield from _one_of("flooring", spec.flooring, FLOORINGS)
    yield from _number_in("floor", spec.floor, 1e-30, 1.0)
    epsilon = spec.level.epsilon
    if (
        _number(spec.floor)
        and _number(epsilon)
        and abs(spec.floor * epsilon) < _SMALLEST_NORMAL_FLOAT32
    ):
        yield (
            "floor * level.epsilon must be a normal float32, at least "
            f"{_SMALLEST_NORMAL_FLOAT32:.3g}; got {spec.floor * epsilon:.3g}"
        )


def _level(level: LevelSpec) -> Iterator[str]:
    yield from _one_of("level.mode", level.mode, LEVEL_MODES)
    yield from _number_in("level.time_constant_s", level.time_constant_s, 1e-3, 3600.0)
    yield from _number_in("level.gain", level.gain, 1e-4, 1e4)
    yield from _number_in("level.epsilon", level.epsilon, 1e-12, 1.0)


def _micro(spec: FeatureSpec) -> Iterator[str]:
    if spec.level.mode != "fixed" or spec.level.gain != 1.0:
        yield (
            "level must be mode 'fixed' with gain 1 with kind 'micro_frontend', which has its own "
            f"gain control; got {spec.level.mode!r} with gain {spec.level.gain!r}"
        )
    yield from _one_of("center (kind 'micro_frontend')", spec.center, (False,))
    micro: MicroSpec = spec.micro
    if _number(spec.f_max_hz) and _number(spec.sample_rate_hz):
        bin_hz = spec.sample_rate_hz / spec.fft_samples if _whole(spec.frame_samples) else 0.0
        if spec.f_max_hz > spec.sample_rate_hz / 2 - bin_hz:
            yield (
                "f_max_hz must lie an FFT bin below half the sample rate with kind "
                f"'micro_frontend'; got {spec.f_max_hz!r} at {spec.sample_rate_hz!r} Hz"
            )
    # A channel's magnitude is below 2**20: scaled, it must fit 32 bits; and the gain table's
    # scale 2 ** (smoothing_bits - correction_bits) must be whole.
    octaves = spec.fft_samples.bit_length() - 1 if _whole(spec.frame_samples) else 6
    yield from _integer_in("micro.smoothing_bits", micro.smoothing_bits, max(0, octaves - 6), 12)
    yield from _number_in("micro.even_smoothing", micro.even_smoothing, 0.0, 1.0)
    yield from _number_in("micro.odd_smoothing", micro.odd_smoothing, 0.0, 1.0)
    yield from _number_in("micro.min_signal_remaining", micro.min_signal_remaining, 0.0, 1.0)
    yield from _one_of("micro.pcan", micro.pcan, (False, True))
    yield from _number_in("micro.pcan_strength", micro.pcan_strength, 0.0, 1.0)
    yield from _number_in("micro.pcan_offset", micro.pcan_offset, 1.0, 1e6)
    # The product of gain and magnitude is shifted right, by bits that grow with the FFT.
    yield from _integer_in("micro.gain_bits", micro.gain_bits, octaves + 6, 30)
    yield from _integer_in("micro.log_shift", micro.log_shift, 0, 10)
    yield from _number_in("micro.output_scale", micro.output_scale, 1e-6, 1e6)


def _whole(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _number(value: object) -> bool:
    if not isinstance(value, int | float) or isinstance(value, bool):
        return False
    return abs(value) <= sys.float_info.max


def _integer_in(name: str, value: Any, low: int, high: int) -> Iterator[str]:
    if not _whole(value) or not low <= value <= high:
        yield f"{name} must be a whole number in [{low}, {high}]; got {value!r}"


def _number_in(name: str, value: Any, low: float, high: float) -> Iterator[str]:
    if not _number(value) or not low <= value <= high:
        yield f"{name} must be in [{low:g}, {high:g}]; got {value!r}"


def _one_of(name: str, value: object, allowed: tuple[object, ...]) -> Iterator[str]:
    if not any(value == c and isinstance(value, bool) == isinstance(c, bool) for c in allowed):
        choices = " or ".join(repr(choice) for choice in allowed)
        yield f"{name} must be {choices}; got {value!r}"
