"""Dense layer (FULLY_CONNECTED): int8 activations with int32 bias, or int16 with int64 bias."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from toolkit.ir import DType, Shape, Tensor
from toolkit.ir.tensor import Array
from toolkit.ops.numerics.activation import Activation, clamp_float, clamp_limits
from toolkit.ops.numerics.fixed_point import quantize_multipliers
from toolkit.ops.numerics.int16 import (
    ACCUMULATOR_BITS,
    kernel_name,
    no_bias,
    output_ratios,
    ratio_bounded,
    rescaled,
    weighted_types,
)
from toolkit.ops.parts.base import KernelCall, NodeView, Operator, TimeBehaviour, Work
from toolkit.ops.parts.channels import Bounds, any_value, channel_count, thinned
from toolkit.ops.parts.constraints import sum_problem, weights_constant, weights_symmetric
from toolkit.ops.parts.weighted import centred, dense_bounds, thinned_outputs
from toolkit.ops.variants.as_convolution import pixels_of
from toolkit.ops.variants.conv_2d_s16_blocked import conv_2d_s16_blocked_call
from toolkit.ops.variants.fully_connected_s8_blocked import fully_connected_blocked_call
from toolkit.ops.variants.fully_connected_s8_dsp import fully_connected_call
from toolkit.ops.variants.fully_connected_s16_dsp import fully_connected_s16_call
from toolkit.ops.variants.problems import rescaling_problem


@dataclass(frozen=True)
class FullyConnectedAttrs:
    """Fused activation, and whether the output keeps the input's leading dimensions."""

    activation: Activation = Activation.NONE
    keep_num_dims: bool = False


View = NodeView[FullyConnectedAttrs]


def weights_matrix(view: View) -> str | None:
    """weights must be a matrix (outputs, inputs) whose inputs divide the activation"""
    x, weights = view.input(0), view.input(1)
    good = len(weights.shape) == 2 and x.elements % weights.shape[1] == 0
    return None if good else f"weights {list(weights.shape)} for input {list(x.shape)}"


def scale_per_output(view: View) -> str | None:
    """weights must have one scale, or one an output"""
    quant = view.input(1).quant
    good = quant is not None and quant.axis in (None, 0)
    return None if good else f"scales {quant and f'along dimension {quant.axis}'}"


def accumulator_fits(view: View) -> str | None:
    """no sum of products and bias may leave 32 bits (int16 activations: 47 bits), before or after
    it is rescaled"""
    bits = ACCUMULATOR_BITS[view.input(0).dtype]
    return sum_problem(view, 0, bits, _ratios(view))


def multiplier_fits(view: View) -> str | None:
    """with int16 activations, input scale * weight scale / output scale must be below 64"""
    return ratio_bounded(view.input(0), _ratios(view))


class FullyConnected(Operator[FullyConnectedAttrs]):
    """Matrix product with constant weights [outputs, inputs]; leading dimensions are batches."""

    name = "fully_connected"
    tflite_name = "FULLY_CONNECTED"
    tflite_options = "FullyConnectedOptions"
    onnx_names = ("Einsum", "Gemm", "MatMul", "Resize")
    int16_follows = True
    weight_input, weight_axis, bias_input = 1, None, 2
    opaque_reason = "a dense layer over flattened time exists for one clip length only"
    constraints = (
        weighted_types,
        weights_constant,
        weights_symmetric,
        weights_matrix,
        scale_per_output,
        accumulator_fits,
        multiplier_fits,
    )

    def read_options(
        self, options: Any, inputs: Sequence[Tensor | None], output: Tensor
    ) -> FullyConnectedAttrs:
        if options.weightsFormat != 0:
            raise ValueError("shuffled weights")
        return FullyConnectedAttrs(
            Activation(options.fusedActivationFunction), bool(options.keepNumDims)
        )

    def write_options(self, view: View, options: Any) -> Any:
        options.fusedActivationFunction = view.attrs.activation.value
        options.keepNumDims = view.attrs.keep_num_dims
        return options

    def tflite_version(self, view: View) -> int:
        weights = view.input(1)
        if weights.quant is not None and len(weights.quant.scale) > 1:
            return 12
        return 7 if view.input(0).dtype is DType.INT16 else 4

    def infer_shape(self, view: View) -> Shape:
        x, (outputs, depth) = view.input(0), view.input(1).shape
        if view.attrs.keep_num_dims:
            return (*x.shape[:-1], outputs)
        return (x.elements // depth, outputs)

    def run_float(self, view: View, inputs: Sequence[Array]) -> Array:
        x, weights = inputs[0], inputs[1]
        out = x.reshape(-1, weights.shape[1]) @ weights.T
        if len(inputs) > 2:
            out = out + inputs[2]
        return clamp_float(view.attrs.activation, out).reshape(self.infer_shape(view))

    def run_int(self, view: View, inputs: Sequence[Array]) -> Array:
        x, weights = inputs[0], inputs[1]
        # Sums stay below 2**47, so float64 matrix products are exact.
        rows = x.reshape(-1, weights.shape[1]).astype(np.float64) - view.input(0).zero_point
        acc = (rows @ weights.T.astype(np.float64)).astype(np.int64)
        if len(inputs) > 2:
            acc = acc + inputs[2]
        out = rescaled(view.input(0), acc, *self.multipliers(view)) + view.output.zero_point
        clipped: Array = np.clip(out, *clamp_limits(view.attrs.activation, view.output))
        return clipped.astype(x.dtype).reshape(view.output.shape)

    def channel_bounds(self, view: View, inputs: Sequence[Bounds]) -> Bounds:
        weights = self.channel_weights(view)
        if weights is None:
            return any_value(view.output)
        ends = centred(view.input(0), inputs[0], padded=False)
        return dense_bounds(view, weights, ends, self.multipliers(view))

    def channel_weights(self, view: View) -> Array | None:
        outputs, depth = view.input(1).shape
        channels = channel_count(view.input(0))
        if depth % channels:
            return None  # rows of the matrix and channels do not meet
        return view.input(1).values.reshape(outputs, depth // channels, channels)

    def with_channels(self, view: View, inputs: Sequence[Array | None], output: Array) -> View:
        x, weights, *bias = thinned_outputs(view, 0, output)
        assert weights is not None and inputs[0] is not None
        kept = np.tile(inputs[0], weights.shape[1] // len(inputs[0]))
        return replace(view, inputs=(x, thinned(weights, 1, kept), *bias))

    @staticmethod
    def multipliers(view: View) -> tuple[Array, Array]:
        """Requantisation of each output."""
        return quantize_multipliers(_ratios(view))

    def work(self, view: View) -> Work:
        macs = view.output.elements * view.input(1).shape[1]
        return Work(macs=macs, accumulators=view.output.elements)

    def time_behaviour(self, view: View, time_axis: int) -> TimeBehaviour:
        """Row-local only where each time step is a whole number of batches."""
        x = view.input(0)
        keeps = view.output.shape[: time_axis + 1] == x.shape[: time_axis + 1]
        before_last = time_axis < len(x.shape) - 1
        whole = x.shape[-1] == view.input(1).shape[1]
        return TimeBehaviour.ROW_LOCAL if keeps and before_last and whole else TimeBehaviour.OPAQUE

    def kernel_call(self, view: View) -> KernelCall:
        x, weights, bias, out = view.input(0), view.input(1), view.optional(2), view.output
        outputs, inputs = weights.shape
        multipliers, shifts = self.multipliers(view)
        low, high = clamp_limits(view.attrs.activation, out)
        return KernelCall(
            kernel=kernel_name("tk_fully_connected", x),
            params={
                "batches": x.elements // inputs,
                "inputs": inputs,
                "outputs": outputs,
                "in_zero_point": x.zero_point,
                "out_zero_point": out.zero_point,
                "out_min": low,
                "out_max": high,
                "weights": weights.values,
                "bias": bias.values if bias is not None else no_bias(x, outputs),
                "multipliers": multipliers,
                "shifts": shifts,
            },
            inputs=(x.name,),
            outputs=(out.name,),
        )

    def blocked_calls(self, view: View) -> tuple[KernelCall, ...]:
        if view.input(0).dtype is DType.INT8:
            call = fully_connected_blocked_call(view, *self.multipliers(view))
        else:
            pixels = pixels_of(view, view.attrs.activation)
            call = conv_2d_s16_blocked_call(pixels, *self.multipliers(view))
        return () if call is None else (call,)

    def fast_problem(self, view: View) -> str | None:
        return rescaling_problem(view, 0, *self.multipliers(view))

    def dsp_calls(self, view: View) -> tuple[KernelCall, ...]:
        multipliers, shifts = self.multipliers(view)
        if view.input(0).dtype is not DType.INT8:
            wide = fully_connected_s16_call(view, multipliers, shifts)
            return () if wide is None else (wide,)
        calls = (fully_connected_call(view, multipliers, shifts, bits) for bits in (8, 16))
        return tuple(call for call in calls if call is not None)


def _ratios(view: View) -> list[float]:
    return output_ratios(view, view.input(1).shape[0])
