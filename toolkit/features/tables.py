"""What the generated features.h and features.c say: every table and constant of one spec."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from toolkit.errors import InputError
from toolkit.features.c_tables import (
    CTable,
    complex_literals,
    fft_roots,
    fft_twiddles,
    first_pass_points,
    float_literal,
    float_literals,
    integer_literals,
)
from toolkit.features.describe import describe
from toolkit.features.edges import find_edges
from toolkit.features.framing import FULL_SCALE
from toolkit.features.level import smoothing, warmup_frames
from toolkit.features.log_mel import hann_window, log_unit
from toolkit.features.mel import mel_filterbank
from toolkit.features.mfcc import dct_matrix
from toolkit.features.spec import FeatureSpec
from toolkit.resources import data_dir

# Up to so many mel weights the sums are written out; beyond, a loop is far smaller.
_STRAIGHT_WEIGHTS = 96

_COMMON = ("tk_features.c", "tk_features.h", "tk_level.c", "tk_level.h", "tk_sums.h", "tk_sqrt.h")
_SPECTRUM = ("tk_fft.h", "tk_spectrum.c", "tk_spectrum.h")
_KERNELS = {
    "log_mel": (*_COMMON, *_SPECTRUM, "tk_edges.h", "tk_logmel.c"),
    "mfcc": (*_COMMON, *_SPECTRUM, "tk_log.h", "tk_mfcc.c", "tk_mfcc.h", "tk_quantise.h"),
    "raw": (*_COMMON, "tk_quantise.h", "tk_raw.c"),
}


@dataclass(frozen=True)
class FeatureContext:
    """Template values; every float is a C float32 literal that reads back to the same bits."""

    description: tuple[str, ...]
    spec: FeatureSpec
    state_bytes: int
    defines: tuple[tuple[str, str], ...]
    headers: tuple[str, ...]
    tables: tuple[CTable, ...]
    has_bands: bool
    mel_sums: tuple[str, ...]


class _Parts(NamedTuple):
    """What a stage adds: macros less their prefix, tables, sums written out."""

    defines: dict[str, str]
    tables: tuple[CTable, ...] = ()
    mel_sums: tuple[str, ...] = ()


def kernel_files(spec: FeatureSpec) -> tuple[str, ...]:
    """Hand-written C in ``firmware_templates/features`` that the generated files need."""
    return _KERNELS[spec.kind]


def state_bytes(spec: FeatureSpec) -> int:
    """RAM of the feature state in bytes: frame (int16), FFT scratch (float32), level, counters."""
    level_words = {"fixed": 2, "clip": 2, "running": 6}[spec.level.mode]
    scratch_words = 0 if spec.kind == "raw" else spec.fft_samples + 2
    frame_words = (spec.frame_samples + 1) // 2 if spec.kind == "raw" else spec.fft_samples // 2
    return 4 * (scratch_words + level_words + 2 + frame_words)


def feature_context(spec: FeatureSpec, scale: float, zero_point: int) -> FeatureContext:
    """Everything the feature templates print, for an int8 model input of that quantisation.

    InputError when the scale or the zero point is out of range, or no FFT bin lies in any band.
    """
    if not (math.isfinite(scale) and 1e-30 < scale < 1e30 and -128 <= zero_point <= 127):
        raise InputError(
            "features: model input needs a positive scale and a zero point in [-128, 127]; "
            f"got {scale!r} and {zero_point!r}."
        )
    parts = [_level(spec)]
    if spec.kind != "raw":
        parts.append(_spectrum(spec))
    parts.append(
        {"log_mel": _log_mel, "mfcc": _mfcc, "raw": _raw}[spec.kind](spec, scale, zero_point)
    )
    headers = ("tk_features.h", "tk_mfcc.h") if spec.kind == "mfcc" else ("tk_features.h",)
    return FeatureContext(
        description=(
            *describe(spec),
            f"input   scale {np.float32(scale)!s}, zero point {zero_point}",
        ),
        spec=spec,
        state_bytes=state_bytes(spec),
        defines=tuple(pair for part in parts for pair in part.defines.items()),
        headers=headers,
        tables=tuple(table for part in parts for table in part.tables),
        has_bands=spec.kind != "raw",
        mel_sums=tuple(text for part in parts for text in part.mel_sums),
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


def _level(spec: FeatureSpec) -> _Parts:
    # The level divides samples; energies are as many times linear in them as the exponent says.
    exponent = 1.0 if spec.kind == "raw" else spec.power
    initial = spec.level.gain**exponent if spec.level.mode == "fixed" else 1.0
    defines = {"LEVEL_INITIAL": float_literal(initial)}
    if spec.level.mode != "fixed":
        defines["LEVEL_EPSILON"] = float_literal(spec.level.epsilon)
        if exponent == 1.0:
            defines["LEVEL_ROOT"] = "1 /* amplitudes are divided by the mean square's root */"
    if spec.level.mode == "running":
        defines["LEVEL_SMOOTHING"] = float_literal(smoothing(spec))
        defines["LEVEL_WARMUP_FRAMES"] = f"{warmup_frames(spec)}u"
    return _Parts(defines)


def _spectrum(spec: FeatureSpec) -> _Parts:
    points = spec.fft_samples // 2
    bands, weights = _sparse(mel_filterbank(spec).astype(np.float32))
    window = np.zeros(spec.fft_samples)
    window[: spec.frame_samples] = hann_window(spec.frame_samples) / (2.0 * FULL_SCALE)
    twiddles = complex_literals(fft_twiddles(points))
    defines = {
        "FFT_SAMPLES": f"{spec.fft_samples}u",
        "FFT_FIRST": str(first_pass_points(points)),
        "FFT_TWIDDLES": f"{len(twiddles)}u",
        "BANDS": f"{spec.n_mels}u",
    }
    if spec.power == 1.0:
        defines["MAGNITUDE"] = "1 /* mel bands are of magnitudes */"
    roots = fft_roots(np.arange(1, points // 2) / spec.fft_samples)
    tables = [
        CTable("float", "tk_window", float_literals(window)),
        CTable("tk_complex", "tk_twiddles", twiddles),
        CTable("tk_complex", "tk_roots", complex_literals(roots)),
        CTable("float", "mel_weights", float_literals(weights), private=True),
    ]
    if len(weights) <= _STRAIGHT_WEIGHTS:
        return _Parts(defines, tuple(tables), _sums(bands))
    bins = tuple(f"{{{first}, {len(row)}}}" for first, row in bands)
    tables.append(CTable("tk_mel_band", "mel_bands", bins, private=True))
    return _Parts(defines, tuple(tables))


def _log_mel(spec: FeatureSpec, scale: float, zero_point: int) -> _Parts:
    added = spec.flooring == "add"
    edges = find_edges(log_unit(spec), spec.floor, added, scale, zero_point)
    defines = {
        "LEAST": f"({edges.least}) /* the smallest feature */",
        "EDGES": f"{len(edges.bits)}u",
        "BUCKETS": str(len(edges.before)),
        "BUCKET_SHIFT": str(edges.shift),
        "FIRST_BUCKET": str(edges.first_bucket),
    }
    tables = (
        CTable("uint32_t", "tk_edges", (*integer_literals(edges.bits), "UINT32_MAX")),
        CTable("uint8_t", "tk_edges_before", integer_literals(edges.before)),
    )
    return _Parts(defines, tables)


def _mfcc(spec: FeatureSpec, scale: float, zero_point: int) -> _Parts:
    defines = {"FLOOR": float_literal(spec.floor), "ZERO_POINT": f"({zero_point})"}
    if spec.flooring == "add":
        defines["FLOOR_ADDED"] = "1 /* energies are never below the floor, which is added */"
    cosines = dct_matrix(spec) * (log_unit(spec) / scale)
    return _Parts(defines, (CTable("float", "tk_cosines", float_literals(cosines)),))


def _raw(_spec: FeatureSpec, scale: float, zero_point: int) -> _Parts:
    steps = float_literal(1.0 / (FULL_SCALE * scale))
    return _Parts({"STEPS_PER_SAMPLE": steps, "ZERO_POINT": f"({zero_point})"})


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
    """Every band's energy written out, over the weights and the spectrum, its bin k at 2k."""
    sums, used = [], 0
    for first, row in bands:
        terms = [f"w[{used + k}] * s[{2 * (first + k)}]" for k in range(len(row))]
        lines = [" + ".join(terms[k : k + 4]) for k in range(0, len(terms), 4)]
        sums.append("\n        + ".join(lines) or "0.0F")
        used += len(row)
    return tuple(sums)
