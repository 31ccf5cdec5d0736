"""Base of the operators that only rename the shape: the device does nothing."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Generic, TypeVar

import numpy as np

from toolkit.ir.tensor import Array
from toolkit.ops.parts.base import KernelCall, NodeView, Operator, OutputRange, TimeBehaviour, Work
from toolkit.ops.parts.channels import Bounds, Ties, channel_count

AttrsT = TypeVar("AttrsT")


def same_type_and_quantization(view: NodeView[object]) -> str | None:
    """input and output must have the same type and quantisation"""
    x, out = view.input(0), view.output
    if x.dtype is out.dtype and x.quant == out.quant:
        return None
    return f"{x.dtype.value} {x.quant} and {out.dtype.value} {out.quant}"


class Alias(Operator[AttrsT], Generic[AttrsT]):
    """The output is the input's bytes."""

    is_alias = True
    moves = True
    opaque_reason = "it splits, merges or moves frames, which fits one clip length only"
    output_range = OutputRange.SAME_AS_INPUT
    constraints = (same_type_and_quantization,)

    def run_float(self, view: NodeView[AttrsT], inputs: Sequence[Array]) -> Array:
        return inputs[0].reshape(self.infer_shape(view))

    def run_int(self, view: NodeView[AttrsT], inputs: Sequence[Array]) -> Array:
        return inputs[0].reshape(self.infer_shape(view))

    def channel_bounds(self, view: NodeView[AttrsT], inputs: Sequence[Bounds]) -> Bounds:
        return inputs[0].of_count(channel_count(view.output))

    def channel_ties(self, view: NodeView[AttrsT]) -> Ties | None:
        before, after = channel_count(view.input(0)), channel_count(view.output)
        both = min(before, after)
        if max(before, after) % both:
            return None
        return Ties((np.arange(before) % both,), np.arange(after) % both)

    def work(self, view: NodeView[AttrsT]) -> Work:
        return Work()

    def time_behaviour(self, view: NodeView[AttrsT], time_axis: int) -> TimeBehaviour:
        """Row-local where time and everything before it stay as they are."""
        keeps = view.output.shape[: time_axis + 1] == view.input(0).shape[: time_axis + 1]
        return TimeBehaviour.ROW_LOCAL if keeps else TimeBehaviour.OPAQUE

    def kernel_call(self, view: NodeView[AttrsT]) -> KernelCall:
        raise AssertionError(f"{view.node.name}: an alias has no kernel")
