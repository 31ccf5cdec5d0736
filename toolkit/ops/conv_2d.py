"""2-D convolution (CONV_2D), per-channel int8 weights; int8 activations with an int32
bias, or int16 with an int64 bias."""

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
from toolkit.ops.convolution import (
    convolution_multipliers,
    convolution_ratios,
    portable_params,
)
from toolkit.ops.int16 import (
    ACCUMULATOR_BITS,
    kernel_name,
    ratio_bounded,
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
from toolkit.ops.winograd import winograd2_call

Conv2DAttrs = WindowedAttrs
View = NodeView[WindowedAttrs]


def channels_match(view: View) -> str | None:
    """the input's channels must equal the weights'. Grouped convolution is depthwise or nothing"""
    have, want = view.input(0).shape[-1], view.input(1).shape[-1]
    return None if have == want else f"{have} input channels, weights for {want}"


def accumulator_fits(view: View) -> str | None:
    """no sum of products and bias may leave 32 bits (int16 activations: 47 bits), before or after
    it is rescaled"""
    bits = ACCUMULATOR_BITS[view.input(0).dtype]
    return sum_problem(view, 0, bits, max(convolution_ratios(view)))


def multiplier_fits(view: View) -> str | None:
    """with int16 activations, input scale * weight scale / output scale must be below 64"""
    return ratio_bounded(view.input(0), convolution_ratios(view))


class Conv2D(Operator[WindowedAttrs]):
    """Convolution over height and width of an NHWC tensor; weights OHWI."""

    name = "conv_2d"
    tflite_name = "CONV_2D"
    tflite_options = "Conv2DOptions"
    onnx_names = ("Conv",)
    weight_input, weight_axis, bias_input = 1, 0, 2
    constraints = (
        weighted_types,
        symmetric_int16,
        weights_constant,
        weights_symmetric,
        batch_one,
        channels_match,
        window_fits,
        kernel_rows,
        accumulator_fits,
        multiplier_fits,
    )

    def read_options(
        self, options: Any, inputs: Sequence[Tensor | None], output: Tensor
    ) -> WindowedAttrs:
        x, weights = inputs[0], inputs[1]
        assert x is not None and weights is not None
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
        options.fusedActivationFunction = view.attrs.activation.value
        return options

    def tflite_version(self, view: View) -> int:
        return 3

    def infer_shape(self, view: View) -> Shape:
        return windowed_shape(view.attrs.window, view.input(0).shape, view.input(1).shape[0])

    def run_float(self, view: View, inputs: Sequence[Array]) -> Array:
        x, weights = inputs[0], inputs[1]
        patches = windows(x, view.attrs.window, 0.0)
        out = np.tensordot(patches, weights, axes=((3, 4, 5), (1, 2, 3)))
        if len(inputs) > 2:
            out = out + inputs[2]
        return clamp_float(view.attrs.activation, out)

    def run_int(self, view: View, inputs: Sequence[Array]) -> Array:
        x, weights = inputs[0], inputs[1]
        zero = view.input(0).zero_point
        # Sums stay below 2**47, so float64 matrix products are exact.
        patches = windows(x.astype(np.float64) - zero, view.attrs.window, 0.0)
        acc = np.tensordot(patches, weights.astype(np.float64), axes=((3, 4, 5), (1, 2, 3)))
        if len(inputs) > 2:
            acc = acc + inputs[2]
        multipliers, shifts = convolution_multipliers(view)
        acc = acc.astype(np.int64)
        out = rescaled(view.input(0), acc, multipliers, shifts) + view.output.zero_point
        clipped: Array = np.clip(out, *clamp_limits(view.attrs.activation, view.output))
        return clipped.astype(view.output.dtype.numpy)

    def work(self, view: View) -> Work:
        out_h, out_w, out_c = view.output.shape[1:]
        _, kernel_h, kernel_w, in_c = view.input(1).shape
        macs = out_h * out_w * out_c * kernel_h * kernel_w * in_c
        return Work(macs=macs, accumulators=view.output.elements)

    def time_behaviour(self, view: View, time_axis: int) -> TimeBehaviour:
        return TimeBehaviour.WINDOWED if time_axis in (1, 2) else TimeBehaviour.OPAQUE

    def kernel_call(self, view: View) -> KernelCall:
        x, out = view.input(0), view.output
        return KernelCall(
            kernel=kernel_name("tk_conv_2d", x),
            params=portable_params(view, {"out_c": out.shape[3]}),
            inputs=(x.name,),
            outputs=(out.name,),
            work=_portable_work(view),
        )

    def dsp_calls(self, view: View) -> tuple[KernelCall, ...]:
        if view.input(0).dtype is not DType.INT8:
            return ()
        multipliers, shifts = convolution_multipliers(view)
        calls = [dsp.conv_2d_call(view, multipliers, shifts, bits) for bits in (8, 16)]
        calls.append(dsp.conv_2d_short_call(view, multipliers, shifts))
        calls.append(winograd2_call(view))
        return tuple(call for call in calls if call is not None)


def _portable_work(view: View) -> Work:
    """Padding is skipped; every kernel row of every output has a loop of its own (``elementwise``),
    where dilated every tap."""
    window, (_, in_h, in_w, in_c), out_c = (
        view.attrs.window,
        view.input(0).shape,
        view.output.shape[3],
    )
    rows, columns = taps_inside(window, in_h, in_w)
    loops = rows * (view.output.shape[2] if window.dilation_w == 1 else columns) * out_c
    return Work(rows * columns * in_c * out_c, view.output.elements, loops)
