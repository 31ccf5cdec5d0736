"""Padding with a stated value (PADV2), int8."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from toolkit.ir import Shape, Tensor
from toolkit.ir.tensor import Array
from toolkit.ops.base import KernelCall, NodeView, Operator, OutputRange, TimeBehaviour, Work
from toolkit.ops.constraints import same_quantization
from toolkit.ops.int16 import same_types
from toolkit.ops.pad import (
    pad_kernel_call,
    pad_time_behaviour,
    padded_shape,
    rank_at_most_four,
    read_paddings,
)


@dataclass(frozen=True)
class PadV2Attrs:
    """Elements to add (before, after) each dimension, and what: an integer of the quantised
    type, or a real number in a float graph."""

    paddings: tuple[tuple[int, int], ...]
    value: int | float


View = NodeView[PadV2Attrs]


class PadV2(Operator[PadV2Attrs]):
    """Padding with any value of the input's quantisation."""

    name = "pad_v2"
    tflite_name = "PADV2"
    tflite_options = "PadV2Options"
    onnx_names = ("Pad",)
    output_range = OutputRange.SAME_AS_INPUT
    constraints = (same_types, rank_at_most_four, same_quantization)

    def read_options(
        self, options: Any, inputs: Sequence[Tensor | None], output: Tensor
    ) -> PadV2Attrs:
        value = inputs[2]
        assert value is not None
        if value.dtype is not output.dtype or value.quant != output.quant:
            raise ValueError("the padding value is quantised otherwise than the output")
        return PadV2Attrs(read_paddings(inputs), value.values.item())

    def write_options(self, view: View, options: Any) -> Any:
        return options

    def tflite_constants(self, view: View) -> tuple[Array, ...]:
        value = np.array([view.attrs.value], view.output.dtype.numpy)
        return (np.array(view.attrs.paddings, np.int32), value)

    def tflite_version(self, view: View) -> int:
        return 2

    def infer_shape(self, view: View) -> Shape:
        return padded_shape(view.input(0).shape, view.attrs.paddings)

    def run_float(self, view: View, inputs: Sequence[Array]) -> Array:
        value = np.float32(view.attrs.value)
        return np.pad(inputs[0], view.attrs.paddings, constant_values=value)

    def run_int(self, view: View, inputs: Sequence[Array]) -> Array:
        return np.pad(inputs[0], view.attrs.paddings, constant_values=int(view.attrs.value))

    def work(self, view: View) -> Work:
        elements = view.output.elements
        return Work(accumulators=elements // view.output.shape[-1], elementwise=elements)

    def time_behaviour(self, view: View, time_axis: int) -> TimeBehaviour:
        return pad_time_behaviour(view.attrs.paddings, time_axis)

    def kernel_call(self, view: View) -> KernelCall:
        return pad_kernel_call(view, view.attrs.paddings, int(view.attrs.value))
