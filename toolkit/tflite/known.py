"""Integers that a ``.tflite`` computes from shapes, which are known: Keras' Flatten with an open
batch is SHAPE, STRIDED_SLICE, PACK and RESHAPE."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from toolkit.ir.tensor import Array
from toolkit.tflite.draft import Draft
from toolkit.tflite.flatbuffer import RawOperator

_PAIRS: dict[str, Callable[[Array, Array], Array]] = {
    "ADD": np.add,
    "MAXIMUM": np.maximum,
    "MINIMUM": np.minimum,
    "MUL": np.multiply,
    "SUB": np.subtract,
}


def known(draft: Draft, op: RawOperator) -> bool:
    """Make the output of an operator on known integers a constant; whether it was one."""
    if len(op.outputs) != 1 or op.custom:
        return False
    values = _value(draft, op)
    if values is None:
        return False
    (output,) = op.outputs
    shape = tuple(values.shape)
    made = draft.tensors[draft.constant(values.reshape(-1).tolist(), shape)]
    draft.tensors[output] = made
    return True


def _value(draft: Draft, op: RawOperator) -> Array | None:
    if op.name == "SHAPE":
        return np.array(draft.shape(op.inputs[0]), np.int64)
    if not op.inputs or not all(index >= 0 and draft.is_known(index) for index in op.inputs):
        return None
    inputs = [np.array(draft.integers(i)).reshape(draft.shape(i)) for i in op.inputs]
    if op.name in _PAIRS:
        return _PAIRS[op.name](*inputs)
    if op.name == "PACK":
        return np.stack(inputs, op.options.axis)
    if op.name == "CONCATENATION":
        return np.concatenate(inputs, op.options.axis)
    if op.name == "REDUCE_PROD":
        return np.asarray(np.prod(inputs[0], tuple(inputs[1].reshape(-1).tolist())))
    if op.name == "STRIDED_SLICE" and inputs[0].ndim == 1 and not op.options.newAxisMask:
        (begin,), (end,), (step,) = (values.reshape(-1) for values in inputs[1:])
        if op.options.shrinkAxisMask:
            return np.asarray(inputs[0][int(begin)])
        first = None if op.options.beginMask else int(begin)
        return inputs[0][first : None if op.options.endMask else int(end) : int(step)]
    return None
