"""Removal of dimensions of one (SQUEEZE): the same bytes under another shape."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from toolkit.ir import Shape, Tensor
from toolkit.ir.tensor import Array
from toolkit.ops.parts.alias import Alias
from toolkit.ops.parts.base import NodeView


@dataclass(frozen=True)
class SqueezeAttrs:
    """Axes to remove, negative ones counted from the end; none: every dimension of one."""

    axes: tuple[int, ...] = ()


View = NodeView[SqueezeAttrs]


class Squeeze(Alias[SqueezeAttrs]):
    """The shape without some of its ones."""

    name = "squeeze"
    tflite_name = "SQUEEZE"
    tflite_options = "SqueezeOptions"
    onnx_names = ("Squeeze",)

    def read_options(
        self, options: Any, inputs: Sequence[Tensor | None], output: Tensor
    ) -> SqueezeAttrs:
        axes = options.squeezeDims
        return SqueezeAttrs(() if axes is None else tuple(int(axis) for axis in axes))

    def write_options(self, view: View, options: Any) -> Any:
        options.squeezeDims = np.array(view.attrs.axes, np.int32)
        return options

    def with_channels(self, view: View, inputs: Sequence[Array | None], output: Array) -> View:
        ones = tuple(axis for axis, size in enumerate(view.input(0).shape) if size == 1)
        return replace(view, attrs=SqueezeAttrs(view.attrs.axes or ones))

    def infer_shape(self, view: View) -> Shape:
        shape = view.input(0).shape
        axes = [range(len(shape))[axis] for axis in view.attrs.axes]
        if any(shape[axis] != 1 for axis in axes):
            raise ValueError(f"cannot squeeze axes {axes} of {list(shape)}")
        removed = axes or [axis for axis, size in enumerate(shape) if size == 1]
        return tuple(size for axis, size in enumerate(shape) if axis not in removed)
