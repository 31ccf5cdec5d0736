"""Kind "mfcc": mel-frequency cepstral coefficients, the DCT-II of log-mel rows."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
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
from toolkit.features.fixed_tables import number_macros
from toolkit.features.framing import Samples
from toolkit.features.kinds.log_mel import LogMel
from toolkit.features.log_bands import log_bands, log_unit
from toolkit.features.log_tables import OFFSETS, log_switches, logarithm_table, offset_table
from toolkit.features.row_tables import row_files
from toolkit.features.validate import integer_in, is_whole, log_violations, one_of

_LN2 = math.log(2.0)


def dct_matrix(spec: Mfcc) -> NDArray[np.float64]:
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


@dataclass(frozen=True)
class Mfcc(LogMel):
    """The cosine transform of a row of log_mel."""

    n_mfcc: int = 0
    mfcc_norm: str = "ortho"

    kind = "mfcc"
    value_word = "coefficient"
    sources: ClassVar[Mapping[str, tuple[str, ...]]] = {
        "float32": ("tk_mfcc.h", "tk_mfcc.c", "tk_log.h", "tk_quantise.h"),
        "fixed": ("tk_mfcc_q.h", "tk_mfcc_q.c", "tk_log_q.h", "tk_quantise_q.h"),
    }

    def ending_violations(self) -> Iterator[str]:
        yield from log_violations(self, self.n_mfcc)
        most = self.n_mels if is_whole(self.n_mels) else 1
        yield from integer_in("n_mfcc", self.n_mfcc, 1, most)
        yield from one_of("mfcc_norm", self.mfcc_norm, MFCC_NORMS)

    @property
    def values(self) -> int:
        return self.n_mfcc

    def untouched(self, samples: Samples) -> NDArray[np.float64]:
        return log_bands(samples, self) @ dct_matrix(self).T

    @property
    def ending(self) -> str:
        return f", {self.n_mfcc} cepstral coefficients"

    def files_of(self, arithmetic: str) -> tuple[str, ...]:
        return (*self.sources[arithmetic], *row_files(self))

    def end_parts(self, arithmetic: Arithmetic, scale: float, zero_point: int) -> Parts:
        parts = _PARTS[arithmetic.name](self, scale)
        return parts._replace(defines={**log_switches(self, zero_point), **parts.defines})

    def deviation_stage(self, share: float) -> str:
        return "" if share > 0.5 else "the cosine transform"  # a coefficient mixes all bands


def _offsets(spec: Mfcc, scale: float) -> NDArray[np.float64]:
    """What is added to every coefficient, in steps of the model's input [n_mfcc]."""
    return np.broadcast_to(-np.array(spec.mean) / np.array(spec.deviation) / scale, spec.n_mfcc)


def _cosines(spec: Mfcc, scale: float) -> NDArray[np.float64]:
    """The transform, from natural logarithms to steps of the model's input [n_mfcc, n_mels]."""
    deviation = np.broadcast_to(np.array(spec.deviation), spec.n_mfcc)[:, None]
    return np.asarray(dct_matrix(spec) * (log_unit(spec) / scale) / deviation)


def _float_parts(spec: Mfcc, scale: float) -> Parts:
    """Floor and cosine transform."""
    tables = [CTable("float", "tk_cosines", float_literals(_cosines(spec, scale)))]
    defines = {"FLOOR": float_literal(spec.floor)}
    if any(spec.mean):
        defines["OFFSETS"] = OFFSETS
        tables.append(CTable("float", "tk_offsets", float_literals(_offsets(spec, scale))))
    return Parts(defines, tuple(tables))


def _fixed_parts(spec: Mfcc, scale: float) -> Parts:
    """Floor, logarithm and cosine transform."""
    cosines = _cosines(spec, scale) * _LN2
    _, octave = math.frexp(float(np.abs(cosines).max()) / (1.0 - 2.0**-16))
    shift = 15 - octave
    defines = number_macros("FLOOR_MANTISSA", "FLOOR_EXPONENT", spec.floor)
    tables = [
        CTable("int16_t", "tk_cosines", integer_literals(np.round(cosines * 2.0**shift))),
        logarithm_table(),
    ]
    if any(spec.mean):
        defines["OFFSETS"] = OFFSETS
        tables.append(offset_table(_offsets(spec, scale)))
    return Parts({**defines, "COSINE_SHIFT": f"({shift})"}, tuple(tables))


_PARTS = {"float32": _float_parts, "fixed": _fixed_parts}
