"""Kind "mfcc": mel-frequency cepstral coefficients, the DCT-II of log-mel rows."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from toolkit.features.arithmetic import Arithmetic
from toolkit.features.c_tables import (
    CTable,
    Parts,
    float_literal,
    float_literals,
    integer_literals,
)
from toolkit.features.choices import MFCC_NORMS
from toolkit.features.fields import SpecFields
from toolkit.features.fixed_tables import number_macros
from toolkit.features.framing import Samples
from toolkit.features.kinds.log_mel import LogMel
from toolkit.features.log_bands import log_bands, log_unit
from toolkit.features.validate import integer_in, is_whole, one_of

_LN2 = math.log(2.0)


def dct_matrix(spec: SpecFields) -> NDArray[np.float64]:
    """[n_mfcc, n_mels]: row k is sqrt(2 / n_mels) cos(pi k (m + 1/2) / n_mels), m = 0, 1, ..

    With ``mfcc_norm`` "ortho" row 0 is divided by sqrt(2), which makes the full matrix orthogonal
    (scipy's and librosa's ``norm="ortho"``); "htk" leaves it, as HTK and TensorFlow do.
    """
    k = np.arange(spec.n_mfcc)[:, None]
    m = np.arange(spec.n_mels) + 0.5
    matrix = np.sqrt(2.0 / spec.n_mels) * np.cos(np.pi * k * m / spec.n_mels)
    if spec.mfcc_norm == "ortho":
        matrix[0] /= np.sqrt(2.0)
    return np.asarray(matrix)


def mfcc(samples: Samples, spec: SpecFields) -> NDArray[np.float32]:
    """Features [rows, n_mfcc] of one clip; ``samples`` and errors as ``log_mel``."""
    return (log_bands(samples, spec) @ dct_matrix(spec).T).astype(np.float32)


class Mfcc(LogMel):
    """The cosine transform of a row of log_mel."""

    name = "mfcc"
    fields = (*LogMel.fields, "n_mfcc", "mfcc_norm")
    value_word = "coefficient"
    sources: ClassVar[Mapping[str, tuple[str, ...]]] = {
        "float32": ("tk_mfcc.h", "tk_mfcc.c", "tk_log.h", "tk_quantise.h"),
        "fixed": ("tk_mfcc_q.h", "tk_mfcc_q.c", "tk_quantise_q.h"),
    }

    def violations(self, spec: SpecFields) -> Iterator[str]:
        yield from super().violations(spec)
        most = spec.n_mels if is_whole(spec.n_mels) else 1
        yield from integer_in("n_mfcc", spec.n_mfcc, 1, most)
        yield from one_of("mfcc_norm", spec.mfcc_norm, MFCC_NORMS)

    def row_values(self, spec: SpecFields) -> int:
        return spec.n_mfcc

    def extract(self, samples: Samples, spec: SpecFields) -> NDArray[np.float32]:
        return mfcc(samples, spec)

    def ending(self, spec: SpecFields) -> str:
        return f", {spec.n_mfcc} cepstral coefficients"

    def switches(self, spec: SpecFields, zero_point: int) -> dict[str, str]:
        defines = {"ZERO_POINT": f"({zero_point})", **super().switches(spec, zero_point)}
        if spec.flooring == "add":
            defines["FLOOR_ADDED"] = "1 /* energies are never below the floor, which is added */"
        return defines

    def end_parts(
        self, spec: SpecFields, arithmetic: Arithmetic, scale: float, zero_point: int
    ) -> Parts:
        return _PARTS[arithmetic.name](spec, scale)

    def deviation_stage(self, share: float) -> str:
        return "" if share > 0.5 else "the cosine transform"  # a coefficient mixes all bands


def _float_parts(spec: SpecFields, scale: float) -> Parts:
    """Floor and cosine transform."""
    cosines = dct_matrix(spec) * (log_unit(spec) / scale)
    table = CTable("float", "tk_cosines", float_literals(cosines))
    return Parts({"FLOOR": float_literal(spec.floor)}, (table,))


def _fixed_parts(spec: SpecFields, scale: float) -> Parts:
    """Floor, logarithm and cosine transform."""
    cosines = dct_matrix(spec) * (log_unit(spec) * _LN2 / scale)
    _, octave = math.frexp(float(np.abs(cosines).max()) / (1.0 - 2.0**-16))
    shift = 15 - octave
    logarithms = np.round(np.log2(1.0 + np.arange(129) / 128.0) * 65536.0)
    defines = number_macros("FLOOR_MANTISSA", "FLOOR_EXPONENT", spec.floor)
    tables = (
        CTable("int16_t", "tk_cosines", integer_literals(np.round(cosines * 2.0**shift))),
        CTable("uint32_t", "tk_logarithms", integer_literals(logarithms)),
    )
    return Parts({**defines, "COSINE_SHIFT": f"({shift})"}, tables)


_PARTS = {"float32": _float_parts, "fixed": _fixed_parts}
