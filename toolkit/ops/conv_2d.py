"""2-D convolution (CONV_2D), per-channel int8 weights; int8 activations with an int32
bias, or int16 with an int64 bias."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from toolkit.ir.tensor import Array
from toolkit.ops.numerics.int16 import kernel_name
from toolkit.ops.parts.base import KernelCall, NodeView, Work
from toolkit.ops.parts.channels import Bounds, thinned
from toolkit.ops.parts.convolution import (
    Convolution,
    View,
    convolution_constraints,
    convolution_multipliers,
    portable_params,
)
from toolkit.ops.parts.weighted import centred, dense_bounds, thinned_outputs
from toolkit.ops.parts.window import WindowedAttrs, taps_inside
from toolkit.ops.variants.as_dense import as_dense
from toolkit.ops.variants.convolutions import blocked_convolutions, dsp_convolutions
from toolkit.ops.variants.problems import rescaling_problem

Conv2DAttrs = WindowedAttrs


def channels_match(view: View) -> str | None:
    """the input's channels must equal the weights'. Grouped convolution is depthwise or nothing"""
    have, want = view.input(0).shape[-1], view.input(1).shape[-1]
    return None if have == want else f"{have} input channels, weights for {want}"


class Conv2D(Convolution):
    """Convolution over height and width of an NHWC tensor; weights OHWI."""

    name = "conv_2d"
    tflite_name = "CONV_2D"
    tflite_options = "Conv2DOptions"
    weight_axis = 0
    constraints = convolution_constraints(channels_match, 0)

    def products(self, view: View, patches: Array, weights: Array) -> Array:
        return np.tensordot(patches, weights, axes=((3, 4, 5), (1, 2, 3)))

    def channel_bounds(self, view: View, inputs: Sequence[Bounds]) -> Bounds:
        ends = centred(view.input(0), inputs[0], view.attrs.window.is_padded)
        return dense_bounds(view, self.channel_weights(view), ends, convolution_multipliers(view))

    def channel_weights(self, view: View) -> Array:
        out_c, *_, in_c = view.input(1).shape
        return view.input(1).values.reshape(out_c, -1, in_c)

    def pads(self, view: View) -> bool:
        return view.attrs.window.is_padded

    def with_channels(self, view: View, inputs: Sequence[Array | None], output: Array) -> View:
        x, weights, *bias = thinned_outputs(view, 0, output)
        assert weights is not None and inputs[0] is not None
        return replace(view, inputs=(x, thinned(weights, 3, inputs[0]), *bias))

    def work(self, view: View) -> Work:
        out_h, out_w, out_c = view.output.shape[1:]
        _, kernel_h, kernel_w, in_c = view.input(1).shape
        macs = out_h * out_w * out_c * kernel_h * kernel_w * in_c
        return Work(macs=macs, accumulators=view.output.elements)

    def kernel_call(self, view: View) -> KernelCall:
        x, out = view.input(0), view.output
        return KernelCall(
            kernel=kernel_name("tk_conv_2d", x),
            params=portable_params(view, {"out_c": out.shape[3]}),
            inputs=(x.name,),
            outputs=(out.name,),
            work=_portable_work(view),
        )

    def on_whole(self, view: View) -> NodeView[Any]:
        return as_dense(view) or super().on_whole(view)

    def blocked_calls(self, view: View) -> tuple[KernelCall, ...]:
        return blocked_convolutions(view)

    def fast_problem(self, view: View) -> str | None:
        return rescaling_problem(view, 0, *convolution_multipliers(view))

    def dsp_calls(self, view: View) -> tuple[KernelCall, ...]:
        return dsp_convolutions(view)


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
