"""Random ONNX operators that compute: arithmetic, windows, matrices, reductions."""

from __future__ import annotations

from typing import Any

import numpy as np

from tests.support.random_onnx_graph import Draft, Shape, Step


# --- element by element -----------------------------------------------------------------------
def unary(m: Draft) -> None:
    op = m.pick(("Relu", "Sigmoid", "Tanh", "Identity", "HardSwish", "HardSigmoid", "Dropout"))
    if op == "HardSwish" and m.opset < 14:
        raise LookupError
    x, shape = m.value()
    inputs, attrs = [x], {}
    if op == "HardSigmoid":
        attrs = m.maybe(0.5, alpha=m.pick((1 / 6, 0.2, 0.3)), beta=m.pick((0.5, 0.25)))
    if op == "Dropout":
        attrs = m.maybe(0.3, seed=3)
        ratio, training = m.number(0.3), m.constant(np.array(False))
        inputs += m.pick(([], [ratio], ["", training], [ratio, training]))
    m.made(m.node(op, inputs, **attrs), shape)


def clip(m: Draft) -> None:
    x, shape = m.value()
    limits = m.pick(((0,), (0, 6), (0, 6)))
    m.made(m.node("Clip", [x, *(m.number(v) for v in limits)]), shape)


def arithmetic(m: Draft) -> None:
    op = m.pick(("Add", "Sub", "Mul", "Div"))
    x, shape = m.value()
    if op == "Div" or m.chance(0.5):
        other = m.operand(shape)
        wide = np.broadcast_shapes(shape, m.dims(other))
        first = op != "Div" and m.chance(0.4)
        m.made(m.node(op, [other, x] if first else [x, other]), wide)
        return
    y, y_shape = m.value()
    try:
        wide = np.broadcast_shapes(shape, y_shape)
    except ValueError:
        raise LookupError from None
    m.made(m.node(op, [x, y]), wide)


def softmax(m: Draft) -> None:
    x, shape = m.value()
    m.made(m.node("Softmax", [x], **m.maybe(0.8, axis=m.axis(len(shape)))), shape)


def expand(m: Draft) -> None:
    x, shape = m.value()
    wide = [m.upto(1, 4) if size == 1 else m.pick((1, size)) for size in shape]
    if len(wide) < 4 and m.chance(0.3):
        wide = [m.upto(1, 2), *wide]
    name = m.node("Expand", [x, m.ints(wide)])
    full = np.broadcast_shapes(shape, wide)
    m.made(name, full)
    if m.chance(0.5):
        fitting = [n for n, s in m.values.items() if s == full and n != name]
        if fitting:
            op = m.pick(("Add", "Mul", "Sub"))
            m.made(m.node(op, [name, m.pick(fitting)][:: m.pick((1, -1))]), full)


# --- windows ----------------------------------------------------------------------------------
def _window(m: Draft, shape: Shape, pool: bool = False) -> dict[str, Any]:
    spatial = shape[2:]
    kernel = [m.upto(1, min(4, size)) for size in spatial]
    attrs: dict[str, Any] = {"kernel_shape": kernel}
    attrs |= m.maybe(0.5, strides=[m.upto(1, 3) for _ in spatial])
    if not pool or m.chance(0.05):
        attrs |= m.maybe(0.3, dilations=[m.upto(1, 2) for _ in spatial])
    if m.chance(0.5):
        attrs["pads"] = [m.upto(0, k - 1) for k in [*kernel, *kernel]]
    elif m.chance(0.5):
        attrs["auto_pad"] = m.pick(("SAME_UPPER", "SAME_LOWER", "VALID", "NOTSET"))
        if attrs["auto_pad"].startswith("SAME"):  # which onnxruntime takes undilated only
            attrs.pop("dilations", None)
    return attrs


def conv(m: Draft) -> None:
    x, shape = m.value(3, 4)
    channels = shape[1]
    group = m.pick([g for g in range(1, channels + 1) if channels % g == 0])
    outputs = group * m.upto(1, 3)
    attrs = _window(m, shape)
    kernel = attrs["kernel_shape"]
    weights = m.floats(outputs, channels // group, *kernel)
    if m.chance(0.3):
        del attrs["kernel_shape"]
    if group > 1 or m.chance(0.3):
        attrs["group"] = group
    inputs = [(x, shape), (weights, (outputs, channels // group, *kernel))]
    if m.chance(0.5):
        inputs.append((m.floats(outputs), (outputs,)))
    m.windowed("Conv", inputs, **attrs)


def pool(m: Draft) -> None:
    x, shape = m.value(3, 4)
    op = m.pick(("MaxPool", "AveragePool"))
    attrs = _window(m, shape, pool=True)
    if op == "AveragePool" and m.opset < 19:
        attrs.pop("dilations", None)
    attrs |= m.maybe(0.3, ceil_mode=m.upto(0, 1))
    attrs |= m.maybe(0.3, **{"MaxPool": {"storage_order": m.upto(0, 1)},
                             "AveragePool": {"count_include_pad": m.upto(0, 1)}}[op])  # fmt: skip
    outputs = 2 if op == "MaxPool" and m.chance(0.1) else 1
    m.windowed(op, [(x, shape)], outputs, **attrs)


def global_pool(m: Draft) -> None:
    x, shape = m.value(3, 4)
    op = m.pick(("GlobalAveragePool", "GlobalMaxPool"))
    m.made(m.node(op, [x]), (*shape[:2], *[1] * len(shape[2:])))


def batch_norm(m: Draft) -> None:
    x, shape = m.value(2, 3, 4)
    parameters = [
        m.constant(m.rng.uniform(low, high, shape[1]).astype(np.float32))
        for low, high in ((0.5, 1.5), (-0.5, 0.5), (-0.5, 0.5), (0.5, 2.0))
    ]
    attrs = m.maybe(0.4, epsilon=m.pick((1e-5, 1e-3, 0.1)), momentum=m.pick((0.9, 0.5)))
    m.made(m.node("BatchNormalization", [x, *parameters], **attrs), shape)


# --- matrices ---------------------------------------------------------------------------------
def gemm(m: Draft) -> None:
    x, shape = m.value(2)
    turned = m.chance(0.2)
    rows, columns = shape[::-1] if turned else shape
    outputs = m.pick((rows, m.upto(1, 5)))
    attrs = m.maybe(0.4, alpha=m.pick((1.0, 0.5)), beta=m.pick((1.0, 2.0)))
    attrs |= {"transA": 1} if turned else m.maybe(0.2, transA=0)
    other = m.chance(0.5)
    attrs |= {"transB": 1} if other else m.maybe(0.2, transB=0)
    inputs = [x, m.floats(*((outputs, columns) if other else (columns, outputs)))]
    kinds: list[Shape] = [(), (1,), (outputs,), (1, outputs), (rows, 1), (rows, outputs), (1, 1)]
    choice = m.upto(-2, len(kinds) - 1)
    computed = [n for n, s in m.values.items() if s in kinds]
    if choice == -1 and computed:
        inputs.append(m.pick(computed))
    elif choice >= 0:
        inputs.append(m.floats(*kinds[choice]))
    m.made(m.node("Gemm", inputs, **attrs), (rows, outputs))


def matmul(m: Draft) -> None:
    x, shape = m.value(1, 2, 3, 4)
    if m.chance(0.3):
        fits = (*shape[:-2], shape[-1])
        fitting = [(n, s) for n, s in m.values.items() if len(s) > 1 and s[:-1] == fits]
        if not fitting:
            raise LookupError
        y, y_shape = m.pick(fitting)
        m.made(m.node("MatMul", [x, y]), (*shape[:-1], y_shape[-1]))
        return
    outputs = m.upto(1, 5)
    m.made(m.node("MatMul", [x, m.floats(shape[-1], outputs)]), (*shape[:-1], outputs))


# --- reductions -------------------------------------------------------------------------------
def reduce(m: Draft) -> None:
    x, shape = m.value()
    op = m.pick(("ReduceMean", "ReduceSum"))
    axes = sorted(int(a) for a in m.rng.permutation(len(shape))[: m.upto(0, len(shape))])
    stated = [a - len(shape) if m.chance(0.3) else a for a in axes]
    as_input = m.opset >= (18 if op == "ReduceMean" else 13)
    keep = m.upto(0, 1) if len(axes) < len(shape) and axes else 1
    attrs: dict[str, Any] = {"keepdims": 0} if not keep else m.maybe(0.5, keepdims=1)
    inputs = [x]
    if as_input:
        attrs |= m.maybe(0.3, noop_with_empty_axes=m.upto(0, 1))
        if axes or m.chance(0.3):
            inputs.append(m.ints(stated))
    elif axes:
        attrs["axes"] = stated
    if not axes:
        same = bool(attrs.get("noop_with_empty_axes"))
        result: Shape = shape if same else (1,) * len(shape)
    elif keep:
        result = tuple(1 if i in axes else size for i, size in enumerate(shape))
    else:
        result = tuple(size for i, size in enumerate(shape) if i not in axes)
    m.made(m.node(op, inputs, **attrs), result)


COMPUTE: tuple[Step, ...] = (
    unary, unary, clip, arithmetic, arithmetic, softmax, expand, conv, conv, pool, pool,
    global_pool, batch_norm, gemm, gemm, matmul, reduce, reduce,
)  # fmt: skip
