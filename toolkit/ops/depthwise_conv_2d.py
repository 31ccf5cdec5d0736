"""Depthwise 2-D convolution (DEPTHWISE_CONV_2D), per-channel int8 weights; int8 activations
with an int32 bias, or int16 with an int64 bias."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from toolkit.ir import DType, Tensor
from toolkit.ir.tensor import Array
from toolkit.ops.numerics.int16 import kernel_name
from toolkit.ops.parts.base import KernelCall, Work
from toolkit.ops.parts.channels import Bounds, Ties
from toolkit.ops.parts.convolution import (
    Convolution,
    View,
    convolution_constraints,
    convolution_multipliers,
    portable_params,
)
from toolkit.ops.parts.weighted import bounds_of_sums, centred, thinned_outputs
from toolkit.ops.parts.window import WindowedAttrs, taps_inside
from toolkit.ops.variants.as_convolution import as_convolution
from toolkit.ops.variants.convolutions import blocked_convolutions, dsp_convolutions
from toolkit.ops.variants.depthwise_conv_2d_s8_blocked import depthwise_conv_2d_blocked_call
from toolkit.ops.variants.depthwise_conv_2d_s8_dsp import (
    depthwise_conv_2d_call,
    dilation_problem,
)
from toolkit.ops.variants.depthwise_conv_2d_s16_dsp import depthwise_conv_2d_s16_call
from toolkit.ops.variants.problems import rescaling_problem

DepthwiseConv2DAttrs = WindowedAttrs


def channels_multiple(view: View) -> str | None:
    """output channels must be a multiple of input channels"""
    have, want = view.input(0).shape[-1], view.input(1).shape[-1]
    return None if want % have == 0 else f"{have} input channels, weights for {want}"


class DepthwiseConv2D(Convolution):
    """One filter (or several) for each input channel of an NHWC tensor; weights 1HWO."""

    name = "depthwise_conv_2d"
    tflite_name = "DEPTHWISE_CONV_2D"
    tflite_options = "DepthwiseConv2DOptions"
    weight_axis = 3
    constraints = convolution_constraints(channels_multiple, 3)

    def read_options(
        self, options: Any, inputs: Sequence[Tensor | None], output: Tensor
    ) -> WindowedAttrs:
        weights = inputs[1]
        assert weights is not None and weights.shape[0] == 1
        return super().read_options(options, inputs, output)

    def write_options(self, view: View, options: Any) -> Any:
        options.depthMultiplier = self.depth_multiplier(view)
        return super().write_options(view, options)

    @staticmethod
    def depth_multiplier(view: View) -> int:
        """Output channels for each input channel."""
        return view.input(1).shape[3] // view.input(0).shape[3]

    def products(self, view: View, patches: Array, weights: Array) -> Array:
        multiplier = self.depth_multiplier(view)
        kernel_h, kernel_w = patches.shape[3:5]
        acc = np.zeros((*patches.shape[:3], weights.shape[3]), patches.dtype)
        for ky in range(kernel_h):
            for kx in range(kernel_w):
                tap = np.repeat(patches[:, :, :, ky, kx], multiplier, axis=-1)
                acc += tap * weights[0, ky, kx]
        return acc

    def channel_bounds(self, view: View, inputs: Sequence[Bounds]) -> Bounds:
        ends = centred(view.input(0), inputs[0], view.attrs.window.is_padded)
        weights = view.input(1).values.astype(np.int64)
        low, high = (np.repeat(end, self.depth_multiplier(view)) for end in ends)
        up = np.maximum(weights, 0).sum(axis=(0, 1, 2))
        down = np.minimum(weights, 0).sum(axis=(0, 1, 2))
        sums = up * low + down * high, up * high + down * low
        return bounds_of_sums(view, *sums, *convolution_multipliers(view))

    def channel_ties(self, view: View) -> Ties:
        labels = np.arange(view.input(0).shape[3])
        constants = [None] * (len(view.inputs) - 1)
        return Ties((labels, *constants), np.repeat(labels, self.depth_multiplier(view)))

    def with_channels(self, view: View, inputs: Sequence[Array | None], output: Array) -> View:
        return replace(view, inputs=thinned_outputs(view, 3, output))

    def work(self, view: View) -> Work:
        _, kernel_h, kernel_w, _ = view.input(1).shape
        macs = view.output.elements * kernel_h * kernel_w
        return Work(macs=macs, accumulators=view.output.elements)

    def kernel_call(self, view: View) -> KernelCall:
        x, out = view.input(0), view.output
        return KernelCall(
            kernel=kernel_name("tk_depthwise_conv_2d", x),
            params=portable_params(view, {"depth_multiplier": self.depth_multiplier(view)}),
            inputs=(x.name,),
            outputs=(out.name,),
            work=_portable_work(view),
        )

    def blocked_calls(self, view: View) -> tuple[KernelCall, ...]:
        if view.input(0).shape[3] == 1:
            return blocked_convolutions(as_convolution(view) or view)
        if view.input(0).dtype is not DType.INT8:
            return ()
        call = depthwise_conv_2d_blocked_call(view, *convolution_multipliers(view))
        return () if call is None else (call,)

    def fast_problem(self, view: View) -> str | None:
        problem = rescaling_problem(view, 3, *convolution_multipliers(view))
        if problem is not None or as_convolution(view) is not None:
            return problem
        return dilation_problem(view.attrs.window)

    def dsp_calls(self, view: View) -> tuple[KernelCall, ...]:
        convolution = as_convolution(view)
        if convolution is not None:
            return dsp_convolutions(convolution)
        narrow = view.input(0).dtype is DType.INT8
        fast = depthwise_conv_2d_call if narrow else depthwise_conv_2d_s16_call
        call = fast(view, *convolution_multipliers(view))
        return () if call is None else (call,)


def _portable_work(view: View) -> Work:
    """Padding is skipped; every kernel row of every output has a loop of its own."""
    _, in_h, in_w, _ = view.input(0).shape
    _, _, out_w, out_c = view.output.shape
    rows, columns = taps_inside(view.attrs.window, in_h, in_w)
    return Work(rows * columns * out_c, view.output.elements, rows * out_w * out_c)
