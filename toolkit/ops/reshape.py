"""Reshaping (RESHAPE): the same bytes under another shape."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from toolkit.ir import Shape, Tensor
from toolkit.ir.tensor import Array
from toolkit.ops.parts.alias import Alias
from toolkit.ops.parts.base import NodeView


@dataclass(frozen=True)
class ReshapeAttrs:
    """Shape of the output, all positive."""

    shape: Shape


View = NodeView[ReshapeAttrs]


class Reshape(Alias[ReshapeAttrs]):
    """Another shape with as many elements, in the same order."""

    name = "reshape"
    tflite_name = "RESHAPE"
    tflite_options = "ReshapeOptions"
    onnx_names = ("Reshape", "Flatten")
    int16_follows = True

    def read_options(
        self, options: Any, inputs: Sequence[Tensor | None], output: Tensor
    ) -> ReshapeAttrs:
        # Files state the shape in an input, in the options or both, sometimes with -1 or with the
        # original batch; interpreters for microcontrollers go by the output tensor.
        return ReshapeAttrs(output.shape)

    def write_options(self, view: View, options: Any) -> Any:
        options.newShape = np.array(view.attrs.shape, np.int32)
        return options

    def tflite_constants(self, view: View) -> tuple[Array, ...]:
        return (np.array(view.attrs.shape, np.int32),)

    def with_channels(self, view: View, inputs: Sequence[Array | None], output: Array) -> View:
        shape = (*view.attrs.shape[:-1], int(output.sum()))
        return replace(view, attrs=ReshapeAttrs(shape))

    def infer_shape(self, view: View) -> Shape:
        x, shape = view.input(0), view.attrs.shape
        if math.prod(shape) != x.elements:
            raise ValueError(f"cannot reshape {list(x.shape)} to {list(shape)}")
        return shape
