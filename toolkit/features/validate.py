"""Rules of a feature specification that several kinds have, and what all rules are made of.

Every rule yields one violation with its remedy.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import Any

from toolkit.features.choices import LEVEL_MODES, WINDOWS
from toolkit.features.fields import LevelSpec, SpecFields

MAX_FRAME_SAMPLES = 4096
MAX_HOP_SAMPLES = 65_536


def common_violations(spec: SpecFields) -> Iterator[str]:
    """What is wrong with the fields of every kind."""
    yield from one_of("window", spec.window, WINDOWS)
    yield from one_of("center", spec.center, (False, True))
    yield from integer_in("sample_rate_hz", spec.sample_rate_hz, 1000, 192_000)
    yield from _level(spec.level)


def frame_violations(spec: SpecFields) -> Iterator[str]:
    """What is wrong with frames that a window and an FFT are taken of."""
    yield from integer_in("frame_samples", spec.frame_samples, 17, MAX_FRAME_SAMPLES)
    yield from integer_in("hop_samples", spec.hop_samples, 1, MAX_HOP_SAMPLES)
    if spec.center is True and is_whole(spec.frame_samples) and spec.frame_samples % 2:
        yield f"frame_samples must be even with center; got {spec.frame_samples!r}"


def band_violations(spec: SpecFields) -> Iterator[str]:
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
    yield from number_in("level.gain", level.gain, 1e-4, 1e4)
    yield from number_in("level.epsilon", level.epsilon, 1e-12, 1.0)


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
