"""Tables and macros of the C that takes logarithms: floors, offsets, limits below the largest."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from toolkit.features.c_tables import (
    CTable,
    Parts,
    float_literal,
    float_literals,
    integer_literals,
)
from toolkit.features.fields import LogFields, MelLogFields
from toolkit.features.fixed_tables import number_macros
from toolkit.features.log_bands import least_share, log_unit

Array = NDArray[np.float64]

OFFSETS = "1 /* features have a mean to subtract */"
#: Fractional bits of an offset in steps of the model's input, in fixed point.
_OFFSET_BITS = 16


def log_switches(spec: LogFields, zero_point: int) -> dict[str, str]:
    """Macros of kernels that take logarithms and then quantise."""
    defines = {"ZERO_POINT": f"({zero_point})"}
    if spec.flooring == "add":
        defines["FLOOR_ADDED"] = "1 /* energies are never below the floor, which is added */"
    return defines


def top_parts(spec: LogFields, arithmetic: str) -> Parts:
    """Macros of the least energy beside the clip's largest; none where it is not limited."""
    if not spec.top_db:
        return Parts({})
    if arithmetic == "float32":
        return Parts({"TOP_SHARE": float_literal(least_share(spec))})
    return Parts(number_macros("TOP_SHARE", "TOP_SHARE_EXPONENT", least_share(spec)))


def logarithm_table() -> CTable:
    """log2 of 1 to 2 in 2^-16, 128 steps."""
    logarithms = np.round(np.log2(1.0 + np.arange(129) / 128.0) * 65536.0)
    return CTable("uint32_t", "tk_logarithms", integer_literals(logarithms))


def offset_table(offsets: Array) -> CTable:
    """Offsets in steps of the model's input."""
    limited = np.clip(np.round(offsets * 2.0**_OFFSET_BITS), -(2**31) + 1, 2**31 - 1)
    return CTable("int32_t", "tk_offsets", integer_literals(limited))


def each_parts(spec: MelLogFields, arithmetic: str, scale: float, zero_point: int) -> Parts:
    """Floor, and by band a factor and an offset from its logarithm to the model's input."""
    deviation = np.broadcast_to(np.array(spec.deviation), spec.n_mels)
    factors = log_unit(spec) / scale / deviation
    offsets = -np.array(spec.mean) / deviation / scale
    switches = {**log_switches(spec, zero_point), "OFFSETS": OFFSETS}
    if arithmetic == "float32":
        own = {"tk_factors": factors, "tk_offsets": offsets}
        floats = (CTable("float", name, float_literals(values)) for name, values in own.items())
        return Parts({**switches, "FLOOR": float_literal(spec.floor)}, tuple(floats))
    factors = factors * math.log(2.0)
    _, octave = math.frexp(float(factors.max()))
    shift = 30 - octave
    defines = number_macros("FLOOR_MANTISSA", "FLOOR_EXPONENT", spec.floor)
    tables = (
        CTable("int32_t", "tk_factors", integer_literals(np.round(factors * 2.0**shift))),
        logarithm_table(),
        offset_table(offsets),
    )
    return Parts({**switches, **defines, "FACTOR_SHIFT": f"({shift})"}, tables)
