"""Rectifier with one slope below 0 (LEAKY_RELU), int8 or int16."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from toolkit.ir import DType, Tensor
from toolkit.ir.tensor import Array
from toolkit.ops.numerics.fixed_point import quantize_multiplier, requantize
from toolkit.ops.numerics.int16 import same_types, symmetric_int16
from toolkit.ops.parts.base import KernelCall, NodeView
from toolkit.ops.parts.channels import Bounds
from toolkit.ops.parts.constraints import rescale_bounded
from toolkit.ops.parts.lookup import Lookup


@dataclass(frozen=True)
class LeakyReluAttrs:
    """The slope below 0."""

    alpha: float


View = NodeView[LeakyReluAttrs]


def slope_bounded(view: View) -> str | None:
    """the slope must be positive and at most 1"""
    return None if 0 < view.attrs.alpha <= 1 else f"{view.attrs.alpha:g}"


class LeakyRelu(Lookup[LeakyReluAttrs]):
    """x where it is positive, else x times a slope."""

    name = "leaky_relu"
    tflite_name = "LEAKY_RELU"
    tflite_options = "LeakyReluOptions"
    onnx_names = ("LeakyRelu",)
    function = "leaky_relu"
    scale_transparent = True
    constraints = (same_types, symmetric_int16, rescale_bounded, slope_bounded)

    def read_options(
        self, options: Any, inputs: Sequence[Tensor | None], output: Tensor
    ) -> LeakyReluAttrs:
        return LeakyReluAttrs(float(np.float32(options.alpha)))

    def write_options(self, view: View, options: Any) -> Any:
        options.alpha = view.attrs.alpha
        return options

    def function_numbers(self, attrs: LeakyReluAttrs) -> tuple[float, ...]:
        return (attrs.alpha,)

    def run_float(self, view: View, inputs: Sequence[Array]) -> Array:
        x = inputs[0]
        return np.asarray(np.where(x < 0, x * np.float32(view.attrs.alpha), x), np.float32)

    def channel_bounds(self, view: View, inputs: Sequence[Bounds]) -> Bounds:
        """It rises."""
        (x,) = inputs
        low, high = (self.run_int(view, (ends,)).astype(np.int64) for ends in (x.low, x.high))
        return Bounds(low, high)

    def run_int(self, view: View, inputs: Sequence[Array]) -> Array:
        x, out = view.input(0), view.output
        values = inputs[0].astype(np.int64) - x.zero_point
        (above, below) = _multipliers(view)
        made = np.where(values >= 0, requantize(values, *above), requantize(values, *below))
        return np.asarray(np.clip(made + out.zero_point, *out.dtype.limits), out.dtype.numpy)

    def kernel_call(self, view: View) -> KernelCall:
        x, out = view.input(0), view.output
        if x.dtype is DType.INT8:
            return super().kernel_call(view)
        (above, below) = _multipliers(view)
        return KernelCall(
            kernel="tk_leaky_relu_s16",
            params={
                "count": out.elements,
                "above_multiplier": above[0],
                "above_shift": above[1],
                "below_multiplier": below[0],
                "below_shift": below[1],
            },
            inputs=(x.name,),
            outputs=(out.name,),
        )


def _multipliers(view: View) -> tuple[tuple[int, int], tuple[int, int]]:
    """Of values above 0 and below."""
    ratio = float(view.input(0).scale) / float(view.output.scale)
    alpha = float(np.float32(view.attrs.alpha))
    below = view.input(0).scale * alpha / view.output.scale
    return quantize_multiplier(ratio), quantize_multiplier(below)
