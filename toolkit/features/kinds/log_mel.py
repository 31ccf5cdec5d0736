"""Kind "log_mel": logarithms of mel bands, rounded to int8 by a table of edges."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from toolkit.features import choices
from toolkit.features.arithmetic import Arithmetic, State
from toolkit.features.c_tables import CTable, Parts, integer_literals
from toolkit.features.edges import find_edges
from toolkit.features.fields import SpecFields
from toolkit.features.fixed_tables import least_floor
from toolkit.features.framing import Samples
from toolkit.features.kinds.base import BAND_FIELDS, LEVEL_ROOT, FeatureKind, frames_line
from toolkit.features.log_bands import log_bands, log_unit
from toolkit.features.validate import (
    band_violations,
    frame_violations,
    is_number,
    number_in,
    one_of,
)

_SMALLEST_NORMAL_FLOAT32 = 2.0**-126


def log_mel(samples: Samples, spec: SpecFields) -> NDArray[np.float32]:
    """Features [rows, n_mels] of one clip: ``log_bands`` in float32."""
    return log_bands(samples, spec).astype(np.float32)


class LogMel(FeatureKind):
    """Level, window, FFT, mel bands, logarithm: what ``librosa`` calls a log-mel spectrogram."""

    name = "log_mel"
    fields: ClassVar[tuple[str, ...]] = (
        *BAND_FIELDS,
        "center",
        "floor",
        "log",
        "mel_norm",
        "mel_scale",
        "power",
        "window",
    )
    value_word = "band"
    sources: ClassVar[Mapping[str, tuple[str, ...]]] = {
        "float32": ("tk_logmel.h", "tk_logmel.c", "tk_edges.h"),
        "fixed": ("tk_logmel_q.h", "tk_logmel_q.c", "tk_edges.h"),
    }

    def violations(self, spec: SpecFields) -> Iterator[str]:
        yield from frame_violations(spec)
        yield from band_violations(spec)
        yield from _logarithm_violations(spec)

    def row_values(self, spec: SpecFields) -> int:
        return spec.n_mels

    def extract(self, samples: Samples, spec: SpecFields) -> NDArray[np.float32]:
        return log_mel(samples, spec)

    def description(self, spec: SpecFields) -> tuple[str, ...]:
        strength = "power" if spec.power == 2.0 else "magnitude"
        decibels = "10 log10" if spec.power == 2.0 else "20 log10"
        logarithm = decibels if spec.log == "db" else "ln"
        floored = (
            f"max(energy, {spec.floor:g})" if spec.flooring == "max" else f"energy + {spec.floor:g}"
        )
        return (
            frames_line(spec),
            f"bands   {spec.n_mels} mel bands ({spec.mel_scale} scale, {spec.mel_norm} norm, "
            f"straight in {spec.mel_slopes}),",
            f"        {spec.f_min_hz:g} to {spec.f_max_hz:g} Hz, of the {strength} of a "
            f"{spec.fft_samples}-point FFT",
            f"output  {logarithm}({floored}){self.ending(spec)}, quantised to int8",
        )

    def ending(self, spec: SpecFields) -> str:
        """What follows the logarithm, in words."""
        return ""

    def front_state(self, spec: SpecFields, arithmetic: Arithmetic) -> State:
        level = arithmetic.level_state[spec.level.mode]
        return State(level.words + spec.fft_samples + 2, level.alignment_words)

    def parts(
        self, spec: SpecFields, arithmetic: Arithmetic, scale: float, zero_point: int
    ) -> tuple[Parts, ...]:
        return (
            Parts(self.switches(spec, zero_point)),
            arithmetic.level_parts(spec, spec.power),
            arithmetic.spectrum_parts(spec),
            self.end_parts(spec, arithmetic, scale, zero_point),
        )

    def switches(self, spec: SpecFields, zero_point: int) -> dict[str, str]:
        """Macros that choose code, and the zero point where no table holds it."""
        if spec.power == 2.0:
            return {}
        return {
            "LEVEL_ROOT": LEVEL_ROOT,
            "MAGNITUDE": "1 /* mel bands are of magnitudes */",
        }

    def end_parts(
        self, spec: SpecFields, arithmetic: Arithmetic, scale: float, zero_point: int
    ) -> Parts:
        """Macros and tables of what makes int8 of the bands."""
        return _edges(spec, scale, zero_point)

    def least_floor(self, spec: SpecFields) -> float:
        return least_floor(spec)


def _edges(spec: SpecFields, scale: float, zero_point: int) -> Parts:
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


def _logarithm_violations(spec: SpecFields) -> Iterator[str]:
    yield from one_of("power", spec.power, (1.0, 2.0))
    yield from one_of("mel_scale", spec.mel_scale, choices.MEL_SCALES)
    yield from one_of("mel_norm", spec.mel_norm, choices.MEL_NORMS)
    yield from one_of("mel_slopes", spec.mel_slopes, choices.MEL_SLOPES)
    yield from one_of("log", spec.log, choices.LOGS)
    yield from one_of("flooring", spec.flooring, choices.FLOORINGS)
    yield from number_in("floor", spec.floor, 1e-30, 1.0)
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
