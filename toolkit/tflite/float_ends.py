"""Takes off the conversions at the ends of an int8 ``.tflite`` with float or uint8 inputs, outputs
and variables, as TensorFlow's converter writes it by default: the device's are int8 (or int16)."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from ai_edge_litert import schema_py_generated as schema

from toolkit.ir import DType, QuantParams
from toolkit.ir.tensor import quantize
from toolkit.tflite.flatbuffer import RawModel, RawOperator, RawState, RawTensor

_FLOAT = int(schema.TensorType.FLOAT32)
_OUTER = (_FLOAT, int(schema.TensorType.UINT8))
_INNER = {int(getattr(schema.TensorType, t.name)): t for t in (DType.INT8, DType.INT16)}


def strip_float_ends(model: RawModel) -> tuple[RawModel, tuple[str, ...]]:
    """The model without QUANTIZE behind its inputs and DEQUANTIZE (or QUANTIZE) before its outputs,
    and the names of the inputs and outputs that became integers, which they keep.

    An end that anything else reads as well stays as it is.  Variables between the two go likewise,
    where both have one scale.
    """
    model = _with_integer_states(model)
    dropped: dict[int, int] = {}  # operator to the outer tensor it converts
    inputs, outputs = list(model.inputs), list(model.outputs)
    for place, outer in enumerate(model.inputs):
        end = _behind(model, outer)
        if end is not None and outer not in outputs and end[1] not in outputs:
            dropped[end[0]], inputs[place] = outer, end[1]
    for place, outer in enumerate(model.outputs):
        end = _before(model, outer)
        if end is not None and end[0] not in dropped and end[1] not in (*inputs, *outputs):
            dropped[end[0]], outputs[place] = outer, end[1]
    if not dropped:
        return model, ()
    tensors = list(model.tensors)
    ends = [*zip(model.inputs, inputs, strict=True), *zip(model.outputs, outputs, strict=True)]
    for outer, inner in ends:
        names = tensors[outer].name, tensors[inner].name
        tensors[inner] = replace(tensors[inner], name=names[0])
        tensors[outer] = replace(tensors[outer], name=names[1 if outer != inner else 0])
    stripped = replace(
        model,
        tensors=tuple(tensors),
        operators=_without(model, dropped),
        inputs=tuple(inputs),
        outputs=tuple(outputs),
    )
    return stripped, tuple(model.tensors[outer].name for outer in dropped.values())


def _with_integer_states(model: RawModel) -> RawModel:
    """Float variables that are quantised where they are read, and dequantised where they are
    assigned to, are the integers in between: conversion to float and back changes none."""
    dropped: set[int] = set()
    states: list[RawState] = []
    for state in model.states:
        ends = _behind(model, state.read), _before(model, state.write)
        if ends[0] is None or ends[1] is None or not _alike(model, state, ends[0][1], ends[1][1]):
            states.append(state)
            continue
        dropped |= {ends[0][0], ends[1][0]}
        initial = _quantised(state.initial, model.tensors[ends[0][1]])
        states.append(RawState(ends[0][1], ends[1][1], initial))
    return replace(model, operators=_without(model, dropped), states=tuple(states))


def _alike(model: RawModel, state: RawState, read: int, write: int) -> bool:
    """Whether a float state, which nobody else sees, has one quantisation at both ends."""
    if {state.read, state.write} & set(model.outputs):
        return False
    first, last = model.tensors[read], model.tensors[write]
    kinds = [(tensor.type_code, tensor.scale, tensor.zero_point) for tensor in (first, last)]
    is_float = model.tensors[state.read].type_code == _FLOAT
    return (
        is_float and kinds[0] == kinds[1] and len(first.scale) == 1 and 0 < first.scale[0] < np.inf
    )


def _quantised(initial: RawTensor | None, like: RawTensor) -> RawTensor | None:
    if initial is None or initial.data is None:
        return None
    dtype = _INNER[like.type_code]
    quant = QuantParams.per_tensor(like.scale[0], like.zero_point[0] if like.zero_point else 0)
    floats = initial.data[: initial.data.size // 4 * 4].view("<f4")  # else sizes will not match
    with np.errstate(over="ignore"):
        values = quantize(np.nan_to_num(floats), quant, dtype)
    return replace(initial, type_code=like.type_code, data=values.view(np.uint8))


def _without(model: RawModel, dropped: dict[int, int] | set[int]) -> tuple[RawOperator, ...]:
    return tuple(op for i, op in enumerate(model.operators) if i not in dropped)


def _behind(model: RawModel, outer: int) -> tuple[int, int] | None:
    """The only reader of ``outer`` and the integer tensor that it makes of it; None for others."""
    readers = [i for i, op in enumerate(model.operators) if outer in op.inputs]
    return _conversion(model, readers, outer, from_outer=True)


def _before(model: RawModel, outer: int) -> tuple[int, int] | None:
    """The operator that makes ``outer``, which nothing reads, and the integers that it is made of;
    None for others."""
    makers = [i for i, op in enumerate(model.operators) if outer in op.outputs]
    read = any(outer in op.inputs for op in model.operators)
    return None if read else _conversion(model, makers, outer, from_outer=False)


def _conversion(
    model: RawModel, found: list[int], outer: int, from_outer: bool
) -> tuple[int, int] | None:
    if len(found) != 1:
        return None
    op: RawOperator = model.operators[found[0]]
    wanted = ("QUANTIZE",) if from_outer else ("QUANTIZE", "DEQUANTIZE")
    if op.custom or op.name not in wanted or len(op.inputs) != 1 or len(op.outputs) != 1:
        return None
    inner = op.outputs[0] if from_outer else op.inputs[0]
    if not (0 <= inner < len(model.tensors) and 0 <= outer < len(model.tensors)):
        return None
    kinds = model.tensors[outer].type_code, model.tensors[inner].type_code
    return (found[0], inner) if kinds[0] in _OUTER and kinds[1] in _INNER else None
