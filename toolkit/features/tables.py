"""What the generated features.h and features.c say: every table and constant of one spec."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from toolkit.errors import InputError
from toolkit.features.edges import Edges, find_edges
from toolkit.features.framing import FULL_SCALE
from toolkit.features.level import smoothing, warmup_frames
from toolkit.features.log_mel import hann_window, log_unit
from toolkit.features.mel import mel_filterbank
from toolkit.features.spec import FeatureSpec
from toolkit.resources import data_dir

KERNEL_FILES = ("tk_fft.h", "tk_logmel.c", "tk_logmel.h")
"""Hand-written C in ``firmware_templates/features`` that the generated files need."""

# Up to so many mel weights the sums are written out; beyond, a loop is far smaller.
_STRAIGHT_WEIGHTS = 96


@dataclass(frozen=True)
class FeatureContext:
    """Template values; every float is a C float32 literal that reads back to the same bits."""

    description: tuple[str, ...]
    spec: FeatureSpec
    state_bytes: int
    scale: str
    zero_point: int
    edges: Edges
    level_initial: str
    level_epsilon: str
    level_smoothing: str
    level_warmup_frames: int
    window: tuple[str, ...]
    fft_first: int
    twiddles: tuple[str, ...]
    roots: tuple[str, ...]
    mel_bands: tuple[str, ...]
    mel_weights: tuple[str, ...]
    mel_sums: tuple[str, ...]


def state_bytes(spec: FeatureSpec) -> int:
    """RAM of the feature state in bytes: frame (int16), FFT scratch (float32) and level."""
    words = {"fixed": 3, "clip": 3, "running": 7}[spec.level.mode]
    return 2 * spec.frame_samples + 4 * (spec.frame_samples + 2) + 4 * words


def feature_context(spec: FeatureSpec, scale: float, zero_point: int) -> FeatureContext:
    """Everything the feature templates print, for an int8 model input of that quantisation.

    InputError when the scale or the zero point is out of range, or no FFT bin lies in any band.
    """
    if not (math.isfinite(scale) and 1e-30 < scale < 1e30 and -128 <= zero_point <= 127):
        raise InputError(
            "features: model input needs a positive scale and a zero point in [-128, 127]; "
            f"got {scale!r} and {zero_point!r}."
        )
    frame = spec.frame_samples
    bands, weights = _sparse(mel_filterbank(spec).astype(np.float32))
    return FeatureContext(
        description=_describe(spec),
        spec=spec,
        state_bytes=state_bytes(spec),
        scale=str(np.float32(scale)),
        zero_point=zero_point,
        edges=find_edges(log_unit(spec), spec.floor, scale, zero_point),
        level_initial=_literal(spec.level.gain**2 if spec.level.mode == "fixed" else 1.0),
        level_epsilon=_literal(spec.level.epsilon),
        level_smoothing=_literal(smoothing(spec)),
        level_warmup_frames=warmup_frames(spec),
        window=_literals(hann_window(frame) / (2.0 * FULL_SCALE)),
        fft_first=first_pass_points(frame // 2),
        twiddles=_complex(_twiddles(frame // 2)),
        roots=_complex(_roots(np.arange(1, frame // 4) / frame)),
        mel_bands=tuple(f"{{{first}u, {len(row)}u}}" for first, row in bands),
        mel_weights=_literals(weights),
        mel_sums=_sums(bands) if len(weights) <= _STRAIGHT_WEIGHTS else (),
    )


def first_pass_points(points: int) -> int:
    """Points of the FFT's first pass, 4 or 8, such that all others can be of radix 4."""
    return 4 if points.bit_length() % 2 else 8


def _roots(turns: NDArray[np.float64]) -> NDArray[np.complex128]:
    """exp(-2 pi i turns)."""
    return np.asarray(np.exp(-2j * np.pi * turns))


def _twiddles(points: int) -> NDArray[np.complex128]:
    """Factors of all radix-4 passes; a pass over spectra of L points takes three for each k < L."""
    passes = []
    length = first_pass_points(points)
    while length < points:
        k = np.arange(length)[:, None]
        passes.append(_roots(k * np.arange(1, 4) / (4 * length)).ravel())
        length *= 4
    return np.concatenate(passes)


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


def _complex(values: NDArray[np.complex128]) -> tuple[str, ...]:
    return tuple(f"{{{_literal(z.real)}, {_literal(z.imag)}}}" for z in values.tolist())


def _sparse(
    filterbank: NDArray[np.float32],
) -> tuple[list[tuple[int, NDArray[np.float32]]], NDArray[np.float32]]:
    """First bin and weights of every band, and the weights of all of them in a row."""
    bands = []
    for row in filterbank:
        bins = np.flatnonzero(row)
        first, end = (int(bins[0]), int(bins[-1]) + 1) if len(bins) else (0, 0)
        bands.append((first, row[first:end]))
    weights = np.concatenate([row for _, row in bands])
    if not len(weights):
        raise InputError(
            "features: no FFT bin lies in any mel band; raise frame_samples or widen the range."
        )
    return bands, weights


def _sums(bands: list[tuple[int, NDArray[np.float32]]]) -> tuple[str, ...]:
    """Every band's energy written out, over weights ``w`` and ``power`` of bin k at 2k."""
    sums, used = [], 0
    for first, row in bands:
        terms = [f"w[{used + k}] * power[{2 * (first + k)}]" for k in range(len(row))]
        lines = [" + ".join(terms[k : k + 4]) for k in range(0, len(terms), 4)]
        sums.append("\n        + ".join(lines) or "0.0F")
        used += len(row)
    return tuple(sums)


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
