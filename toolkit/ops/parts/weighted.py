"""What operators with constant weights say of channels (`parts/channels.py`)."""

from __future__ import annotations

from typing import Any

import numpy as np

from toolkit.ir import Tensor
from toolkit.ir.tensor import Array
from toolkit.ops.numerics.activation import clamp_limits
from toolkit.ops.numerics.int16 import ACCUMULATOR_BITS, rescaled
from toolkit.ops.parts.base import NodeView
from toolkit.ops.parts.channels import Bounds, any_value, thinned


def centred(x: Tensor, bounds: Bounds, padded: bool) -> tuple[Array, Array]:
    """The bounds of an input less its zero point; ``padded``: which is one of its values too."""
    low, high = bounds.low - x.zero_point, bounds.high - x.zero_point
    return (np.minimum(low, 0), np.maximum(high, 0)) if padded else (low, high)


def bounds_of_sums(
    view: NodeView[Any], low: Array, high: Array, multipliers: Array, shifts: Array
) -> Bounds:
    """The bounds of the output from those of the sums of products of each output channel.

    Rescaling rises with the sum as long as nothing leaves the accumulator.
    """
    bias, x, out = view.optional(2), view.input(0), view.output
    start = 0 if bias is None else bias.values.astype(np.int64)
    ends = [sums.astype(np.int64) + start for sums in (low, high)]
    left = np.maximum(shifts.astype(np.int64), 0)
    largest = max(int((np.abs(sums) << left).max()) for sums in ends)
    if largest >= 1 << (ACCUMULATOR_BITS[x.dtype] - 1):
        return any_value(out)
    first, last = (rescaled(x, sums, multipliers, shifts) + out.zero_point for sums in ends)
    return Bounds(first, last).clipped(*clamp_limits(view.attrs.activation, out))


def dense_bounds(
    view: NodeView[Any],
    weights: Array,
    ends: tuple[Array, Array],
    rescaling: tuple[Array, Array],
) -> Bounds:
    """The bounds of an operator that sums over channels; ``weights`` are `channel_weights`,
    ``ends`` the smallest and largest value of each channel less the zero point."""
    low, high = (end.astype(np.float64) for end in ends)  # exact: sums stay below 2**47
    up = np.maximum(weights, 0).sum(axis=1, dtype=np.float64)
    down = np.minimum(weights, 0).sum(axis=1, dtype=np.float64)
    return bounds_of_sums(view, up @ low + down @ high, up @ high + down @ low, *rescaling)


def thinned_outputs(view: NodeView[Any], axis: int, output: Array) -> tuple[Tensor | None, ...]:
    """The node's inputs, weights and bias with those outputs alone (``axis`` of the weights)."""
    x, weights, *rest = view.inputs
    assert weights is not None
    bias = (None if tensor is None else thinned(tensor, 0, output) for tensor in rest)
    return (x, thinned(weights, axis, output), *bias)
