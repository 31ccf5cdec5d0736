"""Why a layer's sums do not suit the fast kernels, in words for its owner."""

from __future__ import annotations

from typing import Any

from toolkit.ir import DType
from toolkit.ir.tensor import Array
from toolkit.ops.parts.base import NodeView
from toolkit.ops.variants.requantize import requantize_problem
from toolkit.ops.variants.requantize_s16 import requantize_s16_problem


def rescaling_problem(
    view: NodeView[Any], channel_axis: int, multipliers: Array, shifts: Array
) -> str | None:
    """What keeps the sums of products from 32-bit rescaling, and the remedy; None: nothing."""
    narrow = view.input(0).dtype is DType.INT8
    find = requantize_problem if narrow else requantize_s16_problem
    problem = find(view, channel_axis, multipliers, shifts)
    if problem is None:
        return None
    return (
        f"{problem}, which is more than the fast kernels rescale in 32 bits; a wider range of the "
        "output, or smaller weights and biases, would free it"
    )
