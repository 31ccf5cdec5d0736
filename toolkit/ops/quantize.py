"""Change of quantisation (QUANTIZE) between int8 and int16."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from toolkit.ir import DType, Shape, Tensor
from toolkit.ir.tensor import Array
from toolkit.ir.tensor import quantize as quantize_real
from toolkit.ops.numerics.fixed_point import quantize_multiplier, requantize
from toolkit.ops.parts.base import KernelCall, Layout, NodeView, Operator, TimeBehaviour, Work
from toolkit.ops.parts.channels import Bounds, Ties, same_channels
from toolkit.ops.parts.constraints import rescale_bounded
from toolkit.ops.parts.lookup import INT8_VALUES

View = NodeView[None]

_SUFFIX = {DType.INT8: "s8", DType.INT16: "s16"}


def types(view: View) -> str | None:
    """input and output must be int8 or int16. Quantise the model's inputs before the device"""
    good = view.input(0).dtype in _SUFFIX and view.output.dtype in _SUFFIX
    return None if good else f"{view.input(0).dtype.value} to {view.output.dtype.value}"


class Quantize(Operator[None]):
    """The same real values in another scale, zero point or width."""

    name = "quantize"
    tflite_name = "QUANTIZE"
    tflite_options = "QuantizeOptions"
    onnx_names = ("QuantizeLinear",)
    layout = Layout.ELEMENTWISE
    constraints = (types, rescale_bounded)

    def read_options(self, options: Any, inputs: Sequence[Tensor | None], output: Tensor) -> None:
        return None

    def write_options(self, view: View, options: Any) -> Any:
        return options

    def tflite_version(self, view: View) -> int:
        return 1 if view.input(0).dtype is DType.FLOAT32 else 2

    def infer_shape(self, view: View) -> Shape:
        return view.input(0).shape

    def run_float(self, view: View, inputs: Sequence[Array]) -> Array:
        return inputs[0]

    def run_int(self, view: View, inputs: Sequence[Array]) -> Array:
        x, out = view.input(0), view.output
        if x.dtype is DType.FLOAT32:
            assert out.quant is not None
            return quantize_real(inputs[0], out.quant, out.dtype)
        scaled = requantize(inputs[0].astype(np.int64) - x.zero_point, *self.multiplier(view))
        clipped: Array = np.clip(scaled + out.zero_point, *out.dtype.limits)
        return clipped.astype(out.dtype.numpy)

    def channel_bounds(self, view: View, inputs: Sequence[Bounds]) -> Bounds:
        (x,) = inputs
        low, high = (self.run_int(view, (ends,)).astype(np.int64) for ends in (x.low, x.high))
        return Bounds(low, high)

    def channel_ties(self, view: View) -> Ties:
        return same_channels(view.inputs, view.output)

    @staticmethod
    def multiplier(view: View) -> tuple[int, int]:
        return quantize_multiplier(view.input(0).scale / view.output.scale)

    def work(self, view: View) -> Work:
        return Work(elementwise=view.output.elements)

    def time_behaviour(self, view: View, time_axis: int) -> TimeBehaviour:
        return TimeBehaviour.ROW_LOCAL

    def kernel_call(self, view: View) -> KernelCall:
        x, out = view.input(0), view.output
        if x.dtype is out.dtype is DType.INT8:
            return KernelCall(
                kernel="tk_lookup_s8",
                params={"count": out.elements, "table": self.run_int(view, (INT8_VALUES,))},
                inputs=(x.name,),
                outputs=(out.name,),
            )
        multiplier, shift = self.multiplier(view)
        return KernelCall(
            kernel=f"tk_quantize_{_SUFFIX[x.dtype]}_{_SUFFIX[out.dtype]}",
            params={
                "count": out.elements,
                "in_zero_point": x.zero_point,
                "out_zero_point": out.zero_point,
                "multiplier": multiplier,
                "shift": shift,
            },
            inputs=(x.name,),
            outputs=(out.name,),
        )
