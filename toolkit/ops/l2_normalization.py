"""L2 normalisation over the last axis (L2_NORMALIZATION), int8; outputs span [-1, 1)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from toolkit.ir import DType, Shape, Tensor
from toolkit.ir.tensor import Array
from toolkit.ops.numerics.fixed_point import requantize
from toolkit.ops.numerics.gemmlowp import inverse_root
from toolkit.ops.parts.base import KernelCall, NodeView, Operator, OutputRange, TimeBehaviour, Work
from toolkit.ops.parts.constraints import unary_types_int8

View = NodeView[None]

#: Scale and zero point of the output.
_OUTPUT_QUANT = (1 / 128, 0)
_OUTPUT_BITS = 7
#: Values whose squares an int32 sums.
MAX_VALUES = 32768
#: What TFLM's float kernel holds a sum of squares at, at least.
_EPSILON = 1e-6


def output_quantization(view: View) -> str | None:
    """the output must have scale 1/128 and zero point 0"""
    out = view.output
    good = (out.scale, out.zero_point) == _OUTPUT_QUANT
    return None if good else f"({out.scale:g}, {out.zero_point})"


def values_bounded(view: View) -> str | None:
    """the last axis must have at most 32768 values"""
    values = view.input(0).shape[-1]
    return None if values <= MAX_VALUES else str(values)


class L2Normalization(Operator[None]):
    """Each row of the last axis over the root of the sum of its squares."""

    name = "l2_normalization"
    tflite_name = "L2_NORMALIZATION"
    tflite_options = "L2NormOptions"
    on_last_axis = True
    takes_activation = False
    output_range = OutputRange.FIXED
    opaque_reason = "it normalises over time"
    constraints = (unary_types_int8, output_quantization, values_bounded)

    def read_options(self, options: Any, inputs: Sequence[Tensor | None], output: Tensor) -> None:
        if options.fusedActivationFunction:
            raise ValueError("an activation, which TFLM refuses")

    def write_options(self, view: View, options: Any) -> Any:
        return options

    def tflite_version(self, view: View) -> int:
        return 2

    def fixed_quant(self, view: View, dtype: DType) -> tuple[float, int]:
        return _OUTPUT_QUANT

    def infer_shape(self, view: View) -> Shape:
        return view.input(0).shape

    def run_float(self, view: View, inputs: Sequence[Array]) -> Array:
        squares = np.square(inputs[0]).sum(axis=-1, keepdims=True)
        return np.asarray(inputs[0] / np.maximum(np.sqrt(squares), np.float32(_EPSILON)))

    def run_int(self, view: View, inputs: Sequence[Array]) -> Array:
        x = inputs[0].astype(np.int64) - view.input(0).zero_point
        multiplier, shift = inverse_root((x * x).sum(axis=-1, keepdims=True))
        steps = requantize(x, multiplier, shift + _OUTPUT_BITS)
        return np.asarray(np.clip(steps, -128, 127), np.int8)

    def work(self, view: View) -> Work:
        elements = view.output.elements
        return Work(accumulators=elements // view.output.shape[-1], elementwise=2 * elements)

    def time_behaviour(self, view: View, time_axis: int) -> TimeBehaviour:
        last = time_axis == len(view.output.shape) - 1
        return TimeBehaviour.OPAQUE if last else TimeBehaviour.ROW_LOCAL

    def kernel_call(self, view: View) -> KernelCall:
        x, out = view.input(0), view.output
        return KernelCall(
            kernel="tk_l2_normalization_s8",
            params={
                "rows": out.elements // out.shape[-1],
                "depth": out.shape[-1],
                "in_zero_point": x.zero_point,
            },
            inputs=(x.name,),
            outputs=(out.name,),
        )
