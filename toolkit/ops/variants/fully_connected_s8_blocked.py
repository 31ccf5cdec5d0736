"""``tk_fully_connected_s8_blocked``: a few outputs of a dense layer at a time, in plain C."""

from __future__ import annotations

from typing import Any

from toolkit.ir.tensor import Array
from toolkit.ops.numerics.activation import clamp_limits
from toolkit.ops.parts.base import KernelCall, NodeView
from toolkit.ops.variants.requantize import requantize_problem, requantize_records


def fully_connected_blocked_call(
    view: NodeView[Any], multipliers: Array, shifts: Array
) -> KernelCall | None:
    """``tk_fully_connected_s8_blocked``; None: not eligible."""
    if requantize_problem(view, 0, multipliers, shifts) is not None:
        return None
    x, weights = view.input(0), view.input(1).values
    low, high = clamp_limits(view.attrs.activation, view.output)
    return KernelCall(
        kernel="tk_fully_connected_s8_blocked",
        params={
            "batches": x.elements // weights.shape[1],
            "inputs": weights.shape[1],
            "outputs": weights.shape[0],
            "out_min": low,
            "out_max": high,
            "weights": weights,
            "requantize": requantize_records(view, 0, multipliers, shifts, 1),
        },
        inputs=(x.name,),
        outputs=(view.output.name,),
        extra_kernels=("tk_blocked", "tk_blocked_1x3_s8"),
        variant="blocked",
    )
