"""Depthwise 2-D convolution (DEPTHWISE_CONV_2D), per-channel int8 weights; int8 activations
with an int32 bias, or int16 with an int64 bias."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from toolkit.ir import DType, Shape, Tensor
from toolkit.ir.tensor import Array
from toolkit.ops import dsp
from toolkit.ops.activation import Activation, clamp_float, clamp_limits
from toolkit.ops.base import KernelCall, NodeView, Operator, TimeBehaviour, Work
from toolkit.ops.constraints import (
    batch_one,
    kernel_rows,
    sum_problem,
    weights_constant,
    weights_symmetric,
    window_fits,
)
from toolkit.ops.conv_2d import multiplier_fits
from toolkit.ops.convolution import (
    convolution_multipliers,
    convolution_ratios,
    portable_params,
)
from toolkit.ops.int16 import (
    ACCUMULATOR_BITS,
    kernel_name,
    rescaled,
    symmetric_int16,
    weighted_types,
)
from toolkit.ops.window import (
    Window,
    WindowedAttrs,
    read_padding,
    taps_inside,
    windowed_shape,
    windows,
    write_padding,
)

DepthwiseConv2DAttrs = WindowedAttrs
View = NodeView[WindowedAttrs]


def channels_multiple(view: View) -> str | None:
    """output channels must be a multiple of input channels"""
    have, want = view.input(0).shape[-1], view.input(1).shape[-1]
    return None if want % have == 0 else f"{have} input channels, weights for {want}"


def accumulator_fits(view: View) -> str | None:
    """no sum of products and bias may leave 32 bits (int16 activations: 47 bits), before or after
    it is rescaled"""
    bits = ACCUMULATOR_BITS[view.input(0).dtype]
    return sum_problem(view, 3, bits, max(convolution_ratios(view)))


class DepthwiseConv2D(Operator[WindowedAttrs]):
    """One filter (or several) for each input channel of an NHWC tensor; weights 1HWO."""

    name = "depthwise_conv_2d"
    tflite_name = "DEPTHWISE_CONV_2D"
    tflite_options = "DepthwiseConv2DOptions"
    onnx_names = ("Conv",)
    weight_input, weight_axis, bias_input = 1, 3, 2
    constraints = (
        weighted_types,
        symmetric_int16,
        weights_constant,
        weights_symmetric,
        batch_one,
        channels_multiple,
        window_fits,
        kernel_rows,
        accumulator_fits,
        multiplier_fits,
    )

    def read_options(
        self, options: Any, inputs: Sequence[Tensor | None], output: Tensor
    ) -> WindowedAttrs:
        x, weights = inputs[0], inputs[1]
        assert x is not None and weights is not None and weights.shape[0] == 1
        window = Window(
            weights.shape[1],
            weights.shape[2],
            options.strideH,
            options.strideW,
            options.dilationHFactor,
            options.dilationWFactor,
        )
        return WindowedAttrs(
            read_padding(window, options.padding, x), Activation(options.fusedActivationFunction)
        )

    def write_options(self, view: View, options: Any) -> Any:
        window = view.attrs.window
        options.strideH, options.strideW = window.stride_h, window.stride_w
        options.dilationHFactor, options.dilationWFactor = window.dilation_h, window.dilation_w
        options.padding = write_padding(window, view.input(0))
        options.depthMultiplier = self.depth_multiplier(view)
        options.fusedActivationFunction = view.attrs.activation.value
        return options

    def tflite_version(self, view: View) -> int:
        return 3

    @staticmethod
    def depth_multiplier(view: View) -> int:
        """Output channels for each input channel."""
        return view.input(1).shape[3] // view.input(0).shape[3]

    def infer_shape(self, view: View) -> Shape:
        return windowed_shape(view.attrs.window, view.input(0).shape, view.input(1).shape[3])

    def run_float(self, view: View, inputs: Sequence[Array]) -> Array:
        out = self._products(view, inputs[0], inputs[1])
        if len(inputs) > 2:
            out = out + inputs[2]
        return clamp_float(view.attrs.activation, out)

    def run_int(self, view: View, inputs: Sequence[Array]) -> Array:
        x, weights = inputs[0].astype(np.int64) - view.input(0).zero_point, inputs[1]
        acc = self._products(view, x, weights.astype(np.int64))
        if len(inputs) > 2:
            acc = acc + inputs[2]
        multipliers, shifts = convolution_multipliers(view)
        out = rescaled(view.input(0), acc, multipliers, shifts) + view.output.zero_point
        clipped: Array = np.clip(out, *clamp_limits(view.attrs.activation, view.output))
        return clipped.astype(view.output.dtype.numpy)

    def _products(self, view: View, x: Array, weights: Array) -> Array:
        """Sums over the window, one tap at a time."""
        patches = windows(x, view.attrs.window, 0)
        multiplier = self.depth_multiplier(view)
        kernel_h, kernel_w = patches.shape[3:5]
        acc = np.zeros((*patches.shape[:3], weights.shape[3]), x.dtype)
        for ky in range(kernel_h):
            for kx in range(kernel_w):
                tap = np.repeat(patches[:, :, :, ky, kx], multiplier, axis=-1)
                acc += tap * weights[0, ky, kx]
        return acc

    def work(self, view: View) -> Work:
        _, kernel_h, kernel_w, _ = view.input(1).shape
        macs = view.output.elements * kernel_h * kernel_w
        return Work(macs=macs, accumulators=view.output.elements)

    def time_behaviour(self, view: View, time_axis: int) -> TimeBehaviour:
        return TimeBehaviour.WINDOWED if time_axis in (1, 2) else TimeBehaviour.OPAQUE

    def kernel_call(self, view: View) -> KernelCall:
        x, out = view.input(0), view.output
        return KernelCall(
            kernel=kernel_name("tk_depthwise_conv_2d", x),
            params=portable_params(view, {"depth_multiplier": self.depth_multiplier(view)}),
            inputs=(x.name,),
            outputs=(out.name,),
            work=_portable_work(view),
        )

    def dsp_calls(self, view: View) -> tuple[KernelCall, ...]:
        if view.input(0).dtype is not DType.INT8:
            return ()
        call = dsp.depthwise_conv_2d_call(view, *convolution_multipliers(view))
        return () if call is None else (call,)


def _portable_work(view: View) -> Work:
    """Padding is skipped; every kernel row of every output has a loop of its own."""
    _, in_h, in_w, _ = view.input(0).shape
    _, _, out_w, out_c = view.output.shape
    rows, columns = taps_inside(view.attrs.window, in_h, in_w)
    return Work(rows * columns * out_c, view.output.elements, rows * out_w * out_c)
