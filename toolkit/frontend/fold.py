"""Evaluates the constant parts of an ONNX graph: the shape arithmetic that exporters leave.

Once the input shapes are concrete every ``Shape`` is a constant, and so is all that follows it.
Values are numpy arrays as `reader.tensor_values` gives them: float32, int64, bool or 8-bit.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from toolkit.errors import ModelError, UnsupportedError
from toolkit.frontend.node import OnnxNode
from toolkit.frontend.reference import MAX_FOLDED_ELEMENTS
from toolkit.ir.tensor import Array

Attrs = Mapping[str, Any]
#: Inputs by position, None where an optional one is absent.
Operands = Sequence[Any]
Fold = Callable[[Operands, Attrs], Array]

_CAST = {
    1: np.float32,
    2: np.uint8,
    3: np.int8,
    6: np.int64,
    7: np.int64,
    9: np.bool_,
    10: np.float16,
    11: np.float32,
}


def _bounded(shape: Sequence[int]) -> tuple[int, ...]:
    """``shape``, unless a hostile file asks for more memory than any real constant needs."""
    count = 1
    for size in shape:
        count *= int(size)
        if size < 0 or count > MAX_FOLDED_ELEMENTS:
            raise ValueError(f"a constant of shape {[int(s) for s in shape]} is none that fits")
    return tuple(int(s) for s in shape)


def _constant(_: Operands, attrs: Attrs) -> Array:
    for key in ("value", "value_float", "value_int", "value_floats", "value_ints"):
        if attrs.get(key) is not None:
            values = np.asarray(attrs[key])
            if values.dtype.name in ("int8", "uint8", "bool"):
                return values
            return values.astype(np.float32 if values.dtype.kind == "f" else np.int64)
    raise ValueError("Constant without a numeric value")


def _constant_of_shape(inputs: Operands, attrs: Attrs) -> Array:
    value = attrs.get("value")
    fill = np.zeros(1, np.float32) if value is None else np.asarray(value)
    return np.full(_bounded(inputs[0].tolist()), fill.reshape(-1)[0], fill.dtype)


def _cast(inputs: Operands, attrs: Attrs) -> Array:
    attrs.get("saturate"), attrs.get("round_mode")  # of 8-bit floating point, which is refused
    if attrs["to"] not in _CAST:
        raise UnsupportedError(
            f"Cast to ONNX type {attrs['to']} is not supported.", hint="Cast to float or int64."
        )
    values: Array = inputs[0].astype(_CAST[attrs["to"]])
    return values.astype(np.float32) if values.dtype == np.float16 else values


def _elementwise(function: Callable[..., Any]) -> Fold:
    def evaluate(inputs: Operands, _: Attrs) -> Array:
        _bounded(np.broadcast_shapes(*(x.shape for x in inputs)))
        return np.asarray(function(*inputs))

    return evaluate


def _concat(inputs: Operands, attrs: Attrs) -> Array:
    parts = list(inputs)
    _bounded([sum(part.size for part in parts)])
    return np.concatenate(parts, attrs["axis"])


def _gather(inputs: Operands, attrs: Attrs) -> Array:
    x, indices = inputs
    axis = attrs.get("axis", 0)
    _bounded((*x.shape[:axis], *indices.shape, *x.shape[axis:][1:]))
    return np.asarray(np.take(x, indices, axis=axis))


def _divide(a: Array, b: Array) -> Array:
    if a.dtype.kind == "f":
        return np.asarray(a / b)
    if not b.all():
        raise ValueError("division by zero")
    quotient = np.abs(a) // np.abs(b)  # ONNX integer division truncates
    return np.asarray(np.where((a < 0) != (b < 0), -quotient, quotient))


def _slice(inputs: Operands, attrs: Attrs) -> Array:
    x: Array = inputs[0]
    starts = _integers(inputs, 1, attrs, "starts") or ()
    ends = _integers(inputs, 2, attrs, "ends") or ()
    axes = _integers(inputs, 3, attrs, "axes") or tuple(range(len(starts)))
    steps = _integers(inputs, 4, attrs, "steps") or (1,) * len(starts)
    index = [slice(None)] * x.ndim
    for start, end, axis, step in zip(starts, ends, axes, steps, strict=True):
        size = x.shape[axis]
        if step < 0:  # ONNX clamps the start to the first element, Python to before it
            start = max(start, -size)
        index[axis] = slice(start, None if step < 0 and end < -size else end, step)
    return x[tuple(index)]


def _integers(inputs: Operands, at: int, attrs: Attrs, name: str) -> tuple[int, ...] | None:
    """Integers that older operator sets give as attribute ``name``, newer ones as input ``at``."""
    if at < len(inputs) and inputs[at] is not None:
        return tuple(int(value) for value in inputs[at].reshape(-1))
    return attrs.get(name)


def _squeeze(inputs: Operands, attrs: Attrs) -> Array:
    return np.asarray(np.squeeze(inputs[0], _integers(inputs, 1, attrs, "axes")))


def _unsqueeze(inputs: Operands, attrs: Attrs) -> Array:
    axes = _integers(inputs, 1, attrs, "axes")
    assert axes is not None
    return np.expand_dims(inputs[0], axes)


def _reshape(inputs: Operands, attrs: Attrs) -> Array:
    x, shape = inputs[0], inputs[1].tolist()
    if not attrs.get("allowzero", 0):
        shape = [x.shape[i] if size == 0 else size for i, size in enumerate(shape)]
    return np.asarray(x.reshape(shape))


def _expand(inputs: Operands, _: Attrs) -> Array:
    shape = _bounded(np.broadcast_shapes(inputs[0].shape, tuple(inputs[1].tolist())))
    return np.array(np.broadcast_to(inputs[0], shape))


def _range(inputs: Operands, _: Attrs) -> Array:
    start, limit, delta = (float(x.reshape(-1)[0]) for x in inputs)
    if not delta:
        raise ValueError("a range in steps of 0")
    (count,) = _bounded([max(0, math.ceil((limit - start) / delta))])
    return np.asarray(start + delta * np.arange(count)).astype(inputs[0].dtype)


def _reduce_prod(inputs: Operands, attrs: Attrs) -> Array:
    axes = _integers(inputs, 1, attrs, "axes")
    keep = bool(attrs.get("keepdims", 1))
    if not axes and attrs.get("noop_with_empty_axes", 0):
        return np.asarray(inputs[0])
    return np.asarray(np.prod(inputs[0], axis=axes or None, keepdims=keep, dtype=inputs[0].dtype))


FOLDS: dict[str, Fold] = {
    "Add": _elementwise(np.add),
    "Cast": _cast,
    "Concat": _concat,
    "Constant": _constant,
    "ConstantOfShape": _constant_of_shape,
    "Div": _elementwise(_divide),
    "Equal": _elementwise(np.equal),
    "Exp": _elementwise(np.exp),
    "Expand": _expand,
    "Floor": _elementwise(np.floor),
    "Gather": _gather,
    "Identity": lambda i, _: i[0],
    "Mul": _elementwise(np.multiply),
    "Neg": _elementwise(np.negative),
    "Pow": _elementwise(np.power),
    "Range": _range,
    "ReduceProd": _reduce_prod,
    "Reshape": _reshape,
    "Slice": _slice,
    "Sqrt": _elementwise(np.sqrt),
    "Squeeze": _squeeze,
    "Sub": _elementwise(np.subtract),
    "Transpose": lambda i, a: np.transpose(i[0], a.get("perm")),
    "Unsqueeze": _unsqueeze,
    "Where": _elementwise(np.where),
}


class _Constants(Sequence[Any]):
    """Values of a node's inputs, looked up when they are asked for, so that it shows which are."""

    def __init__(self, names: Sequence[str], constants: Mapping[str, Array]) -> None:
        self._names, self._constants = names, constants

    def __getitem__(self, index: Any) -> Any:
        name = self._names[index]
        return self._constants[name] if name else None

    def __len__(self) -> int:
        return len(self._names)


def fold(node: OnnxNode, constants: Mapping[str, Array]) -> Array | None:
    """The value of ``node`` when all its inputs are constant and it can be computed, else None."""
    evaluate = FOLDS.get(node.op)
    if evaluate is None or any(name not in constants for name in node.inputs.present()):
        return None
    with np.errstate(all="ignore"):
        value = evaluate(_Constants(node.inputs, constants), node.attrs)
    if value.dtype.kind == "f" and not np.isfinite(value).all():
        raise ModelError(f"node {node.name!r} ({node.op}): its constant value is not finite.")
    return value.astype(np.float32) if value.dtype.kind == "f" else value
