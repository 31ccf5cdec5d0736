"""What the generated features.h and features.c say: every table and constant of one spec."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from toolkit.errors import InputError
from toolkit.features.c_tables import CTable
from toolkit.features.describe import describe
from toolkit.features.fixed_tables import FIXED
from toolkit.features.float_tables import FLOAT32
from toolkit.features.spec import FeatureSpec
from toolkit.resources import render

_BY_NAME = {arithmetic.name: arithmetic for arithmetic in (FLOAT32, FIXED)}
ARITHMETICS = tuple(_BY_NAME)
"""What C computes features in: "fixed" is for cores without floating point."""

_ALWAYS = ("tk_compiler.h", "tk_features.c", "tk_features.h", "tk_value.h")


@dataclass(frozen=True)
class FeatureContext:
    """Template values; every float is a C float32 literal that reads back to the same bits."""

    description: tuple[str, ...]
    spec: FeatureSpec
    state_bytes: int
    defines: tuple[tuple[str, str], ...]
    front: str
    buffer_samples: int
    tail_samples: int
    end_rows: int
    mirrored: bool
    tables: tuple[CTable, ...]
    has_mel_loop: bool
    mel_sums: tuple[str, ...]


def kernel_files(spec: FeatureSpec, arithmetic: str = "float32") -> tuple[str, ...]:
    """Hand-written C (`toolkit.resources.feature_path`) that the generated files need."""
    return tuple(dict.fromkeys((*_ALWAYS, *spec.kernel_files(_BY_NAME[arithmetic]))))


def state_bytes(spec: FeatureSpec, arithmetic: str = "float32") -> int:
    """RAM of the feature state in bytes: the kind's own, two counters, the frame (int16)."""
    front = spec.front_state(_BY_NAME[arithmetic])
    words = front.words + 2 + spec.extra_words + spec.row_words(_BY_NAME[arithmetic])
    words += (spec.buffer_samples + 1) // 2
    return 4 * (words + -words % front.alignment_words)


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
    parts = spec.parts(_BY_NAME[arithmetic], scale, zero_point)
    return FeatureContext(
        description=(
            *describe(spec),
            f"input   scale {np.float32(scale)!s}, zero point {zero_point}",
        ),
        spec=spec,
        state_bytes=state_bytes(spec, arithmetic),
        defines=tuple(pair for part in parts for pair in part.defines.items()),
        front=spec.files_of(arithmetic)[0],
        buffer_samples=spec.buffer_samples,
        tail_samples=spec.tail_samples,
        end_rows=spec.end_rows,
        mirrored=spec.is_mirrored,
        tables=tuple(table for part in parts for table in part.tables),
        has_mel_loop=any(part.mel_loop for part in parts),
        mel_sums=tuple(text for part in parts for text in part.mel_sums),
    )


def render_features(
    spec: FeatureSpec, scale: float, zero_point: int, arithmetic: str = "float32"
) -> dict[str, str]:
    """Text of features.h and features.c by file name, for a model input of that quantisation."""
    context = feature_context(spec, scale, zero_point, arithmetic)
    return {name: render(name, context) for name in ("features.h", "features.c")}
