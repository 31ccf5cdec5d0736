"""What the generated features.h and features.c say: every table and constant of one spec."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from toolkit.errors import InputError
from toolkit.features import fixed_tables, float_tables
from toolkit.features.c_tables import CTable, Parts, integer_literals
from toolkit.features.describe import describe
from toolkit.features.edges import find_edges
from toolkit.features.kinds.log_mel import log_unit
from toolkit.features.kinds.micro_c_tables import micro_parts
from toolkit.features.spec import FeatureSpec
from toolkit.resources import render

ARITHMETICS = ("float32", "fixed")
"""What C computes features in: "fixed" is for cores without floating point."""

_ALWAYS = ("tk_features.c", "tk_features.h")
_SUMS = ("tk_sums.c", "tk_sums.h")
_COMMON = {
    "float32": (*_ALWAYS, *_SUMS, "tk_level.c", "tk_level.h", "tk_sqrt.h"),
    "fixed": (
        *(*_ALWAYS, *_SUMS, "tk_level_q.c", "tk_level_q.h"),
        *("tk_multiply_q.h", "tk_number_q.h"),
    ),
}
_SPECTRUM = {
    "float32": ("tk_fft.h", "tk_spectrum.c", "tk_spectrum.h"),
    "fixed": ("tk_fft_q.h", "tk_spectrum_q.c", "tk_spectrum_q.h"),
}
# What ends each kind; the first file is the header of its front.
_ENDS = {
    ("log_mel", "float32"): ("tk_logmel.h", "tk_logmel.c", "tk_edges.h"),
    ("log_mel", "fixed"): ("tk_logmel_q.h", "tk_logmel_q.c", "tk_edges.h"),
    ("mfcc", "float32"): ("tk_mfcc.h", "tk_mfcc.c", "tk_log.h", "tk_quantise.h"),
    ("mfcc", "fixed"): ("tk_mfcc_q.h", "tk_mfcc_q.c", "tk_quantise_q.h"),
    ("raw", "float32"): ("tk_raw.h", "tk_raw.c", "tk_quantise.h"),
    ("raw", "fixed"): ("tk_raw_q.h", "tk_raw_q.c", "tk_quantise_q.h"),
}
_MICRO = ("tk_micro.h", "tk_micro.c", "tk_multiply_q.h")


@dataclass(frozen=True)
class FeatureContext:
    """Template values; every float is a C float32 literal that reads back to the same bits."""

    description: tuple[str, ...]
    spec: FeatureSpec
    state_bytes: int
    defines: tuple[tuple[str, str], ...]
    front: str
    buffer_samples: int
    tables: tuple[CTable, ...]
    has_bands: bool
    mel_sums: tuple[str, ...]


def kernel_files(spec: FeatureSpec, arithmetic: str = "float32") -> tuple[str, ...]:
    """Hand-written C in ``firmware_templates/features`` that the generated files need."""
    if spec.kind == "micro_frontend":
        return (*_ALWAYS, *_MICRO)
    spectrum = () if spec.kind == "raw" else _SPECTRUM[arithmetic]
    return (*_COMMON[arithmetic], *spectrum, *_ENDS[spec.kind, arithmetic])


def state_bytes(spec: FeatureSpec, arithmetic: str = "float32") -> int:
    """RAM of the feature state in bytes: the kind's own, two counters, the frame (int16)."""
    frame_words = (_buffer_samples(spec) + 1) // 2
    words = _front_words(spec, arithmetic) + 2 + frame_words
    if arithmetic == "fixed" and spec.kind != "micro_frontend" and spec.level.mode == "running":
        words += words % 2  # holds 64-bit integers, is aligned like them
    return 4 * words


def _front_words(spec: FeatureSpec, arithmetic: str) -> int:
    if spec.kind == "micro_frontend":
        return spec.fft_samples // 2 + 1 + spec.n_mels
    level_words = {
        "float32": {"fixed": 2, "clip": 2, "running": 6},
        "fixed": {"fixed": 3, "clip": 3, "running": 8},
    }[arithmetic][spec.level.mode]
    return level_words + (0 if spec.kind == "raw" else spec.fft_samples + 2)


def _buffer_samples(spec: FeatureSpec) -> int:
    return spec.frame_samples if spec.kind == "raw" else spec.fft_samples


def feature_context(
    spec: FeatureSpec, scale: float, zero_point: int, arithmetic: str = "float32"
) -> FeatureContext:
    """Everything the feature templates print, for an int8 model input of that quantisation.

    InputError when the scale or the zero point is out of range, or no FFT bin lies in any band.
    """
    if not (math.isfinite(scale) and 1e-30 < scale < 1e30 and -128 <= zero_point <= 127):
        raise InputError(
            "features: model input needs a positive scale and a zero point in [-128, 127]; "
            f"got {scale!r} and {zero_point!r}."
        )
    parts = _parts(spec, arithmetic, scale, zero_point)
    return FeatureContext(
        description=(
            *describe(spec),
            f"input   scale {np.float32(scale)!s}, zero point {zero_point}",
        ),
        spec=spec,
        state_bytes=state_bytes(spec, arithmetic),
        defines=tuple(pair for part in parts for pair in part.defines.items()),
        front=_front(spec, arithmetic),
        buffer_samples=_buffer_samples(spec),
        tables=tuple(table for part in parts for table in part.tables),
        has_bands=arithmetic == "float32" and spec.kind in ("log_mel", "mfcc"),
        mel_sums=tuple(text for part in parts for text in part.mel_sums),
    )


def render_features(
    spec: FeatureSpec, scale: float, zero_point: int, arithmetic: str = "float32"
) -> dict[str, str]:
    """Text of features.h and features.c by file name, for a model input of that quantisation."""
    context = feature_context(spec, scale, zero_point, arithmetic)
    return {name: render(name, context) for name in ("features.h", "features.c")}


def _front(spec: FeatureSpec, arithmetic: str) -> str:
    return _MICRO[0] if spec.kind == "micro_frontend" else _ENDS[spec.kind, arithmetic][0]


def _parts(spec: FeatureSpec, arithmetic: str, scale: float, zero_point: int) -> list[Parts]:
    if spec.kind == "micro_frontend":
        return [micro_parts(spec, scale, zero_point)]
    tables = float_tables if arithmetic == "float32" else fixed_tables
    common = Parts(_switches(spec, zero_point))
    if spec.kind == "raw":
        return [common, tables.level_parts(spec), tables.raw_parts(scale)]
    last = (
        tables.mfcc_parts(spec, scale) if spec.kind == "mfcc" else _edges(spec, scale, zero_point)
    )
    return [common, tables.level_parts(spec), tables.spectrum_parts(spec), last]


def _switches(spec: FeatureSpec, zero_point: int) -> dict[str, str]:
    """Macros that choose code, and the zero point where no table holds it."""
    defines = {}
    if spec.kind != "log_mel":
        defines["ZERO_POINT"] = f"({zero_point})"
    if spec.kind == "raw" or spec.power == 1.0:
        defines["LEVEL_ROOT"] = "1 /* amplitudes are divided by the mean square's root */"
    if spec.kind != "raw" and spec.power == 1.0:
        defines["MAGNITUDE"] = "1 /* mel bands are of magnitudes */"
    if spec.kind == "mfcc" and spec.flooring == "add":
        defines["FLOOR_ADDED"] = "1 /* energies are never below the floor, which is added */"
    return defines


def _edges(spec: FeatureSpec, scale: float, zero_point: int) -> Parts:
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
    return Parts(defines, tables)
