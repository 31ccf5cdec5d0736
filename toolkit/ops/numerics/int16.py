"""What operators share that work on int8 and on int16 activations."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from toolkit.ir import DType, Tensor
from toolkit.ir.tensor import Array
from toolkit.ops.numerics.fixed_point import Int64Array, requantize, requantize_int64
from toolkit.ops.parts.base import NodeView

#: The bias that goes with activations of each type.
BIAS_TYPES = {DType.INT8: DType.INT32, DType.INT16: DType.INT64}

#: Bits of the sums of products of each activation type.
ACCUMULATOR_BITS = {DType.INT8: 32, DType.INT16: 47}

#: What names of kernels call each activation type.
SUFFIX = {DType.INT8: "s8", DType.INT16: "s16"}


def weighted_types(view: NodeView[Any]) -> str | None:
    """activations must be int8 with an int32 bias, or int16 with an int64 bias; weights int8"""
    x, weights, bias, out = view.input(0), view.input(1), view.optional(2), view.output
    good = x.dtype in BIAS_TYPES and out.dtype is x.dtype and weights.dtype is DType.INT8
    return None if good and (bias is None or bias.dtype is BIAS_TYPES[x.dtype]) else _types(view)


def same_types(view: NodeView[Any]) -> str | None:
    """inputs and output must all be int8, or all int16"""
    kinds = {t.dtype for t in (*view.inputs, *view.outputs) if t is not None}
    return None if kinds in ({DType.INT8}, {DType.INT16}) else _types(view)


def symmetric_int16(view: NodeView[Any]) -> str | None:
    """int16 activations must have zero point 0"""
    for tensor in (*view.inputs, *view.outputs):
        if tensor is not None and tensor.dtype is DType.INT16 and tensor.zero_point:
            return f"zero point {tensor.zero_point}"
    return None


def output_ratios(view: NodeView[Any], channels: int) -> list[float]:
    """Input scale * weight scale / output scale of each output channel, in double precision."""
    weights = view.input(1)
    assert weights.quant is not None
    scales = weights.quant.scale
    if len(scales) == 1:
        scales = scales * channels
    x_scale, out_scale = view.input(0).scale, view.output.scale
    return [x_scale * s / out_scale for s in scales]


def ratio_bounded(tensor: Tensor, ratios: list[float]) -> str | None:
    """What is wrong with a rescaling of 64-bit sums: the multiplier must be below 64."""
    ratio = max(ratios)
    return None if tensor.dtype is DType.INT8 or ratio < 64 else f"{ratio:g}"


def rescaled(x: Tensor, acc: Array, multipliers: Array, shifts: Array) -> Int64Array:
    """Sums of products as TFLM rescales them: double rounding of 32 bits, single of 64."""
    rescale = requantize if x.dtype is DType.INT8 else requantize_int64
    return rescale(acc, multipliers, shifts)


def no_bias(x: Tensor, channels: int) -> Array:
    return np.zeros(channels, BIAS_TYPES[x.dtype].numpy)


def kernel_name(stem: str, x: Tensor) -> str:
    return f"{stem}_{SUFFIX[x.dtype]}"


def kernel_params(x: Tensor, params: Mapping[str, int | Array]) -> Mapping[str, int | Array]:
    """Parameters without zero points, which int16 kernels do not have."""
    if x.dtype is DType.INT8:
        return params
    return {name: value for name, value in params.items() if not name.endswith("zero_point")}


def _types(view: NodeView[Any]) -> str:
    return "/".join(t.dtype.value for t in (*view.inputs, *view.outputs) if t is not None)
