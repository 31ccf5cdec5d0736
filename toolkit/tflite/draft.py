"""A ``.tflite`` model while operators in it become others."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from ai_edge_litert import schema_py_generated as schema

from toolkit.ir import Shape
from toolkit.ir.tensor import Array
from toolkit.ops.table import OPTIONS, Table
from toolkit.tflite.flatbuffer import RawModel, RawOperator, RawTensor

_INT32 = int(schema.TensorType.INT32)


class Draft:
    """The operators so far, and all tensors, by number; both grow.

    What asks for a tensor raises LookupError or ValueError where the file has none of that kind.
    """

    def __init__(self, model: RawModel) -> None:
        self.model = model
        self.tensors: list[RawTensor] = list(model.tensors)
        self.operators: list[RawOperator] = []

    def finished(self) -> RawModel:
        return replace(self.model, tensors=tuple(self.tensors), operators=tuple(self.operators))

    # --- looking --------------------------------------------------------------------------------
    def tensor(self, index: int) -> RawTensor:
        if index < 0:
            raise ValueError("an input is absent")
        return self.tensors[index]

    def shape(self, index: int) -> list[int]:
        return list(self.tensor(index).shape)

    def is_known(self, index: int) -> bool:
        """Whether a tensor is a constant of int32."""
        tensor = self.tensor(index)
        return tensor.data is not None and tensor.type_code == _INT32

    def integers(self, index: int) -> list[int]:
        tensor = self.tensor(index)
        if tensor.data is None or tensor.type_code != _INT32:
            raise ValueError("no constant of int32")
        return [int(value) for value in tensor.data.view("<i4")]

    def axis(self, index: int, of: int) -> int:
        (axis,) = self.integers(index)
        return axis_of(axis, len(self.shape(of)))

    # --- adding ---------------------------------------------------------------------------------
    def constant(self, values: Sequence[int], shape: Shape | None = None) -> int:
        """A constant of int32."""
        data = np.asarray(values, "<i4").reshape(-1).view(np.uint8)
        shape = (len(values),) if shape is None else shape
        return self._add(RawTensor("", shape, _INT32, data, (), (), 0, ""))

    def like(self, index: int, shape: Sequence[int]) -> int:
        """An activation of another one's type and scale."""
        tensor = self.tensor(index)
        return self._add(replace(tensor, shape=tuple(shape), data=None))

    def part(self, index: int, axis: int, rows: slice) -> int:
        """Some indices of an axis of a constant, with their scales where it has one for each."""
        tensor = self.tensor(index)
        if tensor.data is None:
            raise ValueError("computed weights")
        itemsize = tensor.data.size // int(np.prod(tensor.shape))
        values: Array = tensor.data.reshape(*tensor.shape, itemsize)
        values = np.ascontiguousarray(values[(*[slice(None)] * axis, rows)])
        each = len(tensor.scale) > 1
        return self._add(
            replace(
                tensor,
                shape=values.shape[:-1],
                data=values.reshape(-1),
                scale=tensor.scale[rows] if each else tensor.scale,
                zero_point=tensor.zero_point[rows] if len(tensor.zero_point) > 1
                else tensor.zero_point,
            )
        )  # fmt: skip

    def repeated(self, index: int, values: Array | None, times: int) -> int:
        """A constant with other ``values`` (None: its own so many ``times``), its scales, where it
        has one for each index of its first axis, as often."""
        tensor = self.tensor(index)
        if tensor.data is None:
            raise ValueError("computed weights")
        data = np.tile(tensor.data, times) if values is None else None
        shape = (tensor.shape[0] * times,) if values is None else values.shape
        if values is not None:
            data = np.ascontiguousarray(values).reshape(-1).view(np.uint8)
        each = times if len(tensor.scale) > 1 else 1
        scale, zero = tensor.scale * each, tensor.zero_point * each
        return self._add(replace(tensor, shape=shape, data=data, scale=scale, zero_point=zero))

    def emit(
        self, name: str, inputs: Sequence[int], outputs: Sequence[int], options: Any = None
    ) -> None:
        kind = "" if options is None else type(options).__name__.removesuffix("T")
        self.operators.append(
            RawOperator(name, False, tuple(inputs), tuple(outputs), kind, options)
        )

    def table(self, x: int, output: int, entries: Array) -> None:
        """A function of one int8 value, by what it gives for each, which is clipped."""
        data = np.clip(entries, -128, 127).astype(np.int8).view(np.uint8)
        kind = int(schema.TensorType.INT8)
        inputs = (x, self._add(RawTensor("", (data.size,), kind, data, (1.0,), (0,), 0, "")))
        self.operators.append(RawOperator(Table.tflite_name, True, inputs, (output,), "", OPTIONS))

    def slice(self, source: int, output: int, begin: Sequence[int], end: Sequence[int]) -> None:
        bounds = (begin, end, [1] * len(begin))
        inputs = [source, *(self.constant(values) for values in bounds)]
        self.emit("STRIDED_SLICE", inputs, [output], schema.StridedSliceOptionsT())

    def reshape(self, source: int, output: int) -> None:
        shape = self.constant(self.shape(output))
        self.emit("RESHAPE", [source, shape], [output], schema.ReshapeOptionsT())

    def concatenate(self, sources: Sequence[int], output: int, axis: int, most: int) -> None:
        """Tensors one after the other, ``most`` of them at a time."""
        rest = list(sources)
        while len(rest) > most:
            few, rest = rest[:most], rest[most:]
            shape = self.shape(few[0])
            shape[axis] = sum(self.shape(index)[axis] for index in few)
            joined = self.like(output, shape)
            self._join(few, joined, axis)
            rest = [joined, *rest]
        if len(rest) == 1:
            self.reshape(rest[0], output)
        else:
            self._join(rest, output, axis)

    def _join(self, sources: Sequence[int], output: int, axis: int) -> None:
        options = schema.ConcatenationOptionsT(axis=axis)
        self.emit("CONCATENATION", sources, [output], options)

    def _add(self, tensor: RawTensor) -> int:
        self.tensors.append(tensor)
        return len(self.tensors) - 1


def axis_of(axis: int, rank: int) -> int:
    """``axis`` counted from the front."""
    if not -rank <= axis < rank:
        raise ValueError(f"axis {axis}")
    return axis % rank
