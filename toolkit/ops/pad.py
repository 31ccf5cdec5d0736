"""Padding with the real value 0 (PAD), int8 or int16."""

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

#: Dimensions of the kernel.
KERNEL_DIMS = 4


@dataclass(frozen=True)
class PadAttrs:
    """Elements to add (before, after) each dimension."""

    paddings: tuple[tuple[int, int], ...]


View = NodeView[PadAttrs]


def rank_at_most_four(view: NodeView[Any]) -> str | None:
    """the input must have at most four dimensions"""
    rank = len(view.input(0).shape)
    return None if rank <= KERNEL_DIMS else str(rank)


def read_paddings(inputs: Sequence[Tensor | None]) -> tuple[tuple[int, int], ...]:
    paddings = inputs[1]
    assert paddings is not None
    rows = paddings.values.reshape(-1, 2)
    if rows.min(initial=0) < 0:
        raise ValueError("negative padding")
    return tuple((int(before), int(after)) for before, after in rows)


def padded_shape(x: Shape, paddings: tuple[tuple[int, int], ...]) -> Shape:
    return tuple(size + sum(edges) for size, edges in zip(x, paddings, strict=True))


def pad_kernel_call(
    view: NodeView[Any], paddings: tuple[tuple[int, int], ...], value: int
) -> KernelCall:
    x, missing = view.input(0), KERNEL_DIMS - len(view.input(0).shape)
    edges = ((0, 0),) * missing + paddings
    return KernelCall(
        kernel="tk_pad",
        params={
            "element_bytes": x.dtype.size_bytes,
            "dims": np.array((1,) * missing + x.shape, np.int32),
            "before": np.array([before for before, _ in edges], np.int32),
            "after": np.array([after for _, after in edges], np.int32),
            "value": value,
        },
        inputs=(x.name,),
        outputs=(view.output.name,),
    )


def pad_time_behaviour(paddings: tuple[tuple[int, int], ...], time_axis: int) -> TimeBehaviour:
    padded = paddings[time_axis] != (0, 0)
    return TimeBehaviour.WINDOWED if padded else TimeBehaviour.ROW_LOCAL


class Pad(Operator[PadAttrs]):
    """Padding with the zero point."""

    name = "pad"
    tflite_name = "PAD"
    tflite_options = "PadOptions"
    onnx_names = ("Pad",)
    output_range = OutputRange.SAME_AS_INPUT
    constraints = (same_types, rank_at_most_four, same_quantization)

    def read_options(
        self, options: Any, inputs: Sequence[Tensor | None], output: Tensor
    ) -> PadAttrs:
        return PadAttrs(read_paddings(inputs))

    def write_options(self, view: View, options: Any) -> Any:
        return options

    def tflite_constants(self, view: View) -> tuple[Array, ...]:
        return (np.array(view.attrs.paddings, np.int32),)

    def tflite_version(self, view: View) -> int:
        return 2

    def infer_shape(self, view: View) -> Shape:
        return padded_shape(view.input(0).shape, view.attrs.paddings)

    def run_float(self, view: View, inputs: Sequence[Array]) -> Array:
        return np.pad(inputs[0], view.attrs.paddings)

    def run_int(self, view: View, inputs: Sequence[Array]) -> Array:
        return np.pad(inputs[0], view.attrs.paddings, constant_values=view.output.zero_point)

    def work(self, view: View) -> Work:
        elements = view.output.elements
        return Work(accumulators=elements // view.output.shape[-1], elementwise=elements)

    def time_behaviour(self, view: View, time_axis: int) -> TimeBehaviour:
        return pad_time_behaviour(view.attrs.paddings, time_axis)

    def kernel_call(self, view: View) -> KernelCall:
        return pad_kernel_call(view, view.attrs.paddings, view.output.zero_point)
