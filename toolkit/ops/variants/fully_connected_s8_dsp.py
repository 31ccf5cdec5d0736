"""``tk_fully_connected_s8_dsp``: four outputs of a dense layer at a time."""

from __future__ import annotations

from typing import Any

import numpy as np

from toolkit.ir.tensor import Array
from toolkit.ops.numerics.activation import clamp_limits
from toolkit.ops.parts.base import KernelCall, NodeView, Work
from toolkit.ops.variants.requantize import requantize_problem, requantize_records


def fully_connected_call(
    view: NodeView[Any], multipliers: Array, shifts: Array, weight_bits: int
) -> KernelCall | None:
    """``tk_fully_connected_s8_dsp``, weights kept as int8 (half the flash) or int16; None: not
    eligible."""
    if requantize_problem(view, 0, multipliers, shifts) is not None:
        return None
    x, weights = view.input(0), view.input(1).values
    outputs, inputs = weights.shape
    batches = x.elements // inputs
    low, high = clamp_limits(view.attrs.activation, view.output)
    return KernelCall(
        kernel="tk_fully_connected_s8_dsp",
        params={
            "batches": batches,
            "inputs": inputs,
            "outputs": outputs,
            "out_min": low,
            "out_max": high,
            "weight_bits": weight_bits,
            "weights": by_fours(weights) if weight_bits == 8 else _by_fours_16(weights),
            "requantize": requantize_records(view, 0, multipliers, shifts, weight_bits // 8),
        },
        inputs=(x.name,),
        outputs=(view.output.name,),
        extra_kernels=("tk_dsp", "tk_dsp_mac"),
        variant=f"dsp{weight_bits}",
        work=dense_work(batches, inputs, outputs),
    )


def by_fours(weights: Array) -> Array:
    """int8 ``[outputs][inputs]`` as the words that the kernel reads."""
    filled = np.pad(weights, ((0, 0), (0, -weights.shape[1] % 4)))
    return _grouped(np.ascontiguousarray(filled).view("<u4")[..., None])


def _by_fours_16(weights: Array) -> Array:
    """The same doubled, as int16: of each four inputs the pairs (k0, k2) and (k1, k3)."""
    filled = np.pad(weights, ((0, 0), (0, -weights.shape[1] % 4)))
    fours = filled.reshape(len(weights), -1, 4)[:, :, [0, 2, 1, 3]]
    return _grouped(np.ascontiguousarray(2 * fours.astype("<i2")).view("<u4"))


def _grouped(words: Array) -> Array:
    """Words ``[outputs][inputs / 4][each]``, those of four outputs in turn, those of the others in
    turn behind."""
    groups = [words[o : o + 4].swapaxes(0, 1).reshape(-1) for o in range(0, len(words), 4)]
    return np.concatenate(groups).astype(np.uint32)


def dense_work(batches: int, inputs: int, outputs: int) -> Work:
    """Inputs filled up to fours, read once for four outputs or those left over."""
    filled, reads = -(-inputs // 4) * 4, -(-outputs // 4)
    return Work(batches * outputs * filled, batches * outputs, batches * reads * filled)
