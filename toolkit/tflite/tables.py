"""int8 functions of one value that TFLM computes value by value, as tables with its results: ELU,
ABS and RSQRT."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from ai_edge_litert import schema_py_generated as schema

from toolkit.ir.tensor import Array
from toolkit.ops.numerics.fixed_point import quantize_multiplier, requantize
from toolkit.ops.numerics.gemmlowp import inverse_root
from toolkit.ops.parts.lookup import INT8_VALUES
from toolkit.tflite.draft import Draft
from toolkit.tflite.flatbuffer import RawOperator, RawTensor

#: Bits by which RSQRT keeps its roots whole.
_ROOT_BITS = 20


def tabled(draft: Draft, op: RawOperator) -> bool:
    """An operator of `TABLES` on int8 as a table."""
    (x,), (output,) = op.inputs, op.outputs
    ends = draft.tensor(x), draft.tensor(output)
    if any(end.type_code != schema.TensorType.INT8 or len(end.scale) != 1 for end in ends):
        return False
    draft.table(x, output, TABLES[op.name](*ends))
    return True


def _values(x: RawTensor) -> Array:
    return INT8_VALUES.astype(np.int64) - _zero(x)


def _zero(tensor: RawTensor) -> int:
    return tensor.zero_point[0] if tensor.zero_point else 0


def _elu(x: RawTensor, out: RawTensor) -> Array:
    """By float32, as TFLM fills its own table; ties away from zero."""
    real = np.float32(x.scale[0]) * _values(x).astype(np.float32)
    below = np.exp(np.minimum(real, 0).astype(np.float64)).astype(np.float32) - np.float32(1)
    steps = np.where(real < 0, below, real) * (np.float32(1) / np.float32(out.scale[0]))
    rounded = np.trunc(steps.astype(np.float64) + np.copysign(0.5, steps))
    return np.asarray(rounded.astype(np.int64) + _zero(out))


def _abs(x: RawTensor, out: RawTensor) -> Array:
    values, scales = np.abs(_values(x)), (np.float32(x.scale[0]), np.float32(out.scale[0]))
    if scales[0] != scales[1]:
        values = requantize(values, *quantize_multiplier(float(scales[0] / scales[1])))
    return np.asarray(values + _zero(out))


def _rsqrt(x: RawTensor, out: RawTensor) -> Array:
    """The largest value at 0, and below it, where TFLM stops."""
    values = _values(x)
    factor = float(np.sqrt(np.float32(x.scale[0])) * np.float32(out.scale[0]))
    multiplier, shift = quantize_multiplier(1 / factor)
    roots, shifts = inverse_root(np.maximum(values, 1))
    wide = requantize(np.ones_like(values), roots, shifts + _ROOT_BITS)
    steps = requantize(wide, multiplier, shift - _ROOT_BITS) + _zero(out)
    return np.where(values <= 0, 127, steps)


#: What each is of the two tensors, before it is clipped: int[256].
TABLES: dict[str, Callable[[RawTensor, RawTensor], Array]] = {
    "ABS": _abs,
    "ELU": _elu,
    "RSQRT": _rsqrt,
}
