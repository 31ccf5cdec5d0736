"""Largest value over axes (REDUCE_MAX), int8 or int16."""

from __future__ import annotations

from collections.abc import Sequence

from toolkit.ir.tensor import Array
from toolkit.ops.numerics.int16 import same_types, symmetric_int16
from toolkit.ops.parts.base import KernelCall, OutputRange
from toolkit.ops.parts.channels import Bounds, any_value
from toolkit.ops.parts.constraints import same_quantization
from toolkit.ops.parts.reduction import (
    BuiltinReduction,
    View,
    axes_neighbouring,
    reduced_layout,
    reduces_around_channels,
    resolved_axes,
)


class ReduceMax(BuiltinReduction):
    """Largest value over one or more axes; streamed over time, the largest so far."""

    name = "reduce_max"
    tflite_name = "REDUCE_MAX"
    onnx_names = ("ReduceMax", "ReduceMin")
    output_range = OutputRange.SAME_AS_INPUT
    constraints = (same_types, symmetric_int16, axes_neighbouring, same_quantization)

    def run_float(self, view: View, inputs: Sequence[Array]) -> Array:
        axes = tuple(resolved_axes(view))
        largest: Array = inputs[0].max(axis=axes, keepdims=view.attrs.keep_dims)
        return largest

    def run_int(self, view: View, inputs: Sequence[Array]) -> Array:
        return self.run_float(view, inputs)

    def channel_bounds(self, view: View, inputs: Sequence[Bounds]) -> Bounds:
        return inputs[0] if reduces_around_channels(view) else any_value(view.output)

    def kernel_call(self, view: View) -> KernelCall:
        x = view.input(0)
        outer, count, inner = reduced_layout(view)
        return KernelCall(
            kernel="tk_reduce_max",
            params={
                "element_bytes": x.dtype.size_bytes,
                "outer": outer,
                "count": count,
                "inner": inner,
            },
            inputs=(x.name,),
            outputs=(view.output.name,),
            scratch_bytes=inner * x.dtype.size_bytes,
        )
