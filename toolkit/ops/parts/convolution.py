"""What the convolutions share: attributes, requantisation, arithmetic, parameters of kernels."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from toolkit.ir import Shape, Tensor
from toolkit.ir.tensor import Array
from toolkit.ops.numerics.activation import Activation, clamp_float, clamp_limits
from toolkit.ops.numerics.fixed_point import quantize_multipliers
from toolkit.ops.numerics.int16 import (
    ACCUMULATOR_BITS,
    kernel_params,
    no_bias,
    output_ratios,
    ratio_bounded,
    rescaled,
    symmetric_int16,
    weighted_types,
)
from toolkit.ops.parts.base import Constraint, NodeView, Operator, TimeBehaviour
from toolkit.ops.parts.constraints import (
    batch_one,
    kernel_rows,
    laid_down,
    sum_problem,
    weights_constant,
    weights_symmetric,
    window_fits,
)
from toolkit.ops.parts.window import (
    Window,
    WindowedAttrs,
    read_padding,
    window_fields,
    windowed_shape,
    windows,
    write_padding,
)

View = NodeView[WindowedAttrs]

#: What the integer reference works on at once: windows, and the steps of rescaling their sums.
_ROWS_BYTES, _STEPS = 1 << 21, 10


def convolution_ratios(view: NodeView[Any]) -> list[float]:
    """Rescaling of each output channel, see `output_ratios`."""
    return output_ratios(view, view.output.shape[-1])


def convolution_multipliers(view: NodeView[Any]) -> tuple[Array, Array]:
    """Per-output-channel requantisation."""
    return quantize_multipliers(convolution_ratios(view))


def multiplier_fits(view: View) -> str | None:
    """with int16 activations, input scale * weight scale / output scale must be below 64"""
    return ratio_bounded(view.input(0), convolution_ratios(view))


def convolution_constraints(channels: Constraint, channel_axis: int) -> tuple[Constraint, ...]:
    """The rules of a convolution; ``channels`` is about its channels, ``channel_axis`` is that of
    the output channels in the weights."""

    def accumulator_fits(view: View) -> str | None:
        """no sum of products and bias may leave 32 bits (int16 activations: 47 bits), before or
        after it is rescaled"""
        bits = ACCUMULATOR_BITS[view.input(0).dtype]
        return sum_problem(view, channel_axis, bits, convolution_ratios(view))

    return (
        weighted_types,
        symmetric_int16,
        weights_constant,
        weights_symmetric,
        batch_one,
        channels,
        window_fits,
        kernel_rows,
        accumulator_fits,
        multiplier_fits,
    )


class Convolution(Operator[WindowedAttrs]):
    """Base of the convolutions over height and width of an NHWC tensor; ``weight_axis`` is that of
    the output channels."""

    onnx_names = ("Conv", "ConvTranspose")
    weight_input, bias_input = 1, 2

    @abstractmethod
    def products(self, view: View, patches: Array, weights: Array) -> Array:
        """Sums of products over some rows of `windows`, whose padding is 0, in their own type."""

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
        assert self.weight_axis is not None
        channels = view.input(1).shape[self.weight_axis]
        return windowed_shape(view.attrs.window, view.input(0).shape, channels)

    def run_float(self, view: View, inputs: Sequence[Array]) -> Array:
        out = self.products(view, windows(inputs[0], view.attrs.window, 0), inputs[1])
        if len(inputs) > 2:
            out = out + inputs[2]
        return clamp_float(view.attrs.activation, out)

    def run_int(self, view: View, inputs: Sequence[Array]) -> Array:
        # Sums stay below 2**47, so float64 is exact; some rows at a time bound what it takes.
        weights, zero = inputs[1].astype(np.float64), view.input(0).zero_point
        bias = inputs[2] if len(inputs) > 2 else 0
        multipliers, shifts = convolution_multipliers(view)
        limits = clamp_limits(view.attrs.activation, view.output)
        patches = windows(inputs[0], view.attrs.window, zero)
        out = np.empty((*patches.shape[:3], view.output.shape[3]), view.output.dtype.numpy)
        row_values = patches[:, :1].size + _STEPS * out[:, :1].size
        rows = max(1, _ROWS_BYTES // (8 * row_values))
        for first in range(0, patches.shape[1], rows):
            part = patches[:, first : first + rows].astype(np.float64) - zero
            sums = (self.products(view, part, weights) + bias).astype(np.int64)
            scaled = rescaled(view.input(0), sums, multipliers, shifts) + view.output.zero_point
            out[:, first : first + rows] = np.clip(scaled, *limits)
        return out

    def on_whole(self, view: View) -> NodeView[Any]:
        return laid_down(view)

    def time_behaviour(self, view: View, time_axis: int) -> TimeBehaviour:
        return TimeBehaviour.WINDOWED if time_axis in (1, 2) else TimeBehaviour.OPAQUE


def output_fields(view: View) -> dict[str, int]:
    """Fields of a kernel's parameters about its input's and output's values."""
    low, high = clamp_limits(view.attrs.activation, view.output)
    return {
        "in_zero_point": view.input(0).zero_point,
        "out_zero_point": view.output.zero_point,
        "out_min": low,
        "out_max": high,
    }


def portable_params(view: View, channels: Mapping[str, int]) -> Mapping[str, int | Array]:
    """Fields of a portable kernel's parameters; ``channels`` says how outputs count theirs."""
    x, out = view.input(0), view.output
    multipliers, shifts = convolution_multipliers(view)
    bias = view.optional(2)
    params: dict[str, int | Array] = {
        "in_h": x.shape[1],
        "in_w": x.shape[2],
        "in_c": x.shape[3],
        "out_h": out.shape[1],
        "out_w": out.shape[2],
        **channels,
        **window_fields(view.attrs.window, dilated=True),
        **output_fields(view),
        "weights": view.input(1).values,
        "bias": bias.values if bias is not None else no_bias(x, out.shape[3]),
        "multipliers": multipliers,
        "shifts": shifts,
    }
    return kernel_params(x, params)
