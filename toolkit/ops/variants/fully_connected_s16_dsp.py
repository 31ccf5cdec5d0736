"""``tk_fully_connected_s16_dsp``: four outputs of a dense layer at a time."""

from __future__ import annotations

from typing import Any

import numpy as np

from toolkit.ir.tensor import Array
from toolkit.ops.numerics.activation import clamp_limits
from toolkit.ops.parts.base import KernelCall, NodeView
from toolkit.ops.variants.fully_connected_s8_dsp import by_fours, dense_work
from toolkit.ops.variants.requantize_s16 import requantize_s16_problem, requantize_s16_records


def fully_connected_s16_call(
    view: NodeView[Any], multipliers: Array, shifts: Array
) -> KernelCall | None:
    """``tk_fully_connected_s16_dsp``; None: not eligible."""
    if requantize_s16_problem(view, 0, multipliers, shifts) is not None:
        return None
    x, weights = view.input(0), view.input(1).values
    outputs, inputs = weights.shape
    batches = x.elements // inputs
    low, high = clamp_limits(view.attrs.activation, view.output)
    filled = np.pad(weights, ((0, 0), (0, -inputs % 4))).reshape(outputs, -1, 4)
    ordered = filled[:, :, [0, 2, 1, 3]].reshape(outputs, -1)
    return KernelCall(
        kernel="tk_fully_connected_s16_dsp",
        params={
            "batches": batches,
            "inputs": inputs,
            "outputs": outputs,
            "out_min": low,
            "out_max": high,
            "weights": by_fours(ordered),
            "requantize": requantize_s16_records(view, multipliers, shifts),
        },
        inputs=(x.name,),
        outputs=(view.output.name,),
        extra_kernels=("tk_dsp", "tk_dsp_mac"),
        variant="dsp",
        work=dense_work(batches, inputs, outputs),
    )
