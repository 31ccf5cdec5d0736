"""Rectifier with one slope below 0 (LEAKY_RELU), int8."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from toolkit.ir import Tensor
from toolkit.ir.tensor import Array
from toolkit.ops.numerics.fixed_point import quantize_multiplier, requantize
from toolkit.ops.parts.base import NodeView
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
    constraints = (*Lookup.constraints, rescale_bounded, slope_bounded)

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

    def run_int(self, view: View, inputs: Sequence[Array]) -> Array:
        x, out = view.input(0), view.output
        values = inputs[0].astype(np.int64) - x.zero_point
        ratio = float(x.scale) / float(out.scale)
        alpha = float(np.float32(view.attrs.alpha))
        above = requantize(values, *quantize_multiplier(ratio))
        below = requantize(values, *quantize_multiplier(x.scale * alpha / out.scale))
        made = np.where(values >= 0, above, below) + out.zero_point
        return np.asarray(np.clip(made, -128, 127), np.int8)
