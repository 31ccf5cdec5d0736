"""Insertion of a dimension of one (EXPAND_DIMS): the same bytes under another shape."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from toolkit.ir import Shape, Tensor
from toolkit.ir.tensor import Array
from toolkit.ops.parts.alias import Alias
from toolkit.ops.parts.base import NodeView


@dataclass(frozen=True)
class ExpandDimsAttrs:
    """Position of the new dimension in the output, negative ones counted from the end."""

    axis: int


View = NodeView[ExpandDimsAttrs]


class ExpandDims(Alias[ExpandDimsAttrs]):
    """The shape with one more one."""

    name = "expand_dims"
    tflite_name = "EXPAND_DIMS"
    tflite_options = "ExpandDimsOptions"
    onnx_names = ("Unsqueeze",)

    def read_options(
        self, options: Any, inputs: Sequence[Tensor | None], output: Tensor
    ) -> ExpandDimsAttrs:
        axis = inputs[1]
        assert axis is not None
        return ExpandDimsAttrs(int(axis.values.item()))

    def write_options(self, view: View, options: Any) -> Any:
        return options

    def tflite_constants(self, view: View) -> tuple[Array, ...]:
        return (np.array(view.attrs.axis, np.int32),)

    def infer_shape(self, view: View) -> Shape:
        shape = view.input(0).shape
        axis = range(len(shape) + 1)[view.attrs.axis]
        return (*shape[:axis], 1, *shape[axis:])
