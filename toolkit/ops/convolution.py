"""What all convolutions share: requantisation, parameters of the portable kernels."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from toolkit.ir.tensor import Array
from toolkit.ops.activation import clamp_limits
from toolkit.ops.base import NodeView
from toolkit.ops.fixed_point import quantize_multipliers
from toolkit.ops.int16 import kernel_params, no_bias
from toolkit.ops.window import WindowedAttrs


def convolution_ratios(view: NodeView[Any]) -> list[float]:
    """Input scale * weight scale / output scale of each output channel, in double precision."""
    weights = view.input(1)
    assert weights.quant is not None
    scales = weights.quant.scale
    if len(scales) == 1:
        scales = scales * view.output.shape[-1]
    return [view.input(0).scale * s / view.output.scale for s in scales]


def convolution_multipliers(view: NodeView[Any]) -> tuple[Array, Array]:
    """Per-output-channel requantisation."""
    return quantize_multipliers(convolution_ratios(view))


def portable_params(
    view: NodeView[WindowedAttrs], channels: Mapping[str, int]
) -> Mapping[str, int | Array]:
    """Fields of a portable kernel's parameters; ``channels`` says how outputs count theirs."""
    x, out, window = view.input(0), view.output, view.attrs.window
    multipliers, shifts = convolution_multipliers(view)
    low, high = clamp_limits(view.attrs.activation, out)
    bias = view.optional(2)
    params: dict[str, int | Array] = {
        "in_h": x.shape[1],
        "in_w": x.shape[2],
        "in_c": x.shape[3],
        "out_h": out.shape[1],
        "out_w": out.shape[2],
        **channels,
        "kernel_h": window.kernel_h,
        "kernel_w": window.kernel_w,
        "stride_h": window.stride_h,
        "stride_w": window.stride_w,
        "dilation_h": window.dilation_h,
        "dilation_w": window.dilation_w,
        "pad_top": window.padding.top,
        "pad_left": window.padding.left,
        "in_zero_point": x.zero_point,
        "out_zero_point": out.zero_point,
        "out_min": low,
        "out_max": high,
        "weights": view.input(1).values,
        "bias": bias.values if bias is not None else no_bias(x, out.shape[3]),
        "multipliers": multipliers,
        "shifts": shifts,
    }
    return kernel_params(x, params)
