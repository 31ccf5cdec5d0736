"""Joining tensors along an axis (CONCATENATION), int8 and int16: a copy, never a rescale.

TFLM demands equal int8 parameters and looks at no int16 scale; here int16 scales must be equal too.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import reduce
from typing import Any

import numpy as np

from toolkit.ir import DType, Shape, Tensor
from toolkit.ir.tensor import Array
from toolkit.ops.numerics.int16 import same_types
from toolkit.ops.parts.base import KernelCall, NodeView, Operator, TimeBehaviour, Work
from toolkit.ops.parts.channels import Bounds, Ties, channel_count, same_channels

#: Inputs the kernel takes.
MAX_INPUTS = 4


@dataclass(frozen=True)
class ConcatenationAttrs:
    """The axis along which the inputs follow one another, counted from the front."""

    axis: int


View = NodeView[ConcatenationAttrs]


def same_quantisation(view: View) -> str | None:
    """all inputs must have the output's scale and zero point"""
    different = [t.name for t in view.inputs if t is not None and t.quant != view.output.quant]
    return f"other parameters at {', '.join(map(repr, different))}" if different else None


def input_count(view: View) -> str | None:
    """2 to 4 inputs"""
    return None if 2 <= len(view.inputs) <= MAX_INPUTS else str(len(view.inputs))


def inputs_computed(view: View) -> str | None:
    """inputs must not be constants"""
    constant = [t.name for t in view.inputs if t is not None and t.is_constant]
    return f"constant {constant[0]!r}" if constant else None


class Concatenation(Operator[ConcatenationAttrs]):
    """Interleaves blocks of the inputs: for every index before the axis, one block of each."""

    name = "concatenation"
    tflite_name = "CONCATENATION"
    tflite_options = "ConcatenationOptions"
    onnx_names = ("Concat", "Gather", "Pad", "Resize", "ScatterND")
    one_scale = True
    int16_follows = True
    opaque_reason = "it joins tensors along time"
    constraints = (same_types, same_quantisation, input_count, inputs_computed)

    def read_options(
        self, options: Any, inputs: Sequence[Tensor | None], output: Tensor
    ) -> ConcatenationAttrs:
        rank = len(output.shape)
        if options.fusedActivationFunction:
            raise ValueError("a fused activation, which TFLM's concatenation has not")
        if not -rank <= options.axis < rank:
            raise ValueError(f"axis {options.axis} of {rank} dimensions")
        return ConcatenationAttrs(options.axis % rank)

    def write_options(self, view: View, options: Any) -> Any:
        options.axis = view.attrs.axis
        return options

    def tflite_version(self, view: View) -> int:
        return 3 if view.output.dtype is DType.INT16 else 2

    def infer_shape(self, view: View) -> Shape:
        axis, shapes = view.attrs.axis, [view.input(i).shape for i in range(len(view.inputs))]
        others = {(*shape[:axis], *shape[axis + 1 :]) for shape in shapes}
        if len(others) != 1 or len({len(shape) for shape in shapes}) != 1:
            raise ValueError(f"shapes {[list(shape) for shape in shapes]} differ beside the axis")
        first = shapes[0]
        return (*first[:axis], sum(shape[axis] for shape in shapes), *first[axis + 1 :])

    def run_float(self, view: View, inputs: Sequence[Array]) -> Array:
        return np.concatenate(inputs, axis=view.attrs.axis)

    def run_int(self, view: View, inputs: Sequence[Array]) -> Array:
        return self.run_float(view, inputs)

    def channel_bounds(self, view: View, inputs: Sequence[Bounds]) -> Bounds:
        if self._joins_channels(view):
            low, high = ([getattr(b, end) for b in inputs] for end in ("low", "high"))
            return Bounds(np.concatenate(low), np.concatenate(high))
        return reduce(Bounds.joined, inputs)

    def channel_ties(self, view: View) -> Ties:
        if not self._joins_channels(view):
            return same_channels(view.inputs, view.output)
        labels = np.arange(channel_count(view.output))
        ends = np.cumsum([channel_count(view.input(i)) for i in range(len(view.inputs))])
        return Ties(tuple(np.split(labels, ends[:-1])), labels)

    @staticmethod
    def _joins_channels(view: View) -> bool:
        return view.attrs.axis == len(view.output.shape) - 1

    def work(self, view: View) -> Work:
        blocks = math.prod(view.output.shape[: view.attrs.axis])
        return Work(accumulators=blocks * MAX_INPUTS, elementwise=view.output.elements)

    def time_behaviour(self, view: View, time_axis: int) -> TimeBehaviour:
        joined_in_time = time_axis == view.attrs.axis
        return TimeBehaviour.OPAQUE if joined_in_time else TimeBehaviour.ROW_LOCAL

    def kernel_call(self, view: View) -> KernelCall:
        tensors = [view.input(i) for i in range(len(view.inputs))]
        axis = view.attrs.axis
        block_bytes = [math.prod(t.shape[axis:]) * t.dtype.size_bytes for t in tensors]
        absent = MAX_INPUTS - len(tensors)
        return KernelCall(
            kernel="tk_concatenation",
            params={
                "blocks": math.prod(view.output.shape[:axis]),
                "block_bytes": np.array(block_bytes + [0] * absent, np.int32),
            },
            # The kernel has a fixed number of inputs: the first stands in where there is none.
            inputs=(*(t.name for t in tensors), *[tensors[0].name] * absent),
            outputs=(view.output.name,),
        )
