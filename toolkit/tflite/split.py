"""SPLIT and SPLIT_V of a ``.tflite`` as the slices that they are."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
from ai_edge_litert import schema_py_generated as schema

from toolkit.errors import ModelError
from toolkit.tflite.flatbuffer import RawModel, RawOperator, RawTensor

_INT32 = int(schema.TensorType.INT32)


def expand_splits(model: RawModel, name: str) -> RawModel:
    """The model with a STRIDED_SLICE for each output of a SPLIT or SPLIT_V that is used.

    Raises ModelError where one is malformed.
    """
    if not any(_is_split(op) for op in model.operators):
        return model
    tensors = list(model.tensors)
    operators: list[RawOperator] = []
    for op in model.operators:
        if not _is_split(op):
            operators.append(op)
            continue
        try:
            parts = list(_parts(model, op))
        except (ArithmeticError, LookupError, ValueError) as error:
            raise ModelError(
                f"{name}: {op.name} with malformed inputs", "Export the model again."
            ) from error
        for part in parts:
            bounds = [part.begin, part.end, [1] * len(part.begin)]
            first = len(tensors)
            tensors += [_constant(values) for values in bounds]
            operators.append(
                RawOperator(
                    name="STRIDED_SLICE",
                    custom=False,
                    inputs=(part.source, first, first + 1, first + 2),
                    outputs=(part.output,),
                    options_name="StridedSliceOptions",
                    options=schema.StridedSliceOptionsT(),
                )
            )
    return replace(model, tensors=tuple(tensors), operators=tuple(operators))


@dataclass(frozen=True)
class _Part:
    """Elements ``begin`` to ``end`` of the tensor ``source``, which are the tensor ``output``."""

    source: int
    output: int
    begin: list[int]
    end: list[int]


def _is_split(op: RawOperator) -> bool:
    return op.name in ("SPLIT", "SPLIT_V") and not op.custom


def _parts(model: RawModel, op: RawOperator) -> Iterator[_Part]:
    """What each output holds; ArithmeticError, LookupError or ValueError where the inputs do not
    say."""
    if op.name == "SPLIT":
        (axis_at, source), sizes_at = op.inputs, None
    else:
        source, sizes_at, axis_at = op.inputs
    shape = list(_tensor(model, source).shape)
    (axis,) = _integers(model, axis_at)
    if not -len(shape) <= axis < len(shape):
        raise ValueError(f"axis {axis}")
    axis %= len(shape)
    count = len(op.outputs)
    whole = shape[axis]
    sizes = [whole // count] * count if sizes_at is None else _integers(model, sizes_at)
    if sizes.count(-1) == 1:
        sizes[sizes.index(-1)] = whole - sum(sizes) - 1
    if len(sizes) != count or min(sizes) < 0 or sum(sizes) != whole:
        raise ValueError(f"sizes {sizes} of {whole}")
    at = 0
    for output, size in zip(op.outputs, sizes, strict=True):
        begin, end = [0] * len(shape), list(shape)
        begin[axis], end[axis] = at, at + size
        yield _Part(source, output, begin, end)
        at += size


def _tensor(model: RawModel, index: int) -> RawTensor:
    if index < 0:
        raise ValueError("an input is absent")
    return model.tensors[index]


def _integers(model: RawModel, index: int) -> list[int]:
    tensor = _tensor(model, index)
    if tensor.data is None or tensor.type_code != _INT32:
        raise ValueError("no constant of int32")
    return [int(value) for value in tensor.data.view("<i4")]


def _constant(values: Sequence[int]) -> RawTensor:
    data = np.asarray(values, "<i4").view(np.uint8)
    return RawTensor("", (len(values),), _INT32, data, (), (), 0, "")
