"""Requantisation of int16 activations by ``tk_dsp_requantize_s16`` of ``tk_dsp_mac.h``: who is
eligible, and its records.

One a channel: bias, multiplier.  A sum of 32 bits times the reduced multiplier, shifted to the
right by at most 32, is one instruction.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from toolkit.ir.tensor import Array
from toolkit.ops.parts.base import NodeView
from toolkit.ops.parts.constraints import accumulator_bounds

#: Sums stay below.
_LIMIT = 1 << 31
#: Shifts to the right that leave the multiplier 32 bits.
_SHIFTS = range(16, 33)


def requantize_s16_problem(
    view: NodeView[Any], channel_axis: int, multipliers: Array, shifts: Array
) -> str | None:
    """What keeps a layer's sums from ``tk_dsp_requantize_s16``, None where nothing does."""
    bounds = accumulator_bounds(view.input(1), channel_axis, view.input(0), view.optional(2))
    bound = int(bounds.max(initial=0))
    if bound >= _LIMIT:
        return f"sums up to {bound}"
    used = 15 - shifts[multipliers != 0].astype(np.int64)
    outside = [int(shift) for shift in used if shift not in _SHIFTS]
    return f"scaled by 2**{-outside[0]}" if outside else None


def requantize_s16_records(view: NodeView[Any], multipliers: Array, shifts: Array) -> Array:
    """int32 ``[channels][2]``."""
    wide = multipliers.astype(np.int64)
    reduced = np.where(wide < 0x7FFF0000, (wide + 0x8000) >> 16, 0x7FFF)
    left = 32 - (15 - shifts.astype(np.int64))
    scaled = np.where(multipliers != 0, reduced << np.clip(left, 0, 16), 0)
    bias = view.optional(2)
    start = np.zeros(len(scaled), np.int64) if bias is None else bias.values
    return np.stack([start, scaled], axis=1).astype(np.int32)
