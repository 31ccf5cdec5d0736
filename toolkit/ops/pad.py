"""Padding with the real value 0 (PAD), int8 or int16, and what it shares with PADV2."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Generic, TypeVar

import numpy as np

from toolkit.ir import Shape, Tensor
from toolkit.ir.tensor import Array
from toolkit.ops.numerics.int16 import same_types
from toolkit.ops.parts.base import (
    KernelCall,
    Layout,
    NodeView,
    Operator,
    OutputRange,
    TimeBehaviour,
    Work,
)
from toolkit.ops.parts.channels import Bounds, Ties, same_channels
from toolkit.ops.parts.constraints import same_quantization
from toolkit.ops.parts.strided_copy import line_work

#: Dimensions of the kernel.
KERNEL_DIMS = 4


@dataclass(frozen=True)
class PadAttrs:
    """Elements to add (before, after) each dimension."""

    paddings: tuple[tuple[int, int], ...]


AttrsT = TypeVar("AttrsT", bound=PadAttrs)


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


class Padding(Operator[AttrsT], Generic[AttrsT]):
    """Base of PAD and PADV2."""

    onnx_names = ("Pad",)
    output_range = OutputRange.SAME_AS_INPUT
    layout = Layout.PER_AXIS
    constraints = (same_types, rank_at_most_four, same_quantization)

    @abstractmethod
    def fill(self, view: NodeView[AttrsT]) -> int:
        """What is added, of the quantised type."""

    def reordered(self, attrs: AttrsT, order: Sequence[int | None]) -> AttrsT:
        edges = tuple((0, 0) if axis is None else attrs.paddings[axis] for axis in order)
        return replace(attrs, paddings=edges)

    def write_options(self, view: NodeView[AttrsT], options: Any) -> Any:
        return options

    def tflite_constants(self, view: NodeView[AttrsT]) -> tuple[Array, ...]:
        return (np.array(view.attrs.paddings, np.int32),)

    def tflite_version(self, view: NodeView[AttrsT]) -> int:
        return 2

    def infer_shape(self, view: NodeView[AttrsT]) -> Shape:
        sizes = zip(view.input(0).shape, view.attrs.paddings, strict=True)
        return tuple(size + sum(edges) for size, edges in sizes)

    def run_int(self, view: NodeView[AttrsT], inputs: Sequence[Array]) -> Array:
        return np.pad(inputs[0], view.attrs.paddings, constant_values=self.fill(view))

    def channel_bounds(self, view: NodeView[AttrsT], inputs: Sequence[Bounds]) -> Bounds:
        *around, channels = view.attrs.paddings
        (x,), fill = inputs, self.fill(view)
        low, high = (np.pad(end, channels, constant_values=fill) for end in (x.low, x.high))
        padded, filled = Bounds(low, high), np.full_like(low, fill)
        return padded.joined(Bounds(filled, filled)) if any(map(any, around)) else padded

    def channel_ties(self, view: NodeView[AttrsT]) -> Ties | None:
        if any(view.attrs.paddings[-1]):
            return None
        return same_channels(view.inputs, view.output)

    def work(self, view: NodeView[AttrsT]) -> Work:
        return line_work(view)

    def time_behaviour(self, view: NodeView[AttrsT], time_axis: int) -> TimeBehaviour:
        padded = view.attrs.paddings[time_axis] != (0, 0)
        return TimeBehaviour.WINDOWED if padded else TimeBehaviour.ROW_LOCAL

    def kernel_call(self, view: NodeView[AttrsT]) -> KernelCall:
        x, missing = view.input(0), KERNEL_DIMS - len(view.input(0).shape)
        edges = ((0, 0),) * missing + view.attrs.paddings
        return KernelCall(
            kernel="tk_pad",
            params={
                "element_bytes": x.dtype.size_bytes,
                "dims": np.array((1,) * missing + x.shape, np.int32),
                "before": np.array([before for before, _ in edges], np.int32),
                "after": np.array([after for _, after in edges], np.int32),
                "value": self.fill(view),
            },
            inputs=(x.name,),
            outputs=(view.output.name,),
        )


class Pad(Padding[PadAttrs]):
    """Padding with the zero point."""

    name = "pad"
    tflite_name = "PAD"
    tflite_options = "PadOptions"
    scale_transparent = True

    def read_options(
        self, options: Any, inputs: Sequence[Tensor | None], output: Tensor
    ) -> PadAttrs:
        return PadAttrs(read_paddings(inputs))

    def run_float(self, view: NodeView[PadAttrs], inputs: Sequence[Array]) -> Array:
        return np.pad(inputs[0], view.attrs.paddings)

    def fill(self, view: NodeView[PadAttrs]) -> int:
        return view.output.zero_point
