"""Base of the int8 functions of one value: on the device each is one 256-entry table."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, ClassVar, Generic, TypeVar

import numpy as np

from toolkit.ir import Shape, Tensor
from toolkit.ir.tensor import Array
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
from toolkit.ops.parts.constraints import unary_types_int8

AttrsT = TypeVar("AttrsT")

#: Every int8 value, in the order of the tables.
INT8_VALUES = np.arange(-128, 128).astype(np.int8)


class Lookup(Operator[AttrsT], Generic[AttrsT]):
    """Applies `run_int` value by value; subclasses say what it computes."""

    constraints: ClassVar[tuple[Constraint, ...]] = (unary_types_int8,)
    layout = Layout.ELEMENTWISE

    def infer_shape(self, view: NodeView[AttrsT]) -> Shape:
        return view.input(0).shape

    def tflite_version(self, view: NodeView[AttrsT]) -> int:
        return 2

    def channel_bounds(self, view: NodeView[AttrsT], inputs: Sequence[Bounds]) -> Bounds:
        table, (x,) = self.run_int(view, (INT8_VALUES,)).astype(np.int64), inputs
        reached = [table[a + 128 : b + 129] for a, b in zip(x.low, x.high, strict=True)]
        return Bounds(
            np.array([values.min() for values in reached]),
            np.array([values.max() for values in reached]),
        )

    def channel_ties(self, view: NodeView[AttrsT]) -> Ties:
        return same_channels(view.inputs, view.output)

    def work(self, view: NodeView[AttrsT]) -> Work:
        return Work(elementwise=view.output.elements)

    def time_behaviour(self, view: NodeView[AttrsT], time_axis: int) -> TimeBehaviour:
        return TimeBehaviour.ROW_LOCAL

    def kernel_call(self, view: NodeView[AttrsT]) -> KernelCall:
        return KernelCall(
            kernel="tk_lookup_s8",
            params={
                "count": view.output.elements,
                "table": self.run_int(view, (INT8_VALUES,)),
            },
            inputs=(view.input(0).name,),
            outputs=(view.output.name,),
        )


class PlainLookup(Lookup[None]):
    """A `Lookup` without attributes or TFLite options."""

    def read_options(self, options: Any, inputs: Sequence[Tensor | None], output: Tensor) -> None:
        return None

    def write_options(self, view: NodeView[None], options: Any) -> Any:
        return options


def nearest(view: NodeView[Any], x: Array, function: Callable[[Array], Array]) -> Array:
    """The values of the output nearest to ``function`` of the real input, ties up."""
    tensor, out = view.input(0), view.output
    real = (x.astype(np.float64) - tensor.zero_point) * tensor.scale
    with np.errstate(over="ignore"):
        steps = np.floor(function(real) / out.scale + 0.5) + out.zero_point
    return np.asarray(np.clip(steps, *out.dtype.limits), out.dtype.numpy)
