"""Lowering of functions of one value: one row in `numerics.functions` each, and what ONNX spells
otherwise."""

from __future__ import annotations

from functools import partial

import numpy as np

from toolkit.frontend.elementwise import aligned
from toolkit.frontend.lowering import Lower, Lowering, attribute, has_input, unsupported
from toolkit.frontend.node import OnnxNode
from toolkit.ops.leaky_relu import LeakyReluAttrs
from toolkit.ops.numerics.functions import ARGUMENT, FUNCTIONS, Formula, Step, formula
from toolkit.ops.parts.arithmetic import ArithmeticAttrs
from toolkit.ops.table import TableAttrs


def tabled(low: Lowering, node: OnnxNode, made: Formula) -> str:
    """A formula of the node's first input."""
    return low.append("table", [low.value(node.inputs[0])], TableAttrs(made), node)


def _function(name: str, low: Lowering, node: OnnxNode) -> str:
    numbers = [attribute(node, key, float, v) for key, v in FUNCTIONS[name].attributes.items()]
    return tabled(low, node, formula(name, *numbers))


def gelu(low: Lowering, node: OnnxNode) -> str:
    """Gelu, exact or by a hyperbolic tangent."""
    rough = attribute(node, "approximate", str, "none") == "tanh"
    return tabled(low, node, formula("gelu_tanh" if rough else "gelu"))


def leaky_relu(low: Lowering, node: OnnxNode) -> str:
    """LeakyRelu: TFLM's where it has the slope."""
    alpha = attribute(node, "alpha", float, 0.01)
    if not 0 < alpha <= 1:
        return tabled(low, node, formula("leaky_relu", alpha))
    return low.append("leaky_relu", [low.value(node.inputs[0])], LeakyReluAttrs(alpha), node)


def prelu(low: Lowering, node: OnnxNode) -> str:
    """PRelu with known slopes; one slope is LeakyRelu's."""
    x, slopes = low.value(node.inputs[0]), low.floats(node.inputs[1])
    if slopes.size == 1:
        alpha = float(slopes.reshape(-1)[0])
        if 0 < alpha <= 1:
            return low.append("leaky_relu", [x], LeakyReluAttrs(alpha), node)
        return tabled(low, node, formula("leaky_relu", alpha))
    rank = len(low.tensor_shape(x))
    shaped = slopes.reshape((1,) * (rank - slopes.ndim) + slopes.shape)
    name = low.builder.constant(node.inputs[1], shaped)
    return low.append("prelu", [x, name], ArithmeticAttrs(), node)


def extremum(op: str, low: Lowering, node: OnnxNode) -> str:
    """Max and Min of any number of operands; a known number is part of a table."""
    computed = [low.value(n) for n in node.inputs if n not in low.constants]
    constants = [low.floats(n) for n in node.inputs if n in low.constants]
    result, *rest = computed
    for other in rest:
        result = low.append(op, aligned(low, [result, other]), ArithmeticAttrs(), node)
    if constants:
        known = constants[0]
        for values in constants[1:]:
            known = (np.maximum if op == "maximum" else np.minimum)(known, values)
        if known.size == 1:
            number, name = float(known.reshape(-1)[0]), "max" if op == "maximum" else "min"
            if name == "max" and number == 0.0:
                return low.append("relu", [result], None, node)
            made = low.append("table", [result], TableAttrs(formula(name, number)), node)
            wide = np.broadcast_shapes(low.tensor_shape(made), known.shape)
            return low.expand(made, wide, node)
        wide = np.broadcast_shapes(low.tensor_shape(result), known.shape)
        full = known.reshape((1,) * (len(wide) - known.ndim) + known.shape)
        name = low.builder.constant(f"{node.outputs[0]}@constant", full)
        operand = low.reshape(
            result, (1,) * (len(wide) - len(low.tensor_shape(result))) + low.tensor_shape(result)
        )
        return low.append(op, [operand, name], ArithmeticAttrs(), node)
    return result


def neg(low: Lowering, node: OnnxNode) -> str:
    """Neg, as a product."""
    return low.multiply(low.value(node.inputs[0]), np.full(1, -1.0, np.float32), node)


def power(low: Lowering, node: OnnxNode) -> str:
    """Pow where one side is one number; a square as a product, a root as one."""
    base_first = node.inputs[0] in low.constants
    number = low.constant(node, 0 if base_first else 1)
    if number.size != 1:
        raise unsupported(
            node,
            f"one side must be one number; got {list(number.shape)}",
            hint="Multiply, or use Exp and Log.",
        )
    value, x = float(number.reshape(-1)[0]), low.value(node.inputs[1 if base_first else 0])
    if base_first:
        made = Formula((Step("pow", (value, ARGUMENT)),))
        return low.append("table", [x], TableAttrs(made), node)
    if value == 2.0:
        return low.append("mul", [x, x], ArithmeticAttrs(), node)
    if value == 0.5:
        return low.append("sqrt", [x], None, node)
    return x if value == 1.0 else tabled(low, node, formula("pow", value))


def clip(low: Lowering, node: OnnxNode) -> str:
    """Clip: ReLU and ReLU6 where its limits are theirs, a lower limit alone by way of ReLU, which
    layers fuse."""
    limits = (_limit(low, node, "min", 1), _limit(low, node, "max", 2))
    x = low.value(node.inputs[0])
    if limits[0] not in (0.0, -np.inf) and limits[1] == np.inf:
        least = np.full(1, limits[0], np.float32)
        return low.add(low.append("relu", [low.add(x, -least, node)], None, node), least, node)
    if limits == (-np.inf, np.inf):
        return x
    kind = {(0.0, np.inf): "relu", (0.0, 6.0): "relu6"}.get(limits)
    if kind is not None:
        return low.append(kind, [x], None, node)
    return tabled(low, node, formula("clip", *limits))


def _limit(low: Lowering, node: OnnxNode, name: str, index: int) -> float:
    unbounded = -np.inf if name == "min" else np.inf
    if has_input(node, index):
        value = float(low.constant(node, index).reshape(-1)[0])
    else:
        value = attribute(node, name, float, unbounded)
    return float(unbounded) if abs(value) > 1e30 else value


LOWERINGS: dict[str, Lower] = {
    **{row.onnx: partial(_function, name) for name, row in FUNCTIONS.items() if row.onnx},
    "Clip": clip,
    "LeakyRelu": leaky_relu,
    "Max": partial(extremum, "maximum"),
    "Min": partial(extremum, "minimum"),
    "PRelu": prelu,
    "Gelu": gelu,
    "Neg": neg,
    "Pow": power,
}
