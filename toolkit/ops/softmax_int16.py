"""SOFTMAX on int16: exponential and reciprocal from two interpolated tables of 513 entries.

TFLM fills the tables when it prepares the model; they depend on no parameter, so here they are
constants.  Split from ``softmax.py`` because nothing is shared with the int8 arithmetic.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np

from toolkit.ir.tensor import Array
from toolkit.ops.numerics.fixed_point import quantize_multiplier, requantize
from toolkit.ops.parts.base import KernelCall, NodeView

#: Softmax terms that the int32 sum of 16-bit exponentials holds.
MAX_DEPTH = 1 << 16
_STEPS = 512
_F = np.float32


@cache
def exp_table() -> Array:
    """``exp(x)`` for x in [-10, 0], Q0.15, int16[513]."""
    return _table(_F(10.0) / _F(65535), 32767, lambda x: np.exp(x.astype(np.float64)))


@cache
def reciprocal_table() -> Array:
    """``1 / (1 + x)`` for x in [0, 1], Q0.15, int16[513]."""
    return _table(_F(1.0) / _F(65535), -32768, lambda x: _F(1.0) / (_F(1.0) + x))


def _table(in_scale: np.float32, in_zero_point: int, function: Callable[[Array], Array]) -> Array:
    """TFLM's int16 table of a function over the whole input range, output scale 2 / 65535.

    All in float32, in TFLM's order of operations; an entry is shifted by half the error that linear
    interpolation makes in the middle of its interval.
    """
    low, high = in_scale * _F(-32768 - in_zero_point), in_scale * _F(32767 - in_zero_point)
    out_scale = _F(2.0) / _F(65535)
    to_output = _F(65536) / (out_scale * _F(32767) - out_scale * _F(-32768))
    step = (high - low) / _F(_STEPS)
    index = np.arange(_STEPS).astype(np.float32)

    def scaled(x: Array) -> Array:
        y: Array = function(x).astype(np.float32) * to_output
        return y

    start = _round(scaled(low + index * step))
    middle = _round(scaled(low + index * step + step / _F(2)))
    following = scaled(low + (index + _F(1)) * step)
    error = _round((following + start) / _F(2)) - middle
    values = np.append(start - _round(error / _F(2)), _round(scaled(np.array([high], np.float32))))
    clipped: Array = np.clip(values, -32768, 32767).astype(np.int16)
    return clipped


def _round(x: Array) -> Array:
    """Nearest, ties away from zero (C's round)."""
    wide = x.astype(np.float64)
    rounded: Array = np.trunc(wide + np.copysign(0.5, wide)).astype(np.float32)
    return rounded


def lookup(table: Array, value: Array) -> Array:
    """Linear interpolation: the high 9 bits choose the entry, the low 7 weigh its neighbour."""
    wide = table.astype(np.int64)
    index = 256 + (value >> 7)
    slope = wide[index + 1] - wide[index]
    result: Array = wide[index] + ((slope * (value & 0x7F) + 64) >> 7)
    return result


def multiplier_and_shift(view: NodeView[Any], beta: float) -> tuple[int, int]:
    """Scale of logit differences: 65535 stands for 10."""
    return quantize_multiplier(view.input(0).scale * beta / (10.0 / 65535.0))


def run_int16(view: NodeView[Any], x: Array, beta: float) -> Array:
    """TFLM's SoftmaxInt16 over the last axis of an int16 array; output scale 1/32768."""
    wide = x.astype(np.int64)
    difference = wide - wide.max(axis=-1, keepdims=True)
    scaled = requantize(difference, *multiplier_and_shift(view, beta)) + 32767
    exponentials = lookup(exp_table(), np.clip(scaled, -32768, 32767))
    total = exponentials.sum(axis=-1, keepdims=True)
    # 1 / total: normalise the sum to [1, 2), then look up 1 / (1 + (sum - 1)).
    bits = np.floor(np.log2(total.astype(np.float64))).astype(np.int64)
    normalised = ((total << (30 - bits)) + (1 << 13)) >> 14
    reciprocal = lookup(reciprocal_table(), np.clip(normalised - 98304, -32768, 32767))
    result = (exponentials * reciprocal + (np.int64(1) << (bits - 1))) >> bits
    clipped: Array = np.clip(result, 0, 32767).astype(np.int16)
    return clipped


def kernel_call_int16(view: NodeView[Any], beta: float) -> KernelCall:
    """The call of ``tk_softmax_s16``; the tables go to flash, 2 kB together."""
    x = view.input(0)
    multiplier, shift = multiplier_and_shift(view, beta)
    return KernelCall(
        kernel="tk_softmax_s16",
        params={
            "rows": x.elements // x.shape[-1],
            "depth": x.shape[-1],
            "multiplier": multiplier,
            "shift": shift,
            "exp_table": exp_table(),
            "reciprocal_table": reciprocal_table(),
        },
        inputs=(x.name,),
        outputs=(view.output.name,),
    )
