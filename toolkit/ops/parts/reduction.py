"""What mean and sum share: attributes, shapes, their kernel's call."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

import numpy as np

from toolkit.ir import Shape, Tensor
from toolkit.ir.tensor import Array
from toolkit.ops.numerics.fixed_point import quantize_multiplier
from toolkit.ops.numerics.int16 import kernel_name, kernel_params
from toolkit.ops.parts.base import CodeFacts, KernelCall, NodeView, Operator, TimeBehaviour, Work
from toolkit.ops.parts.channels import Ties, same_channels


@dataclass(frozen=True)
class ReductionAttrs:
    """Axes to reduce, negative ones counted from the end, and whether they stay as ones."""

    axes: tuple[int, ...]
    keep_dims: bool = False


View = NodeView[ReductionAttrs]
AttrsT = TypeVar("AttrsT", bound=ReductionAttrs)


def axes_neighbouring(view: NodeView[Any]) -> str | None:
    """the reduced axes must be neighbours (dimensions of one do not count)"""
    shape, axes = view.input(0).shape, resolved_axes(view)
    flags = [axis in axes for axis, size in enumerate(shape) if size > 1]
    if not any(flags):
        return None
    first, last = flags.index(True), len(flags) - flags[::-1].index(True)
    return None if all(flags[first:last]) else f"axes {sorted(axes)} of {list(shape)}"


def resolved_axes(view: NodeView[Any]) -> frozenset[int]:
    """The reduced axes, counted from the front."""
    rank = len(view.input(0).shape)
    return frozenset(range(rank)[axis] for axis in view.attrs.axes)


def reduces_around_channels(view: NodeView[Any]) -> bool:
    """Whether the last axis stays, so that each channel is reduced by itself."""
    return len(view.input(0).shape) - 1 not in resolved_axes(view)


def reduced(view: NodeView[Any]) -> int:
    """How many values go into one."""
    return math.prod(view.input(0).shape[axis] for axis in resolved_axes(view))


def reduced_layout(view: NodeView[Any]) -> tuple[int, int, int]:
    """Neighbouring reduced axes as the middle one of three: values before, along and behind."""
    x, count = view.input(0), reduced(view)
    last = max((axis for axis in resolved_axes(view) if x.shape[axis] > 1), default=-1)
    inner = math.prod(x.shape[last + 1 :])
    return x.elements // (count * inner), count, inner


class Reduction(Operator[AttrsT], Generic[AttrsT]):
    """Base of the operators that make one value of all those along axes."""

    tflite_options = "ReducerOptions"

    def infer_shape(self, view: NodeView[AttrsT]) -> Shape:
        shape, axes = view.input(0).shape, resolved_axes(view)
        if view.attrs.keep_dims:
            return tuple(1 if axis in axes else size for axis, size in enumerate(shape))
        return tuple(size for axis, size in enumerate(shape) if axis not in axes)

    def time_behaviour(self, view: NodeView[AttrsT], time_axis: int) -> TimeBehaviour:
        reduces = time_axis in resolved_axes(view)
        return TimeBehaviour.REDUCING if reduces else TimeBehaviour.ROW_LOCAL


class BuiltinReduction(Reduction[ReductionAttrs]):
    """Base of those that TFLite has."""

    def read_options(
        self, options: Any, inputs: Sequence[Tensor | None], output: Tensor
    ) -> ReductionAttrs:
        axes = inputs[1]
        assert axes is not None
        return ReductionAttrs(
            tuple(int(a) for a in axes.values.reshape(-1)), bool(options.keepDims)
        )

    def write_options(self, view: View, options: Any) -> Any:
        options.keepDims = view.attrs.keep_dims
        return options

    def tflite_constants(self, view: View) -> tuple[Array, ...]:
        return (np.array(view.attrs.axes, np.int32),)

    def tflite_version(self, view: View) -> int:
        return 2

    def channel_ties(self, view: View) -> Ties | None:
        return same_channels(view.inputs, view.output) if reduces_around_channels(view) else None

    def work(self, view: View) -> Work:
        return Work(accumulators=view.output.elements, elementwise=view.input(0).elements)


class SumReduction(BuiltinReduction):
    """Base of those that make a sum first."""

    #: Of the kernels, to which the element type is added.
    kernel_stem: str
    #: What the kernel's parameters call the number of reduced values.
    count_field: str
    #: Whether the kernel's code divides by that number.
    divides: bool

    def total(self, view: View, values: Array) -> Array:
        """Sums of the integer input less its zero point, int64."""
        axes = tuple(resolved_axes(view))
        total = values.sum(axis=axes, dtype=np.int64, keepdims=view.attrs.keep_dims)
        centred: Array = total - view.input(0).zero_point * reduced(view)
        return centred

    def kernel_call(self, view: View) -> KernelCall:
        x, out = view.input(0), view.output
        outer, count, inner = reduced_layout(view)
        multiplier, shift = quantize_multiplier(x.scale / out.scale)
        return KernelCall(
            kernel=kernel_name(self.kernel_stem, x),
            params=kernel_params(
                x,
                {
                    "outer": outer,
                    self.count_field: count,
                    "inner": inner,
                    "in_zero_point": x.zero_point,
                    "out_zero_point": out.zero_point,
                    "multiplier": multiplier,
                    "shift": shift,
                },
            ),
            inputs=(x.name,),
            outputs=(out.name,),
            scratch_bytes=4 * (inner + 1),
            code=CodeFacts(divides=self.divides),
        )

    def most_reduced(self, view: View) -> int:
        """Values that one sum holds."""
        raise NotImplementedError

    def max_rows(self, row: View) -> int:
        return self.most_reduced(row) // reduced(row)
