"""Padding with a stated value (PADV2), int8 or int16."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from toolkit.ir import Tensor
from toolkit.ir.tensor import Array, quantize
from toolkit.ops.pad import PadAttrs, Padding, read_paddings
from toolkit.ops.parts.base import NodeView


@dataclass(frozen=True)
class PadV2Attrs(PadAttrs):
    """Elements to add (before, after) each dimension, and what: an integer of the quantised
    type, or a real number in a float graph."""

    value: int | float


View = NodeView[PadV2Attrs]


class PadV2(Padding[PadV2Attrs]):
    """Padding with any value of the input's quantisation."""

    name = "pad_v2"
    tflite_name = "PADV2"
    tflite_options = "PadV2Options"

    def read_options(
        self, options: Any, inputs: Sequence[Tensor | None], output: Tensor
    ) -> PadV2Attrs:
        value = inputs[2]
        assert value is not None
        if value.dtype is not output.dtype or value.quant != output.quant:
            raise ValueError("the padding value is quantised otherwise than the output")
        return PadV2Attrs(read_paddings(inputs), value.values.item())

    def integer_form(self, view: View) -> tuple[str, object]:
        out = view.output
        assert out.quant is not None
        value = int(quantize(np.array(view.attrs.value), out.quant, out.dtype))
        return self.name, replace(view.attrs, value=value)

    def tflite_constants(self, view: View) -> tuple[Array, ...]:
        value = np.array([view.attrs.value], view.output.dtype.numpy)
        return (*super().tflite_constants(view), value)

    def run_float(self, view: View, inputs: Sequence[Array]) -> Array:
        value = np.float32(view.attrs.value)
        return np.pad(inputs[0], view.attrs.paddings, constant_values=value)

    def fill(self, view: View) -> int:
        return int(view.attrs.value)
