"""Random ONNX operators that move data, and arithmetic on shapes and constants."""

from __future__ import annotations

import math

import numpy as np

from tests.support.random_onnx_graph import Draft, Step


# --- shapes -----------------------------------------------------------------------------------
def reshape(m: Draft) -> None:
    x, shape = m.value()
    total, dims = math.prod(shape), []
    for _ in range(m.upto(0, 3)):
        dims.append(m.pick([d for d in range(1, total + 1) if total % d == 0]))
        total //= dims[-1]
    dims.append(total)
    stated = list(dims)
    if m.chance(0.4):
        stated[m.upto(0, len(dims) - 1)] = -1
    zero = [i for i in range(min(len(dims), len(shape))) if dims[i] == shape[i] and stated[i] > 0]
    if zero and m.chance(0.3):
        stated[m.pick(zero)] = 0
    attrs = {}
    if m.opset >= 14 and m.chance(0.2):
        attrs["allowzero"] = m.upto(0, int(0 not in stated))
    m.made(m.node("Reshape", [x, m.ints(stated)], **attrs), dims)


def shape_arithmetic(m: Draft) -> None:
    """``x.reshape(part of its shape, -1)`` as exporters spell it."""
    x, shape = m.value()
    rank, start, end = len(shape), 0, m.upto(0, len(shape))
    if m.opset >= 15 and m.chance(0.5):
        attrs = m.maybe(0.5, start=0) | {"end": m.pick((end, end - rank if end < rank else 99))}
        kept = m.node("Shape", [x], **attrs)
    else:
        whole = m.node("Shape", [x])
        bounds = [m.ints([start]), m.ints([end if end < rank else m.pick((end, 2**62))])]
        extra = m.pick(([], [m.ints([0])], [m.ints([0]), m.ints([1])], ["", m.ints([1])]))
        kept = m.node("Slice", [whole, *bounds, *extra])
    if m.chance(0.2):
        kept = m.node("Cast", [m.node("Cast", [kept], to=1)], to=7)
    target = m.node("Concat", [kept, m.ints([-1])], axis=m.pick((0, -1)))
    result = (*shape[:end], math.prod(shape[end:]))
    m.made(m.node("Reshape", [x, target]), result)


def folded(m: Draft) -> None:
    """Arithmetic on constants that ends in an operand."""
    x, shape = m.value()
    size = shape[-1]
    c = m.floats(size)
    for _ in range(m.upto(1, 3)):
        c = m.pick(_FOLDED)(m, c, size)
    m.made(m.node(m.pick(("Add", "Mul", "Sub")), [x, c][:: m.pick((1, -1))]), shape)


def _binary(m: Draft, c: str, size: int) -> str:
    return m.node(m.pick(("Add", "Mul", "Sub")), [c, m.floats(*m.pick(((), (1,), (size,))))])


def _positive(m: Draft, c: str, size: int) -> str:
    return m.node("Sqrt", [m.node("Mul", [c, c])])


def _turned(m: Draft, c: str, size: int) -> str:
    bounds = [m.ints([v]) for v in (m.pick((-1, 99)), -99)]
    return m.node("Slice", [c, *bounds, m.pick(("", m.ints([0]))), m.ints([-1])])


def _gathered(m: Draft, c: str, size: int) -> str:
    return m.node("Gather", [c, m.ints([m.upto(-size, size - 1) for _ in range(size)])])


def _swapped(m: Draft, c: str, size: int) -> str:
    middle = m.ints([size // 2])
    first = m.node("Slice", [c, m.ints([0]), middle])
    rest = m.node("Slice", [c, middle, m.ints([2**62]), m.ints([-1])])
    return m.node("Concat", [rest, first], axis=m.pick((0, -1)))


def _chosen(m: Draft, c: str, size: int) -> str:
    return m.node("Where", [m.node("Equal", [c, m.floats(1)]), c, m.floats(size)])


def _moved(m: Draft, c: str, size: int) -> str:
    column = m.node("Reshape", [c, m.ints([0, 1])])
    row = m.node("Transpose", [column])
    wide = m.node("Unsqueeze", [row, m.ints([m.pick((0, 1, 2, -1))])])
    return m.node("Reshape", [wide, m.ints([-1])])


def _averaged(m: Draft, c: str, size: int) -> str:
    if m.opset < 18:
        mean = m.node("ReduceMean", [c], keepdims=1, axes=[0])
    else:
        mean = m.node("ReduceMean", [c, m.ints([0])], keepdims=1)
    return m.node("Expand", [mean, m.ints([size])])


def _unary(m: Draft, c: str, size: int) -> str:
    return m.node(m.pick(("Neg", "Relu", "Softmax", "Sigmoid", "Floor")), [c])


#: Each makes another constant of as many values.
_FOLDED = (_binary, _positive, _turned, _gathered, _swapped, _chosen, _moved, _averaged, _unary)


def flatten(m: Draft) -> None:
    x, shape = m.value()
    axis = m.upto(-len(shape), len(shape))
    attrs = m.maybe(0.7, axis=axis)
    cut = attrs.get("axis", 1)
    cut += len(shape) if cut < 0 else 0
    m.made(m.node("Flatten", [x], **attrs), (math.prod(shape[:cut]), math.prod(shape[cut:])))


def squeeze(m: Draft) -> None:
    x, shape = m.value()
    ones = [i for i, size in enumerate(shape) if size == 1]
    some = [i for i in ones if m.chance(0.6)]
    if not ones or len(ones) == len(shape):
        raise LookupError
    if m.chance(0.3) or not some:
        inputs, some = [x], ones
    else:
        inputs = [x, m.ints([i - len(shape) if m.chance(0.3) else i for i in some])]
    m.made(m.node("Squeeze", inputs), [s for i, s in enumerate(shape) if i not in some])


def unsqueeze(m: Draft) -> None:
    x, shape = m.value(1, 2, 3)
    rank = m.upto(len(shape) + 1, 4)
    places = [int(a) for a in m.rng.permutation(rank)[: rank - len(shape)]]
    stated = [a - rank if m.chance(0.3) else a for a in places]
    rest = iter(shape)
    result = [1 if axis in places else next(rest) for axis in range(rank)]
    m.made(m.node("Unsqueeze", [x, m.ints(stated)]), result)


def transpose(m: Draft) -> None:
    x, shape = m.value()
    perm = [int(a) for a in m.rng.permutation(len(shape))]
    attrs = m.maybe(0.8, perm=perm)
    order = attrs.get("perm", range(len(shape))[::-1])
    m.made(m.node("Transpose", [x], **attrs), [shape[i] for i in order])


def concat(m: Draft) -> None:
    x, shape = m.value()
    axis = m.axis(len(shape))
    place = axis % len(shape)
    beside = (*shape[:place], *shape[place + 1 :])
    fitting = [
        name
        for name, other in m.values.items()
        if len(other) == len(shape) and (*other[:place], *other[place + 1 :]) == beside
    ]
    parts: list[str] = []
    size = 0
    at = m.upto(0, 2)
    for index in range(m.pick((1, 2, 2, 3, 3, 5))):
        if index and m.chance(0.3):
            part = list(shape)
            part[place] = m.upto(1, 3)
            values = m.rng.standard_normal(part) if m.chance(0.6) else np.full(part, m.upto(0, 1))
            name, more = m.constant(values.astype(np.float32)), part[place]
        else:
            name = x if not index else m.pick(fitting)
            more = m.values[name][place]
        parts.insert(m.upto(0, min(at, len(parts))), name)
        size += more
    result = list(shape)
    result[place] = size
    m.made(m.node("Concat", parts, axis=axis), result)


def slice_(m: Draft) -> None:
    x, shape = m.value()
    axes = sorted(int(a) for a in m.rng.permutation(len(shape))[: m.upto(1, len(shape))])
    plain = m.chance(0.2)
    axes = list(range(len(axes))) if plain else axes
    starts, ends, steps, result = [], [], [], list(shape)
    for axis in axes:
        size = shape[axis]
        start = m.upto(0, size - 1)
        end, step = m.upto(start + 1, size), m.upto(1, 2)
        result[axis] = len(range(start, end, step))
        starts.append(start - size if m.chance(0.3) else start)
        ends.append(m.pick((end, 2**62)) if end == size else m.pick((end, end - size)))
        steps.append(step)
    inputs = [x, m.ints(starts), m.ints(ends)]
    stated = "" if plain else m.ints([a - len(shape) if m.chance(0.3) else a for a in axes])
    if max(steps) > 1 or m.chance(0.3):
        inputs += [stated, m.ints(steps)]
    elif stated:
        inputs.append(stated)
    m.made(m.node("Slice", inputs), result)


def split(m: Draft) -> None:
    x, shape = m.value()
    axis = m.axis(len(shape))
    size, count = shape[axis], m.upto(1, 3)
    if size < count:
        raise LookupError
    attrs = {"axis": axis} if axis or m.chance(0.5) else {}
    cuts = sorted(int(c) for c in m.rng.permutation(range(1, size))[: count - 1])
    sizes = [b - a for a, b in zip([0, *cuts], [*cuts, size], strict=True)]
    inputs = [x]
    if m.opset >= 18 and m.chance(0.5):
        most = -(-size // count)
        sizes = [most] * (count - 1) + [size - most * (count - 1)]
        if sizes[-1] < 1:
            raise LookupError
        attrs["num_outputs"] = count
    elif len(set(sizes)) > 1 or m.opset >= 18 or m.chance(0.5):
        inputs.append(m.ints(sizes))
    m.node("Split", inputs, count, **attrs)
    for name, part in zip(list(m.nodes[-1].output), sizes, strict=True):
        result = list(shape)
        result[axis] = part
        m.made(name, result)


def gather(m: Draft) -> None:
    x, shape = m.value(2, 3, 4)
    axis = m.axis(len(shape))
    index = np.array(m.upto(-shape[axis], shape[axis] - 1), np.int64)
    attrs = {"axis": axis} if axis or m.chance(0.5) else {}
    place = axis % len(shape)
    m.made(m.node("Gather", [x, m.constant(index)], **attrs), (*shape[:place], *shape[place + 1 :]))


def pad(m: Draft) -> None:
    x, shape = m.value()
    axes = list(range(len(shape)))
    inputs_after: list[str] = []
    if m.opset >= 18 and m.chance(0.4):
        axes = sorted(int(a) for a in m.rng.permutation(len(shape))[: m.upto(1, len(shape))])
        inputs_after = [m.ints([a - len(shape) if m.chance(0.3) else a for a in axes])]
    before, after = ([m.pick((0, 0, 1, 2)) for _ in axes] for _ in range(2))
    value = m.pick(([], [""], [m.number(0)], [m.number(0.5)]))
    if inputs_after and not value:
        value = [""]
    attrs = m.maybe(0.3, mode=m.pick(("constant", "constant", "constant", "reflect")))
    result = list(shape)
    for axis, front, back in zip(axes, before, after, strict=True):
        result[axis] += front + back
    inputs = [x, m.ints([*before, *after]), *value, *inputs_after]
    m.made(m.node("Pad", inputs, **attrs), result)


SHAPES: tuple[Step, ...] = (
    reshape, shape_arithmetic, folded, flatten, squeeze, unsqueeze, transpose, concat, concat,
    slice_, split, gather, pad,
)  # fmt: skip
