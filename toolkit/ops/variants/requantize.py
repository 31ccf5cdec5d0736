"""Requantisation by ``tk_dsp_requantize`` of ``tk_dsp_mac.h``: who is eligible, and its records.

One a channel: bias, multiplier, rounding, shift to the right.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from toolkit.ir.tensor import Array
from toolkit.ops.parts.base import NodeView
from toolkit.ops.parts.constraints import accumulator_bounds

#: Sums, and what is added to round them, stay below.
_LIMIT = 1 << 30


def requantize_problem(
    view: NodeView[Any], channel_axis: int, multipliers: Array, shifts: Array
) -> str | None:
    """What keeps a layer's sums from ``tk_dsp_requantize``, None where nothing does."""
    bounds = _bounds(view, channel_axis)
    if bounds.max() >= _LIMIT:
        return f"sums up to {bounds.max()}"
    right = _right(bounds, multipliers, shifts)
    if right.min() < 1:
        return f"scaled by up to 2**{-right.min()}"
    rounding = (abs(view.output.zero_point) + 1) << right
    return f"rounding up to {rounding.max()}" if rounding.max(initial=0) >= _LIMIT else None


def requantize_records(
    view: NodeView[Any], channel_axis: int, multipliers: Array, shifts: Array, factor: int
) -> Array:
    """int32 ``[channels][4]`` for sums of ``factor`` times the weights (1 or 2).

    The input's zero point is taken off by the bias.
    """
    weights, bias = view.input(1), view.optional(2)
    others = tuple(i for i in range(len(weights.shape)) if i != channel_axis)
    start = -view.input(0).zero_point * weights.values.astype(np.int64).sum(axis=others)
    if bias is not None:
        start = start + bias.values
    right = _right(_bounds(view, channel_axis), multipliers, shifts)
    kept = np.where(right == -shifts.astype(np.int64), multipliers, 0)
    rounding = (2 * view.output.zero_point + 1) << (right - 1)
    return np.stack([factor * start, kept, rounding, right], axis=1).astype(np.int32)


def _bounds(view: NodeView[Any], channel_axis: int) -> Array:
    return accumulator_bounds(view.input(1), channel_axis, view.input(0), view.optional(2))


def _right(bounds: Array, multipliers: Array, shifts: Array) -> Array:
    """Shifts to the right; 1 for channels whose sums are scaled down to nothing."""
    right = -shifts.astype(np.int64)
    nothing = (multipliers == 0) | (bounds < np.int64(1) << np.maximum(right - 1, 0))
    return np.where(nothing, 1, right)
