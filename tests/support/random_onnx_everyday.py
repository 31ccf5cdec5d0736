"""Random ONNX operators of everyday networks: functions of one value, normalisations, transposed
convolutions, larger and smaller, values dealt out anew."""

from __future__ import annotations

from typing import Any

from tests.support.random_onnx_compute import _window
from tests.support.random_onnx_graph import Draft, Step

_FUNCTIONS = ("Abs", "Elu", "Erf", "LeakyRelu", "Neg", "Selu", "Sin", "Softplus", "Softsign")
_REDUCTIONS = ("ReduceL1", "ReduceL2", "ReduceMax", "ReduceMin", "ReduceSumSquare")


def function(m: Draft) -> None:
    x, shape = m.value()
    op = m.pick(_FUNCTIONS)
    attrs = m.maybe(0.3, alpha=m.pick((0.3, 1.0))) if op in ("Elu", "LeakyRelu") else {}
    m.made(m.node(op, [x], **attrs), shape)


def gate(m: Draft) -> None:
    """SiLU, Mish, GELU as they are spelt."""
    x, shape = m.value()
    kind = m.upto(0, 2)
    if kind == 0:
        m.made(m.node("Mul", [x, m.node("Sigmoid", [x])]), shape)
    elif kind == 1:
        m.made(m.node("Mul", [x, m.node("Tanh", [m.node("Softplus", [x])])]), shape)
    else:
        part = m.node("Erf", [m.node("Mul", [x, m.number(0.7071)])])
        half = m.node("Mul", [m.node("Add", [part, m.number(1.0)]), m.number(0.5)])
        m.made(m.node("Mul", [half, x]), shape)


def limits(m: Draft) -> None:
    x, shape = m.value()
    low, high = m.pick(((-1, 1), (0, 1), (-0.5, 2)))
    m.made(m.node("Clip", [x, m.number(low), m.number(high)]), shape)


def extremum(m: Draft) -> None:
    x, shape = m.value()
    fitting = [n for n, s in m.values.items() if s == shape]
    other = m.pick(fitting) if m.chance(0.5) else m.floats(*shape[-1:])
    m.made(m.node(m.pick(("Max", "Min")), [x, other]), shape)


def slopes(m: Draft) -> None:
    x, shape = m.value(2, 3, 4)
    each = (shape[1], *(1,) * (len(shape) - 2))
    m.made(m.node("PRelu", [x, m.floats(*each)]), shape)


def normalization(m: Draft) -> None:
    x, shape = m.value(3, 4)
    kind = m.pick(("LayerNormalization", "InstanceNormalization", "spelt"))
    if kind == "LayerNormalization" and m.opset >= 17:
        axis = m.upto(1, len(shape) - 1)
        size = shape[axis:]
        m.made(m.node(kind, [x, m.floats(*size), m.floats(*size)], axis=axis, epsilon=0.01), shape)
    elif kind == "InstanceNormalization":
        m.made(m.node(kind, [x, m.floats(shape[1]), m.floats(shape[1])], epsilon=0.01), shape)
    elif m.opset < 18:
        axes = m.pick(([-1], [1], [-2, -1]))
        d = m.node("Sub", [x, m.node("ReduceMean", [x], axes=axes)])
        spread = m.node("ReduceMean", [m.node("Mul", [d, d])], axes=axes)
        root = m.node("Sqrt", [m.node("Add", [spread, m.number(0.01)])])
        m.made(m.node("Div", [d, root]), shape)
    else:
        raise LookupError


def conv_transpose(m: Draft) -> None:
    x, shape = m.value(3, 4)
    channels, outputs = shape[1], m.upto(1, 3)
    attrs: dict[str, Any] = _window(m, shape)
    attrs.pop("auto_pad", None)
    kernel = attrs["kernel_shape"]
    if m.chance(0.3) and channels > 1:
        attrs["group"], outputs = channels, 1
    weights = (m.floats(channels, outputs, *kernel), (channels, outputs, *kernel))
    m.windowed("ConvTranspose", [(x, shape), weights], **attrs)


def reduction(m: Draft) -> None:
    if m.opset >= 18:
        raise LookupError
    x, shape = m.value(2, 3, 4)
    axis = m.upto(0, len(shape) - 1)
    made = tuple(1 if i == axis else size for i, size in enumerate(shape))
    m.made(m.node(m.pick(_REDUCTIONS), [x], axes=[axis]), made)


def edges(m: Draft) -> None:
    x, shape = m.value(3, 4)
    mode = m.pick(("reflect", "edge"))
    axis = len(shape) - 1
    before, after = (m.upto(0, min(2, shape[axis] - 1)) for _ in range(2))
    pads = [0] * (2 * len(shape))
    pads[axis], pads[-1] = before, after
    made = (*shape[:axis], shape[axis] + before + after)
    m.made(m.node("Pad", [x, m.ints(pads)], mode=mode), made)


def gather(m: Draft) -> None:
    x, shape = m.value(2, 3, 4)
    axis = m.upto(0, len(shape) - 1)
    indices = [m.upto(0, shape[axis] - 1) for _ in range(m.upto(1, 4))]
    made = (*shape[:axis], len(indices), *shape[axis + 1 :])
    m.made(m.node("Gather", [x, m.ints(indices)], axis=axis), made)


EVERYDAY: tuple[Step, ...] = (
    function, gate, limits, extremum, slopes, normalization, conv_transpose, reduction, edges,
    gather,
)  # fmt: skip
