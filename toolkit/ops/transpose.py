"""Permutation of axes (TRANSPOSE), int8 and int16, up to 5 dimensions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from toolkit.ir import Shape, Tensor
from toolkit.ir.tensor import Array
from toolkit.ops.numerics.int16 import same_types
from toolkit.ops.parts.base import KernelCall, NodeView, Operator, OutputRange, TimeBehaviour, Work
from toolkit.ops.parts.channels import Bounds, Ties, any_value, same_channels
from toolkit.ops.parts.constraints import same_quantization
from toolkit.ops.parts.strided_copy import (
    KERNEL_DIMS,
    element_strides,
    line_work,
    strided_copy_call,
)


@dataclass(frozen=True)
class TransposeAttrs:
    """Axis ``perm[i]`` of the input becomes axis ``i`` of the output."""

    perm: tuple[int, ...]


View = NodeView[TransposeAttrs]


def rank_bounded(view: View) -> str | None:
    """at most 5 dimensions"""
    rank = len(view.input(0).shape)
    return None if rank <= KERNEL_DIMS else str(rank)


class Transpose(Operator[TransposeAttrs]):
    """Copies every element to its permuted place."""

    name = "transpose"
    tflite_name = "TRANSPOSE"
    tflite_options = "TransposeOptions"
    onnx_names = ("Transpose", "DepthToSpace", "SpaceToDepth")
    int16_follows = True
    opaque_reason = "it moves or mixes the time axis"
    constraints = (same_types, same_quantization, rank_bounded)
    output_range = OutputRange.SAME_AS_INPUT
    moves = True

    def read_options(
        self, options: Any, inputs: Sequence[Tensor | None], output: Tensor
    ) -> TransposeAttrs:
        x, perm = inputs[0], inputs[1]
        assert x is not None and perm is not None
        axes = tuple(int(axis) for axis in perm.values.reshape(-1))
        rank = len(x.shape)
        if sorted(a % rank for a in axes) != list(range(rank)):
            raise ValueError(f"permutation {list(axes)} of {rank} dimensions")
        return TransposeAttrs(tuple(axis % rank for axis in axes))

    def write_options(self, view: View, options: Any) -> Any:
        return options

    def tflite_constants(self, view: View) -> tuple[Array, ...]:
        return (np.array(view.attrs.perm, np.int32),)

    def tflite_version(self, view: View) -> int:
        return 2

    def infer_shape(self, view: View) -> Shape:
        shape = view.input(0).shape
        return tuple(shape[axis] for axis in view.attrs.perm)

    def run_float(self, view: View, inputs: Sequence[Array]) -> Array:
        return np.ascontiguousarray(inputs[0].transpose(view.attrs.perm))

    def run_int(self, view: View, inputs: Sequence[Array]) -> Array:
        return self.run_float(view, inputs)

    def channel_bounds(self, view: View, inputs: Sequence[Bounds]) -> Bounds:
        return inputs[0] if _keeps_channels(view) else any_value(view.output)

    def channel_ties(self, view: View) -> Ties | None:
        return same_channels(view.inputs, view.output) if _keeps_channels(view) else None

    def work(self, view: View) -> Work:
        return line_work(view)

    def time_behaviour(self, view: View, time_axis: int) -> TimeBehaviour:
        stays = view.attrs.perm[time_axis] == time_axis
        return TimeBehaviour.ROW_LOCAL if stays else TimeBehaviour.OPAQUE

    def kernel_call(self, view: View) -> KernelCall:
        strides = element_strides(view.input(0).shape)
        return strided_copy_call(view, 0, [strides[axis] for axis in view.attrs.perm])


def _keeps_channels(view: View) -> bool:
    return view.attrs.perm[-1] == len(view.attrs.perm) - 1
