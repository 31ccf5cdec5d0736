"""What the generated features.h and features.c say: every table and constant of one spec."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from toolkit.errors import InputError
from toolkit.features.level import smoothing, warmup_frames
from toolkit.features.log_mel import FULL_SCALE, hann_window, log_unit
from toolkit.features.mel import mel_filterbank
from toolkit.features.spec import FeatureSpec
from toolkit.resources import data_dir

KERNEL_FILES = ("tk_log.h", "tk_logmel.c", "tk_logmel.h")
"""Hand-written C in ``firmware_templates/features`` that the generated files need."""


@dataclass(frozen=True)
class FeatureContext:
    """Template values; every float is a C float32 literal that reads back to the same bits."""

    description: tuple[str, ...]
    spec: FeatureSpec
    state_bytes: int
    scale: str
    inverse_scale: str
    zero_point: int
    log_unit: str
    log_octave: str
    floor: str
    level_initial: str
    level_epsilon: str
    level_smoothing: str
    level_warmup_frames: int
    window: tuple[str, ...]
    twiddles: tuple[str, ...]
    mel_bands: tuple[str, ...]
    mel_weights: tuple[str, ...]


def state_bytes(spec: FeatureSpec) -> int:
    """RAM of the feature state in bytes: frame (int16), FFT scratch (float32) and level."""
    words = {"fixed": 3, "clip": 3, "running": 7}[spec.level.mode]
    return (4 + 2) * spec.frame_samples + 4 * words


def feature_context(spec: FeatureSpec, scale: float, zero_point: int) -> FeatureContext:
    """Everything the feature templates print, for an int8 model input of that quantisation.

    InputError when the scale or the zero point is out of range, or no FFT bin lies in any band.
    """
    if not (math.isfinite(scale) and 1e-30 < scale < 1e30 and -128 <= zero_point <= 127):
        raise InputError(
            "features: model input needs a positive scale and a zero point in [-128, 127]; "
            f"got {scale!r} and {zero_point!r}."
        )
    angles = 2.0 * np.pi * np.arange(spec.frame_samples // 2) / spec.frame_samples
    bands, weights = _sparse(mel_filterbank(spec).astype(np.float32))
    unit = log_unit(spec)
    return FeatureContext(
        description=_describe(spec),
        spec=spec,
        state_bytes=state_bytes(spec),
        scale=str(np.float32(scale)),
        inverse_scale=_literal(1.0 / scale),
        zero_point=zero_point,
        log_unit=_literal(unit),
        log_octave=_literal(unit * math.log(2.0)),
        floor=_literal(spec.floor),
        level_initial=_literal(spec.level.gain**-2 if spec.level.mode == "fixed" else 1.0),
        level_epsilon=_literal(spec.level.epsilon),
        level_smoothing=_literal(smoothing(spec)),
        level_warmup_frames=warmup_frames(spec),
        window=_literals(hann_window(spec.frame_samples) / FULL_SCALE),
        twiddles=_literals(np.stack([np.cos(angles), 0.0 - np.sin(angles)], axis=1)),
        mel_bands=bands,
        mel_weights=weights,
    )


def render_features(spec: FeatureSpec, scale: float, zero_point: int) -> dict[str, str]:
    """Text of features.h and features.c by file name, for a model input of that quantisation."""
    import jinja2

    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(data_dir("firmware_templates") / "project"),
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        autoescape=False,
    )
    context = vars(feature_context(spec, scale, zero_point))
    return {
        name: environment.get_template(f"{name}.jinja").render(context)
        for name in ("features.h", "features.c")
    }


def _literal(value: float | np.float32) -> str:
    """Shortest decimal that a C compiler reads as exactly float32(value)."""
    return f"{np.float32(value)!s}F"


def _literals(values: ArrayLike) -> tuple[str, ...]:
    return tuple(_literal(value) for value in np.asarray(values, dtype=np.float32).ravel())


def _sparse(filterbank: np.ndarray) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Bands as "{first bin, bins}" and the weights of all of them in a row."""
    bands: list[str] = []
    weights: list[str] = []
    for row in filterbank:
        bins = np.flatnonzero(row)
        first, count = (int(bins[0]), int(bins[-1] - bins[0] + 1)) if len(bins) else (0, 0)
        bands.append(f"{{{first}u, {count}u}}")
        weights.extend(_literals(row[first : first + count]))
    if not weights:
        raise InputError(
            "features: no FFT bin lies in any mel band; raise frame_samples or widen the range."
        )
    return tuple(bands), tuple(weights)


def _describe(spec: FeatureSpec) -> tuple[str, ...]:
    level = {
        "clip": f"whole clip, zero mean and unit mean square (epsilon {spec.level.epsilon:g})",
        "running": f"running mean and mean square, time constant {spec.level.time_constant_s:g} s "
        f"(epsilon {spec.level.epsilon:g})",
        "fixed": f"fixed gain {spec.level.gain:g}",
    }[spec.level.mode]
    logarithm = "10 log10" if spec.log == "db" else "ln"
    return (
        f"audio   {spec.sample_rate_hz} Hz, int16, full scale 32768",
        f"frames  {spec.frame_samples} samples every {spec.hop_samples}, periodic Hann window",
        f"level   {level}",
        f"bands   {spec.n_mels} mel bands ({spec.mel_scale} scale, {spec.mel_norm} norm), "
        f"{spec.f_min_hz:g} to {spec.f_max_hz:g} Hz, power",
        f"output  {logarithm}(max(energy, {spec.floor:g})), quantised to int8",
    )
