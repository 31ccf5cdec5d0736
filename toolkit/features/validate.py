"""Rules of a feature specification that several kinds have, and what all rules are made of.

Every rule yields one violation with its remedy.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import Any

from toolkit.features.choices import (
    EMPHASIS_OF,
    FLOORINGS,
    LEVEL_MODES,
    NORMALISATIONS,
    PADDINGS,
    WINDOWS,
)
from toolkit.features.fields import (
    BandFields,
    LevelSpec,
    LogFields,
    RowFields,
    SpecFields,
    SpectrumFields,
)

MAX_FRAME_SAMPLES = 4096
MAX_HOP_SAMPLES = 65_536
_SMALLEST_NORMAL_FLOAT32 = 2.0**-126


def common_violations(spec: SpecFields) -> Iterator[str]:
    """What is wrong with the fields of every kind."""
    yield from integer_in("sample_rate_hz", spec.sample_rate_hz, 1000, 192_000)
    yield from _level(spec.level)


def frame_violations(spec: SpecFields) -> Iterator[str]:
    """What is wrong with frames that a window and an FFT are taken of."""
    yield from integer_in("frame_samples", spec.frame_samples, 17, MAX_FRAME_SAMPLES)
    yield from integer_in("hop_samples", spec.hop_samples, 1, MAX_HOP_SAMPLES)


def spectrum_violations(spec: SpectrumFields) -> Iterator[str]:
    """What is wrong with a spectrum, its frames included."""
    yield from frame_violations(spec)
    yield from one_of("power", spec.power, (1.0, 2.0))
    yield from one_of("window", spec.window, WINDOWS)
    yield from one_of("center", spec.center, (False, True))
    yield from one_of("padding", spec.padding, PADDINGS)
    yield from one_of("remove_dc", spec.remove_dc, (False, True))
    yield from number_in("pre_emphasis", spec.pre_emphasis, 0.0, 0.99)
    yield from one_of("pre_emphasis_of", spec.pre_emphasis_of, EMPHASIS_OF)
    if not (is_whole(spec.frame_samples) and is_whole(spec.hop_samples)):
        return
    frame = spec.frame_samples
    if spec.center is True and frame % 2:
        yield f"frame_samples must be even with center; got {frame!r}"
    if spec.window_samples != 0:
        yield from integer_in("window_samples", spec.window_samples, 2, frame)
    if spec.n_fft != 0:
        yield from _fft(spec.n_fft, frame)
    if spec.padding != "zeros" and spec.center is not True:
        yield f"padding {spec.padding!r} is of frames with center = true"
    looks_back = spec.padding == "reflect" or bool(spec.pre_emphasis)
    if looks_back and not 2 <= spec.hop_samples <= frame:
        yield (
            "hop_samples must lie in [2, frame_samples] with padding 'reflect' or pre_emphasis; "
            f"got {spec.hop_samples!r}"
        )
    if is_number(spec.pre_emphasis) and spec.pre_emphasis and spec.pre_emphasis_of == "clip":
        if spec.level.mode != "fixed":
            mode = spec.level.mode
            yield f"level.mode must be 'fixed' with pre_emphasis of the clip; got {mode!r}"
        if spec.remove_dc or spec.padding == "reflect":
            yield "pre_emphasis of the clip goes neither with remove_dc nor with padding 'reflect'"


def _fft(n_fft: object, frame: int) -> Iterator[str]:
    if not is_whole(n_fft) or n_fft not in fft_lengths(frame):
        lengths = fft_lengths(frame)
        aim = n_fft if is_whole(n_fft) else frame
        near = sorted(sorted(lengths, key=lambda length: abs(length - int(str(aim))))[:2])
        yield (
            f"n_fft must be 4 times a product of 2, 3 and 5, from frame_samples up to "
            f"{MAX_FRAME_SAMPLES}; got {n_fft!r}, the nearest are {' and '.join(map(str, near))}"
        )


def fft_lengths(least: int) -> tuple[int, ...]:
    """Lengths of the FFT that there are, from ``least`` on."""

    def smooth(n: int) -> bool:
        for factor in (2, 3, 5):
            while n % factor == 0:
                n //= factor
        return n == 1

    first = -(-max(least, 20) // 4) * 4
    return tuple(n for n in range(first, MAX_FRAME_SAMPLES + 1, 4) if smooth(n))


def log_violations(spec: LogFields, values: int) -> Iterator[str]:
    """What is wrong with the logarithm and what follows it, for rows of that many ``values``."""
    yield from one_of("flooring", spec.flooring, FLOORINGS)
    yield from number_in("floor", spec.floor, 1e-30, 1.0)
    yield from number_in("top_db", spec.top_db, 0.0, 300.0)
    if spec.top_db and spec.flooring != "max":
        yield "top_db goes with flooring 'max' only"
    for name, least in (("mean", -1e6), ("deviation", 1e-6)):
        numbers = getattr(spec, name)
        if not isinstance(numbers, tuple) or len(numbers) not in {1, values}:
            yield f"{name} must be one number or {values} in brackets; got {numbers!r}"
            continue
        for number in numbers:
            yield from number_in(name, number, least, 1e6)
    epsilon = spec.level.epsilon
    if (
        is_number(spec.floor)
        and is_number(epsilon)
        and abs(spec.floor * epsilon) < _SMALLEST_NORMAL_FLOAT32
    ):
        yield (
            "floor * level.epsilon must be a normal float32, at least "
            f"{_SMALLEST_NORMAL_FLOAT32:.3g}; got {spec.floor * epsilon:.3g}"
        )


def row_violations(spec: RowFields) -> Iterator[str]:
    """What is wrong with deltas, normalisation and stacking."""
    yield from integer_in("deltas", spec.deltas, 0, 2)
    yield from integer_in("delta_width", spec.delta_width, 1, 8)
    yield from one_of("normalise", spec.normalise, NORMALISATIONS)
    yield from integer_in("stack", spec.stack, 1, 32)
    yield from integer_in("stack_step", spec.stack_step, 1, 32)
    if spec.normalise == "clip" and spec.top_db:
        yield "normalise 'clip' and top_db would each need to hear the clip after the other"


def band_violations(spec: BandFields) -> Iterator[str]:
    """What is wrong with the number of bands, or with where they lie."""
    yield from integer_in("n_mels", spec.n_mels, 1, 512)
    limits = (spec.f_min_hz, spec.f_max_hz, spec.sample_rate_hz)
    if not all(map(is_number, limits)) or not 0 <= limits[0] < limits[1] <= limits[2] / 2:
        yield (
            "mel range must satisfy 0 <= f_min_hz < f_max_hz <= sample_rate_hz / 2; "
            f"got {spec.f_min_hz!r} and {spec.f_max_hz!r} at {spec.sample_rate_hz!r} Hz"
        )


def _level(level: LevelSpec) -> Iterator[str]:
    yield from one_of("level.mode", level.mode, LEVEL_MODES)
    yield from number_in("level.time_constant_s", level.time_constant_s, 1e-3, 3600.0)
    yield from number_in("level.gain", level.gain, 1e-4, 65_536.0)
    yield from number_in("level.epsilon", level.epsilon, 1e-12, 1.0)
    yield from integer_in("level.restart_frames", level.restart_frames, 0, 1_000_000)
    if level.restart_frames and level.mode != "running":
        yield f"level.restart_frames is of mode 'running'; got {level.mode!r}"


def is_whole(value: object) -> bool:
    """Whether it is an integer; True and False are none."""
    return isinstance(value, int) and not isinstance(value, bool)


def is_number(value: object) -> bool:
    """Whether it is a finite number; True and False are none."""
    if not isinstance(value, int | float) or isinstance(value, bool):
        return False
    return abs(value) <= sys.float_info.max


def integer_in(name: str, value: Any, low: int, high: int) -> Iterator[str]:
    """The field of that name must be a whole number in [low, high]."""
    if not is_whole(value) or not low <= value <= high:
        yield f"{name} must be a whole number in [{low}, {high}]; got {value!r}"


def number_in(name: str, value: Any, low: float, high: float) -> Iterator[str]:
    """The field of that name must be a number in [low, high]."""
    if not is_number(value) or not low <= value <= high:
        yield f"{name} must be in [{low:g}, {high:g}]; got {value!r}"


def one_of(name: str, value: object, allowed: tuple[object, ...]) -> Iterator[str]:
    """The field of that name must be one of the allowed values; 1 is not True."""
    if not any(value == c and isinstance(value, bool) == isinstance(c, bool) for c in allowed):
        choices = " or ".join(repr(choice) for choice in allowed)
        yield f"{name} must be {choices}; got {value!r}"
