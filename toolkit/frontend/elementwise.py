"""Lowering of element-wise operators: arithmetic and activations."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from toolkit.errors import ModelError
from toolkit.frontend.lowering import (
    Lower,
    Lowering,
    attribute,
    axis_of,
    no_effect,
    unsupported,
)
from toolkit.frontend.node import OnnxNode
from toolkit.frontend.reader import FLOAT_CODES, MAX_ELEMENTS
from toolkit.ir import QuantParams, Shape
from toolkit.ir.tensor import Array
from toolkit.ops.parts.arithmetic import ArithmeticAttrs
from toolkit.ops.softmax import SoftmaxAttrs


def add(low: Lowering, node: OnnxNode) -> str:
    """Add; either operand may be constant."""
    split = _split_constant(low, node)
    if split is None:
        return low.append("add", _aligned(low, node), ArithmeticAttrs(), node)
    x, constant, _ = split
    return low.add(x, constant, node, _constant_quant(low, node))


def sub(low: Lowering, node: OnnxNode) -> str:
    """Sub; a constant operand turns it into an addition."""
    split = _split_constant(low, node)
    if split is None:
        return low.append("sub", _aligned(low, node), ArithmeticAttrs(), node)
    x, constant, constant_first = split
    if not constant_first:
        return low.add(x, -constant, node)
    return low.add(low.multiply(x, np.full(1, -1.0, np.float32), node), constant, node)


def mul(low: Lowering, node: OnnxNode) -> str:
    """Mul; either operand may be constant."""
    split = _split_constant(low, node)
    if split is None:
        return low.append("mul", _aligned(low, node), ArithmeticAttrs(), node)
    x, constant, _ = split
    return low.multiply(x, constant, node, _constant_quant(low, node))


def div(low: Lowering, node: OnnxNode) -> str:
    """Div; by a constant, as a multiplication."""
    split = _split_constant(low, node)
    if split is None:
        return low.append("div", _aligned(low, node), ArithmeticAttrs(), node)
    x, constant, constant_first = split
    if constant_first:
        dividend = low.builder.constant(f"{node.outputs[0]}@constant", constant)
        return low.append("div", [dividend, x], ArithmeticAttrs(), node)
    if not constant.all():
        raise ModelError(f"node {node.name!r} (Div): division by zero.")
    return low.multiply(x, 1.0 / constant, node)


def relu(low: Lowering, node: OnnxNode) -> str:
    """Relu."""
    return low.append("relu", [low.value(node.inputs[0])], None, node)


def sigmoid(low: Lowering, node: OnnxNode) -> str:
    """Sigmoid."""
    return low.append("logistic", [low.value(node.inputs[0])], None, node)


def tanh(low: Lowering, node: OnnxNode) -> str:
    """Tanh."""
    return low.append("tanh", [low.value(node.inputs[0])], None, node)


def exp(low: Lowering, node: OnnxNode) -> str:
    """Exp."""
    return low.append("exp", [low.value(node.inputs[0])], None, node)


def sqrt(low: Lowering, node: OnnxNode) -> str:
    """Sqrt."""
    return low.append("sqrt", [low.value(node.inputs[0])], None, node)


def hard_swish(low: Lowering, node: OnnxNode) -> str:
    """HardSwish."""
    return low.append("hard_swish", [low.value(node.inputs[0])], None, node)


def hard_sigmoid(low: Lowering, node: OnnxNode) -> str:
    """HardSigmoid, max(0, min(1, alpha x + beta)), as a sixth of ReLU6(6 alpha x + 6 beta)."""
    alpha, beta = attribute(node, "alpha", float, 0.2), attribute(node, "beta", float, 0.5)
    x = low.value(node.inputs[0])
    if not math.isclose(6 * alpha, 1.0, rel_tol=1e-6):
        x = low.multiply(x, np.full(1, 6 * alpha, np.float32), node)
    shifted = low.add(x, np.full(1, 6 * beta, np.float32), node)
    gate = low.append("relu6", [shifted], None, node)
    return low.multiply(gate, np.full(1, 1 / 6, np.float32), node)


def softmax(low: Lowering, node: OnnxNode) -> str:
    """Softmax over any axis, which is brought to the end."""
    x = low.value(node.inputs[0])
    shape = low.tensor_shape(x)
    axis = axis_of(node, attribute(node, "axis", int, -1 if low.opset >= 13 else 1), len(shape))
    if low.opset < 13:  # one softmax over all dimensions from the axis on
        flat = low.reshape(x, (*shape[:axis], int(np.prod(shape[axis:]))))
        return low.reshape(low.append("softmax", [flat], SoftmaxAttrs(), node), shape)
    last = len(shape) - 1
    perm = [i for i in range(len(shape)) if i != axis] + [axis]
    back = [perm.index(i) for i in range(len(shape))] if axis != last else list(range(len(shape)))
    return low.transpose(
        low.append("softmax", [low.transpose(x, perm)], SoftmaxAttrs(), node), back
    )


def identity(low: Lowering, node: OnnxNode) -> str:
    """Identity."""
    return low.value(node.inputs[0])


def cast(low: Lowering, node: OnnxNode) -> str:
    """Cast from one floating-point type to another: all are float32 here."""
    no_effect(node, "saturate", "round_mode")
    if attribute(node, "to", int, 0) not in FLOAT_CODES:
        raise unsupported(node, "supported between floating-point types", "Keep values in float.")
    return low.value(node.inputs[0])


def dropout(low: Lowering, node: OnnxNode) -> str:
    """Dropout in inference, which does nothing."""
    no_effect(node, "ratio", "seed")
    training = low.optional(node, 2)
    if training is not None and training.any():
        raise unsupported(node, "training mode", hint="Export the model in evaluation mode.")
    low.optional(node, 1)  # the ratio
    return low.value(node.inputs[0])


def expand(low: Lowering, node: OnnxNode) -> str:
    """Expand; nothing at all before arithmetic that broadcasts by itself."""
    x, output = low.value(node.inputs[0]), node.outputs[0]
    wanted = np.broadcast_shapes(low.tensor_shape(x), tuple(low.constant(node, 1).tolist()))
    if min(wanted, default=0) < 1 or math.prod(wanted) > MAX_ELEMENTS:
        raise ModelError(f"node {node.name!r} (Expand): impossible shape {list(wanted)}.")
    readers = low.readers(output)
    if wanted == low.tensor_shape(x):
        return x
    if output not in low.outputs and all(_broadcasts(low, r, output, wanted) for r in readers):
        low.unexpanded.add(output)
        return x
    return low.expand(x, wanted, node)


def _broadcasts(low: Lowering, reader: OnnxNode, name: str, shape: Shape) -> bool:
    """Whether ``reader`` itself gives ``name``, one of its operands, the shape of the other."""
    others = [other for other in reader.inputs.present() if other != name]
    if reader.op not in ("Add", "Mul", "Sub") or len(others) != 1 or others[0] in low.unexpanded:
        return False
    return others[0] in low.values and low.shape(others[0]) == shape


def _split_constant(low: Lowering, node: OnnxNode) -> tuple[str, Array, bool] | None:
    """The computed operand, the constant one, and whether the constant came first; None when
    both are computed.  The computed operand gets the rank of the result."""
    a, b = node.inputs
    constant_first = a in low.constants
    if not constant_first and b not in low.constants:
        return None
    constant = low.floats(a if constant_first else b)
    x = low.value(b if constant_first else a)
    wide = np.broadcast_shapes(low.tensor_shape(x), constant.shape)
    return low.expand(x, wide, node), constant, constant_first


def _constant_quant(low: Lowering, node: OnnxNode) -> QuantParams | None:
    """What the model quantised the constant operand with."""
    return next((low.quants[name] for name in node.inputs if name in low.quants), None)


def aligned(low: Lowering, tensors: Sequence[str]) -> list[str]:
    """Computed operands, brought to the same number of dimensions."""
    rank = max(len(low.tensor_shape(t)) for t in tensors)
    shapes = [(1,) * (rank - len(low.tensor_shape(t))) + low.tensor_shape(t) for t in tensors]
    return [low.reshape(t, shape) for t, shape in zip(tensors, shapes, strict=True)]


def _aligned(low: Lowering, node: OnnxNode) -> list[str]:
    return aligned(low, [low.value(name) for name in node.inputs])


LOWERINGS: dict[str, Lower] = {
    "Add": add,
    "Div": div,
    "Dropout": dropout,
    "Exp": exp,
    "Expand": expand,
    "HardSigmoid": hard_sigmoid,
    "HardSwish": hard_swish,
    "Cast": cast,
    "Identity": identity,
    "Mul": mul,
    "Relu": relu,
    "Sigmoid": sigmoid,
    "Softmax": softmax,
    "Sqrt": sqrt,
    "Sub": sub,
    "Tanh": tanh,
}
