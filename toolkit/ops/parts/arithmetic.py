"""What the two-operand operators (addition, subtraction, multiplication) share: broadcasting."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from toolkit.ir import Shape, Tensor
from toolkit.ir.tensor import Array
from toolkit.ops.numerics.activation import Activation, clamp_float, clamp_limits
from toolkit.ops.numerics.int16 import kernel_name, kernel_params, same_types, symmetric_int16
from toolkit.ops.parts.base import (
    Constraint,
    KernelCall,
    Layout,
    NodeView,
    Operator,
    TimeBehaviour,
    Work,
)
from toolkit.ops.parts.channels import Bounds, Ties, same_channels

#: Loop nest of the kernels.
KERNEL_DIMS = 4


@dataclass(frozen=True)
class ArithmeticAttrs:
    """Fused activation."""

    activation: Activation = Activation.NONE


View = NodeView[ArithmeticAttrs]


@dataclass(frozen=True)
class Broadcast:
    """Loop extents of a two-operand operator, outermost first, and each operand's strides."""

    dims: Shape
    a_strides: Shape
    b_strides: Shape


def broadcast(a: Shape, b: Shape) -> Broadcast:
    """Numpy's broadcasting as a loop nest, neighbouring dimensions merged where possible."""
    out = np.broadcast_shapes(a, b)
    operands = [(1,) * (len(out) - len(shape)) + shape for shape in (a, b)]
    dims: list[int] = []
    repeats: list[tuple[bool, bool]] = []  # whether each operand repeats along the dimension
    for size, size_a, size_b in zip(out, *operands, strict=True):
        pattern = (size_a != size, size_b != size)
        if size == 1:
            continue
        if repeats and repeats[-1] == pattern:
            dims[-1] *= size
        else:
            dims.append(size)
            repeats.append(pattern)
    padding = [1] * (KERNEL_DIMS - len(dims))
    dims = padding + dims
    patterns = [(True, True)] * len(padding) + repeats
    return Broadcast(
        tuple(dims),
        _strides(dims, [p[0] for p in patterns]),
        _strides(dims, [p[1] for p in patterns]),
    )


def _strides(dims: Sequence[int], repeats: Sequence[bool]) -> Shape:
    strides, step = [0] * len(dims), 1
    for i in reversed(range(len(dims))):
        if not repeats[i]:
            strides[i] = step
            step *= dims[i]
    return tuple(strides)


def loop_depth(view: View) -> str | None:
    """broadcasting must be expressible in four nested loops"""
    depth = len(broadcast(view.input(0).shape, view.input(1).shape).dims)
    return None if depth <= KERNEL_DIMS else f"{depth} loops"


class Arithmetic(Operator[ArithmeticAttrs]):
    """Base of ADD, SUB and MUL; either operand may be a constant."""

    constraints: ClassVar[tuple[Constraint, ...]] = (same_types, symmetric_int16, loop_depth)
    opaque_reason = (
        "an operand has another extent of time, or a constant differs from frame to frame"
    )
    layout = Layout.ELEMENTWISE
    kernel_stem: ClassVar[str]

    def read_options(
        self, options: Any, inputs: Sequence[Tensor | None], output: Tensor
    ) -> ArithmeticAttrs:
        if not self.takes_activation:
            return ArithmeticAttrs(Activation.NONE)
        return ArithmeticAttrs(Activation(options.fusedActivationFunction))

    def write_options(self, view: View, options: Any) -> Any:
        if self.takes_activation:
            options.fusedActivationFunction = view.attrs.activation.value
        return options

    def tflite_version(self, view: View) -> int:
        return 2

    def infer_shape(self, view: View) -> Shape:
        return np.broadcast_shapes(view.input(0).shape, view.input(1).shape)

    def channel_bounds(self, view: View, inputs: Sequence[Bounds]) -> Bounds:
        """Of the results at the ends of both operands: all three rise or fall with each."""
        a, b = inputs
        ends = [
            self.run_int(view, np.broadcast_arrays(x, y)).astype(np.int64)
            for x in (a.low, a.high)
            for y in (b.low, b.high)
        ]
        return Bounds(np.minimum.reduce(ends), np.maximum.reduce(ends))

    def channel_ties(self, view: View) -> Ties:
        return same_channels(view.inputs, view.output)

    def work(self, view: View) -> Work:
        """One run of values for each index before the innermost loop."""
        runs = broadcast(view.input(0).shape, view.input(1).shape).dims[:-1]
        return Work(accumulators=math.prod(runs), elementwise=view.output.elements)

    def time_behaviour(self, view: View, time_axis: int) -> TimeBehaviour:
        """Row-local when activations have the time axis and constants do not depend on it."""
        from_end = len(view.output.shape) - time_axis
        for tensor in view.inputs:
            assert tensor is not None
            size = tensor.shape[-from_end] if from_end <= len(tensor.shape) else 1
            wanted = 1 if tensor.is_constant else view.output.shape[time_axis]
            if size != wanted:
                return TimeBehaviour.OPAQUE
        return TimeBehaviour.ROW_LOCAL

    def kernel_call(self, view: View) -> KernelCall:
        a, b, out = view.input(0), view.input(1), view.output
        loops = broadcast(a.shape, b.shape)
        low, high = clamp_limits(view.attrs.activation, out)
        return KernelCall(
            kernel=kernel_name(self.kernel_stem, a),
            params=kernel_params(
                a,
                {
                    "dims": np.array(loops.dims, np.int32),
                    "a_strides": np.array(loops.a_strides, np.int32),
                    "b_strides": np.array(loops.b_strides, np.int32),
                    "a_zero_point": a.zero_point,
                    "b_zero_point": b.zero_point,
                    "out_zero_point": out.zero_point,
                    **self.rescaling(view),
                    "out_min": low,
                    "out_max": high,
                },
            ),
            inputs=(a.name, b.name),
            outputs=(out.name,),
        )

    def rescaling(self, view: View) -> Mapping[str, int]:
        """Multipliers and shifts by the names of the kernel's parameters."""
        raise NotImplementedError

    @staticmethod
    def finish_float(view: View, out: Array) -> Array:
        return clamp_float(view.attrs.activation, out)

    @staticmethod
    def finish_int(view: View, out: Array) -> Array:
        """Offset and clamp to the output."""
        limits = clamp_limits(view.attrs.activation, view.output)
        clipped: Array = np.clip(out + view.output.zero_point, *limits)
        return clipped.astype(view.output.dtype.numpy)
