"""What exporters write in several operators, and what the passes look for."""

from __future__ import annotations

import math

import numpy as np

from tests.support.random_onnx_compute import batch_norm, conv, pool
from tests.support.random_onnx_graph import Draft, Shape, Step


def _last(m: Draft) -> tuple[str, Shape]:
    return list(m.values.items())[-1]


def _then(m: Draft, op: str, *others: str) -> str:
    """An operator that keeps the shape of the last value."""
    x, shape = _last(m)
    name = m.node(op, [x, *others])
    m.made(name, shape)
    return name


def block(m: Draft) -> None:
    """Convolution, normalisation, activation."""
    conv(m)
    x, _ = _last(m)
    others = {n: m.values.pop(n) for n in list(m.values) if n != x}
    batch_norm(m)
    m.values = {**others, **m.values}
    _then(m, m.pick(("Relu", "HardSwish" if m.opset >= 14 else "Relu", "Sigmoid")))


def channels_last(m: Draft) -> None:
    """Something between two transposes."""
    x, shape = m.value(4)
    turned = m.node("Transpose", [x], perm=[0, 2, 3, 1])
    wide = tuple(shape[i] for i in (0, 2, 3, 1))
    kind = m.upto(0, 3)
    if kind == 0:
        other = m.operand(wide)
        turned = m.node("Add", [turned, other])
        wide = np.broadcast_shapes(wide, m.dims(other))
    elif kind == 1:
        turned = m.node("Softmax", [turned], axis=m.axis(4))
    elif kind == 2:
        turned = m.node("Relu", [turned])
    m.made(turned, wide)
    if m.chance(0.8):
        perm = m.pick(([0, 3, 1, 2], [0, 3, 1, 2], [0, 1, 3, 2]))
        m.made(m.node("Transpose", [turned], perm=perm), [wide[i] for i in perm])


def attention(m: Draft) -> None:
    """A softmax-weighted sum over one axis."""
    x, shape = m.value(3, 4)
    axis = m.upto(1, len(shape) - 1)
    y = m.pick([n for n, s in m.values.items() if s == shape])
    logits = m.node("Mul", [x, m.constant(np.full(1, 0.5, np.float32))])
    over = m.pick((axis, axis, axis - len(shape), m.axis(len(shape))))
    weights = m.node("Softmax", [logits], axis=over)
    product = m.node("Mul", [y, weights][:: m.pick((1, -1))])
    keep = m.upto(0, 1)
    total = m.node("ReduceSum", [product, m.ints([axis])], keepdims=keep)
    m.made(total, [1 if i == axis else s for i, s in enumerate(shape) if keep or i != axis])
    if m.chance(0.2):
        m.made(product, shape)


def hard_swish(m: Draft) -> None:
    """Hard swish in four operators, now and then almost one."""
    x, shape = m.value()
    three = 3.0 if m.chance(0.8) else 2.5
    ones = m.pick((0, 0, 0, 1))
    constants = [m.constant(np.full((1,) * ones, v, np.float32)) for v in (three, 6.0)]
    if m.chance(0.15):  # a constant that widens
        wide = [m.upto(1, 2) if size == 1 else size for size in shape]
        constants[0] = m.constant(np.full(wide, three, np.float32))
    full = np.broadcast_shapes(shape, m.dims(constants[0]))
    gate = m.node("Add", [x, constants[0]])
    limits = [m.number(v) for v in (0, 6)]
    gate = m.node("Clip", [gate, *limits])
    if m.chance(0.5):
        gate = m.node("Div", [gate, constants[1]])
        out = m.node("Mul", [x, gate][:: m.pick((1, -1))])
    else:
        out = m.node("Div", [m.node("Mul", [x, gate]), constants[1]])
    m.made(out, full)


def excite(m: Draft) -> None:
    """A gate for each channel."""
    x, shape = m.value(4)
    pooled = m.node("GlobalAveragePool", [x])
    gate = m.node("Conv", [pooled, m.floats(shape[1], shape[1], 1, 1)])
    gate = m.node(m.pick(("Sigmoid", "HardSigmoid")), [gate])
    if m.chance(0.3):
        gate = m.node("Expand", [gate, m.ints(shape)])
    m.made(m.node("Mul", [x, gate][:: m.pick((1, -1))]), shape)


def head(m: Draft) -> None:
    """Flatten and a dense layer, which may stand apart from its bias."""
    x, shape = m.value(3, 4)
    columns = math.prod(shape[1:])
    flat = m.node("Flatten", [x]) if m.chance(0.5) else m.node("Reshape", [x, m.ints([0, -1])])
    outputs = m.upto(1, 6)
    dense = m.node("MatMul", [flat, m.floats(columns, outputs)])
    m.made(m.node(m.pick(("Add", "Mul")), [dense, m.floats(outputs)]), (shape[0], outputs))
    if m.chance(0.5):
        _then(m, "Relu")


def gram(m: Draft) -> None:
    """A product of a value with itself."""
    x, shape = m.value(3)
    turned = m.node("Transpose", [x], perm=[0, 2, 1])
    if m.chance(0.5):
        product, size = m.node("MatMul", [x, turned]), shape[1]
    else:
        product, size = m.node("MatMul", [turned, x]), shape[2]
    m.made(product, (shape[0], size, size))
    if m.chance(0.5) and size == shape[1]:
        joined = m.node("Concat", [x, product], axis=2)
        m.made(joined, (shape[0], size, shape[2] + size))


def padded_window(m: Draft) -> None:
    """Padding of its own before a window."""
    x, shape = m.value(4)
    pads = [0, 0, *(m.upto(0, 2) for _ in range(2)), 0, 0, *(m.upto(0, 2) for _ in range(2))]
    value = m.pick(([], [m.number(m.pick((0, 1, -1e4)))]))
    wide = [size + a + b for size, a, b in zip(shape, pads[:4], pads[4:], strict=True)]
    before = dict(m.values)
    m.values = {}
    m.made(m.node("Pad", [x, m.ints(pads), *value]), wide)
    m.pick((conv, pool))(m)
    m.values = {**before, **m.values}


PATTERNS: tuple[Step, ...] = (
    block, block, channels_last, channels_last, attention, hard_swish, excite, head, gram,
    padded_window,
)  # fmt: skip
