"""Macros and tables of the C that makes of rows what the model takes."""

from __future__ import annotations

import numpy as np

from toolkit.features.c_tables import CTable, Parts, float_literal, float_literals, integer_literals
from toolkit.features.fields import RowFields
from toolkit.features.fixed_tables import number_macros
from toolkit.features.rows import EPSILON, delta_filters


def needs_values(spec: RowFields) -> bool:
    """Whether rows must be kept as they are before they are rounded to int8."""
    return spec.deltas > 0 or spec.normalise == "clip"


def row_files(spec: RowFields) -> tuple[str, ...]:
    """The C of it; none where rows are the model's own."""
    plain = not needs_values(spec) and spec.stack == spec.stack_step == 1
    return () if plain else ("tk_rows.h", "tk_rows.c")


def row_words(spec: RowFields, values: int, arithmetic: str) -> int:
    """Words of state for rows of ``values`` before deltas."""
    words = 0
    if spec.deltas:
        words += 1 + (2 * spec.end_rows + 1) * values
    total = values * (1 + spec.deltas)
    if spec.normalise == "clip":
        words += 2 + total * (2 if arithmetic == "float32" else 5)
    if spec.stack > 1 or spec.stack_step > 1:
        words += 1 + (spec.stack * total + 3) // 4
    return words


def row_parts(spec: RowFields, values: int, arithmetic: str, scale: float) -> Parts:
    """Macros and tables for rows of ``values`` before deltas, and a model input of ``scale``."""
    if not row_files(spec):
        return Parts({})
    floats = arithmetic == "float32"
    defines = {
        "VALUES": f"{values}u",
        "WIDE_VALUES": f"{values * (1 + spec.deltas)}u",
    }
    if not floats:
        defines["VALUES_FIXED"] = "1 /* values have 16 fractional bits */"
    if needs_values(spec):
        defines["KEPT"] = "1 /* values are kept before they are rounded to int8 */"
    tables = []
    if spec.deltas:
        defines["DELTAS"] = str(spec.deltas)
        defines["DELTA_REACH"] = f"{spec.end_rows}u"
        length = 2 * spec.end_rows + 1
        weights = np.stack([np.pad(w, (length - len(w)) // 2) for w in delta_filters(spec)])
        tables.append(
            CTable("float", "tk_delta_weights", float_literals(weights))
            if floats
            else CTable("int32_t", "tk_delta_weights", integer_literals(np.round(weights * 2**30)))
        )
    if spec.normalise == "clip":
        defines["NORMALISED"] = "1 /* over the clip */"
        defines |= (
            {"NORMAL_STEPS": float_literal(1.0 / scale), "NORMAL_EPSILON": float_literal(EPSILON)}
            if floats
            else {
                **number_macros("NORMAL_STEPS", "NORMAL_STEPS_EXPONENT", 1.0 / scale),
                **number_macros("NORMAL_EPSILON", "NORMAL_EPSILON_EXPONENT", EPSILON),
            }
        )
    if spec.stack > 1 or spec.stack_step > 1:
        defines["STACK"] = f"{spec.stack}u"
        defines["STACK_STEP"] = f"{spec.stack_step}u"
    return Parts(defines, tuple(tables))
