"""Evaluates the constant parts of an ONNX graph: the shape arithmetic that exporters leave.

Once the input shapes are concrete every ``Shape`` is a constant, and so is all that follows it.
Values are numpy arrays as `reader.tensor_values` gives them: float32, int64, bool or 8-bit.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from toolkit.errors import ModelError
from toolkit.frontend.reader import MAX_ELEMENTS, OnnxNode
from toolkit.ir.tensor import Array

Attrs = Mapping[str, Any]
Fold = Callable[[Sequence[Array], Attrs], Array]

_CAST = {
    1: np.float32,
    2: np.uint8,
    3: np.int8,
    6: np.int64,
    7: np.int64,
    9: np.bool_,
    10: np.float32,
    11: np.float32,
}


def _bounded(shape: Sequence[int]) -> tuple[int, ...]:
    """``shape``, unless a hostile file asks for more memory than any real constant needs."""
    count = 1
    for size in shape:
        count *= int(size)
        if size < 0 or count > MAX_ELEMENTS:
            raise ValueError(f"impossible constant shape {[int(s) for s in shape]}")
    return tuple(int(s) for s in shape)


def _constant(_: Sequence[Array], attrs: Attrs) -> Array:
    for key in ("value", "value_float", "value_int", "value_floats", "value_ints"):
        if attrs.get(key) is not None:
            values = np.asarray(attrs[key])
            if values.dtype.name in ("int8", "uint8"):
                return values
            return values.astype(np.float32 if values.dtype.kind == "f" else np.int64)
    raise ValueError("Constant without a numeric value")


def _constant_of_shape(inputs: Sequence[Array], attrs: Attrs) -> Array:
    value = attrs.get("value")
    fill = np.zeros(1, np.float32) if value is None else np.asarray(value)
    return np.full(_bounded(inputs[0].tolist()), fill.reshape(-1)[0], fill.dtype)


def _cast(inputs: Sequence[Array], attrs: Attrs) -> Array:
    return inputs[0].astype(_CAST[attrs["to"]])


def _elementwise(function: Callable[..., Any]) -> Fold:
    def evaluate(inputs: Sequence[Array], _: Attrs) -> Array:
        _bounded(np.broadcast_shapes(*(x.shape for x in inputs)))
        return np.asarray(function(*inputs))

    return evaluate


def _gather(inputs: Sequence[Array], attrs: Attrs) -> Array:
    x, indices = inputs
    axis = attrs.get("axis", 0)
    _bounded((*x.shape[:axis], *indices.shape, *x.shape[axis:][1:]))
    return np.take(x, indices, axis=axis)


def _divide(a: Array, b: Array) -> Array:
    if a.dtype.kind == "f":
        return np.asarray(a / b)
    quotient = np.abs(a) // np.abs(b)  # ONNX integer division truncates
    return np.asarray(np.where((a < 0) != (b < 0), -quotient, quotient))


def _slice(inputs: Sequence[Array], attrs: Attrs) -> Array:
    x, *ranges = inputs
    if not ranges:  # operator set below 10
        ranges = [np.asarray(attrs[key]) for key in ("starts", "ends", "axes") if key in attrs]
    starts, ends = ranges[0].reshape(-1), ranges[1].reshape(-1)
    axes = ranges[2].reshape(-1) if len(ranges) > 2 else np.arange(len(starts))
    steps = ranges[3].reshape(-1) if len(ranges) > 3 else np.ones(len(starts), np.int64)
    index = [slice(None)] * x.ndim
    for start, end, axis, step in zip(starts, ends, axes, steps, strict=True):
        backwards_to_start = step < 0 and end < -x.shape[axis]
        index[int(axis)] = slice(int(start), None if backwards_to_start else int(end), int(step))
    return x[tuple(index)]


def _axes(inputs: Sequence[Array], attrs: Attrs) -> tuple[int, ...] | None:
    if len(inputs) > 1:
        return tuple(int(a) for a in inputs[1].reshape(-1))
    return attrs.get("axes")


def _squeeze(inputs: Sequence[Array], attrs: Attrs) -> Array:
    return np.asarray(np.squeeze(inputs[0], _axes(inputs, attrs)))


def _unsqueeze(inputs: Sequence[Array], attrs: Attrs) -> Array:
    axes = _axes(inputs, attrs)
    assert axes is not None
    return np.expand_dims(inputs[0], axes)


def _reshape(inputs: Sequence[Array], _: Attrs) -> Array:
    x, shape = inputs[0], inputs[1].tolist()
    return x.reshape([x.shape[i] if size == 0 else size for i, size in enumerate(shape)])


def _expand(inputs: Sequence[Array], _: Attrs) -> Array:
    shape = _bounded(np.broadcast_shapes(inputs[0].shape, tuple(inputs[1].tolist())))
    return np.array(np.broadcast_to(inputs[0], shape))


FOLDS: dict[str, Fold] = {
    "Add": _elementwise(np.add),
    "Cast": _cast,
    "Concat": lambda i, a: np.concatenate(list(i), a["axis"]),
    "Constant": _constant,
    "ConstantOfShape": _constant_of_shape,
    "Div": _elementwise(_divide),
    "Equal": _elementwise(np.equal),
    "Expand": _expand,
    "Floor": _elementwise(np.floor),
    "Gather": _gather,
    "Identity": lambda i, _: i[0],
    "Mul": _elementwise(np.multiply),
    "Neg": _elementwise(np.negative),
    "Reshape": _reshape,
    "Slice": _slice,
    "Sqrt": _elementwise(np.sqrt),
    "Squeeze": _squeeze,
    "Sub": _elementwise(np.subtract),
    "Transpose": lambda i, a: np.transpose(i[0], a.get("perm")),
    "Unsqueeze": _unsqueeze,
    "Where": _elementwise(np.where),
}


def fold(node: OnnxNode, constants: Mapping[str, Array]) -> Array | None:
    """The value of ``node`` when all its inputs are constant and it can be computed, else None."""
    evaluate = FOLDS.get(node.op)
    present = [name for name in node.inputs if name]
    if evaluate is None or any(name not in constants for name in present):
        return None
    with np.errstate(all="ignore"):
        value = evaluate([constants[name] for name in present], node.attrs)
    if value.dtype.kind == "f" and not np.isfinite(value).all():
        raise ModelError(f"node {node.name!r} ({node.op}): its constant value is not finite.")
    return value.astype(np.float32) if value.dtype.kind == "f" else value
