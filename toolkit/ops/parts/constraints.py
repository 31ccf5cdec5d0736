"""Constraints that several operators share.

A constraint's docstring is the rule, and after the first full stop the remedy; both appear in
docs/SUPPORTED_OPS.md and in error messages.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from toolkit.ir import DType, Tensor
from toolkit.ir.tensor import Array
from toolkit.ops.parts.base import NodeView
from toolkit.ops.parts.window import Padding, Window, WindowedAttrs

#: Rows the C kernels can hold pointers to (TK_MAX_KERNEL_ROWS in tk_common.h).
MAX_KERNEL_ROWS = 32

#: How far the scales of an operator that does not rescale may differ (TFLM's rule for pools).
SCALE_TOLERANCE = 1e-6


def _shape(tensor: Tensor) -> str:
    return "x".join(map(str, tensor.shape))


def unary_types_int8(view: NodeView[Any]) -> str | None:
    """input and output must be int8"""
    good = view.input(0).dtype is view.output.dtype is DType.INT8
    return None if good else f"{view.input(0).dtype.value} to {view.output.dtype.value}"


def batch_one(view: NodeView[Any]) -> str | None:
    """batch size must be 1. Export the model with a batch of one"""
    return None if view.input(0).shape[0] == 1 else f"batch {view.input(0).shape[0]}"


def rank_four(view: NodeView[Any]) -> str | None:
    """the input must have four dimensions (batch, height, width, channels)"""
    return None if len(view.input(0).shape) == 4 else _shape(view.input(0))


def weights_constant(view: NodeView[Any]) -> str | None:
    """weights and bias must be constants"""
    bias = view.optional(2)
    good = view.input(1).is_constant and (bias is None or bias.is_constant)
    return None if good else "computed weights"


def weights_symmetric(view: NodeView[Any]) -> str | None:
    """weight zero points must be 0"""
    quant = view.input(1).quant
    return None if quant is None or not any(quant.zero_point) else "asymmetric weights"


def same_quantization(view: NodeView[Any]) -> str | None:
    """input and output must have the same scale and zero point"""
    x, out = view.input(0), view.output
    if abs(x.scale - out.scale) <= SCALE_TOLERANCE and x.zero_point == out.zero_point:
        return None
    return f"({x.scale:g}, {x.zero_point}) and ({out.scale:g}, {out.zero_point})"


def kernel_rows(view: NodeView[WindowedAttrs]) -> str | None:
    """kernel height must be at most 32, but for inputs one column wide"""
    rows = view.attrs.window.kernel_h
    return None if rows <= MAX_KERNEL_ROWS or is_tall(view) else str(rows)


def is_tall(view: NodeView[WindowedAttrs]) -> bool:
    """Whether a window over one column, as in one dimension, has more rows than kernels hold
    pointers to."""
    window, padding = view.attrs.window, view.attrs.window.padding
    one_column = view.input(0).shape[2] == window.kernel_w == 1 and not padding.left + padding.right
    return window.kernel_h > MAX_KERNEL_ROWS and one_column


def laid_down(view: NodeView[WindowedAttrs]) -> NodeView[WindowedAttrs]:
    """A tall window (`is_tall`) with height and width swapped, which are the same bytes; others
    stay."""
    if not is_tall(view):
        return view
    old = view.attrs.window
    window = Window(
        kernel_h=1,
        kernel_w=old.kernel_h,
        stride_w=old.stride_h,
        dilation_w=old.dilation_h,
        padding=Padding(left=old.padding.top, right=old.padding.bottom),
    )
    inputs = [_swapped(t) if t is not None and len(t.shape) == 4 else t for t in view.inputs]
    return replace(
        view,
        attrs=replace(view.attrs, window=window),
        inputs=tuple(inputs),
        outputs=tuple(map(_swapped, view.outputs)),
    )


def _swapped(tensor: Tensor) -> Tensor:
    """An activation or weights of one column, as of one row."""
    n, height, width, channels = tensor.shape
    shape = (n, width, height, channels)
    data = None if tensor.data is None else tensor.data.reshape(shape)
    return replace(tensor, shape=shape, data=data)


def window_fits(view: NodeView[WindowedAttrs]) -> str | None:
    """strides and dilations must be positive, and every window must meet the input"""
    window, x = view.attrs.window, view.input(0)
    steps = (window.stride_h, window.stride_w, window.dilation_h, window.dilation_w)
    p = window.padding
    inside = max(p.top, p.bottom) < window.span_h and max(p.left, p.right) < window.span_w
    if min(steps) > 0 and inside and min(window.output_hw(*x.shape[1:3])) > 0:
        return None
    return f"{window} on {_shape(x)}"


#: Rescaled values stay below this, so that no step of the fixed-point arithmetic overflows.
RESCALED_LIMIT = 1 << 30


def rescale_bounded(view: NodeView[Any]) -> str | None:
    """the input scale must be below 16384 times the output scale"""
    x, out = view.input(0), view.output
    ratio = x.scale / out.scale
    return None if ratio * (1 << 16) < RESCALED_LIMIT else f"{ratio:g} times"


def sum_problem(
    view: NodeView[Any], channel_axis: int, limit_bits: int, ratios: Sequence[float]
) -> str | None:
    """What is wrong when a sum of products and bias leaves ``limit_bits`` bits, or does not fit
    after it is rescaled by its channel's of the ``ratios``."""
    bounds = accumulator_bounds(view.input(1), channel_axis, view.input(0), view.optional(2))
    rescaled = bounds * np.array(ratios)
    if bounds.max() < 1 << (limit_bits - 1) and rescaled.max() < RESCALED_LIMIT:
        return None
    worst = int(rescaled.argmax() if rescaled.max() >= RESCALED_LIMIT else bounds.argmax())
    return f"up to {bounds[worst]}, rescaled by {ratios[worst]:g}"


def accumulator_bounds(weights: Tensor, channel_axis: int, x: Tensor, bias: Tensor | None) -> Array:
    """Largest magnitude that a dense or convolutional accumulator of each channel can take, int64
    ``[channels]``."""
    if not weights.is_constant or (bias is not None and not bias.is_constant):
        return np.zeros(weights.shape[channel_axis], np.int64)  # refused by `weights_constant`
    low, high = x.dtype.limits
    reach = max(x.zero_point - low, high - x.zero_point)
    others = tuple(i for i in range(len(weights.shape)) if i != channel_axis)
    bounds: Array = np.abs(weights.values.astype(np.int64)).sum(axis=others) * reach
    return bounds if bias is None else bounds + np.abs(bias.values.astype(np.int64))
