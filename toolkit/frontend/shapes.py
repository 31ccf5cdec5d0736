"""Lowering of what only moves data: reshapes, transposes, concatenation, slices."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np

from toolkit.errors import ModelError
from toolkit.frontend.lowering import Lower, Lowering, attribute, axis_of, unsupported
from toolkit.frontend.node import OnnxNode
from toolkit.ir.tensor import Array
from toolkit.ops.pad import PadAttrs
from toolkit.ops.pad_v2 import PadV2Attrs
from toolkit.ops.strided_slice import MAX_RANK, WHOLE, Range, StridedSliceAttrs, bounded


def reshape(low: Lowering, node: OnnxNode) -> str:
    """Reshape to a shape that is known beforehand; 0 copies a dimension."""
    x = low.value(node.inputs[0])
    have = low.tensor_shape(x)
    want = [int(v) for v in low.constant(node, 1).reshape(-1)]
    copies = not attribute(node, "allowzero", int, 0)
    want = [have[i] if v == 0 and copies and i < len(have) else v for i, v in enumerate(want)]
    known = math.prod(v for v in want if v != -1)
    if want.count(-1) == 1 and known > 0 and math.prod(have) % known == 0:
        want[want.index(-1)] = math.prod(have) // known
    if min(want, default=1) < 1 or math.prod(want) != math.prod(have):
        raise ModelError(f"node {node.name!r} (Reshape): {list(have)} cannot become {want}.")
    return low.reshape(x, want)


def flatten(low: Lowering, node: OnnxNode) -> str:
    """Flatten to two dimensions."""
    x = low.value(node.inputs[0])
    shape = low.tensor_shape(x)
    axis = attribute(node, "axis", int, 1)
    axis = axis if axis == len(shape) else axis_of(node, axis, len(shape))
    return low.reshape(x, (math.prod(shape[:axis]), math.prod(shape[axis:])))


def squeeze(low: Lowering, node: OnnxNode) -> str:
    """Squeeze."""
    x = low.value(node.inputs[0])
    shape = low.tensor_shape(x)
    axes = low.integers(node, "axes", 1)
    if axes is None:
        dropped = {i for i, size in enumerate(shape) if size == 1}
    else:
        dropped = {axis_of(node, axis, len(shape)) for axis in axes}
    if any(shape[axis] != 1 for axis in dropped):
        raise ModelError(f"node {node.name!r} (Squeeze): {list(shape)} is not 1 along {axes}.")
    return low.reshape(x, [size for i, size in enumerate(shape) if i not in dropped])


def unsqueeze(low: Lowering, node: OnnxNode) -> str:
    """Unsqueeze."""
    x = low.value(node.inputs[0])
    shape, axes = list(low.tensor_shape(x)), low.integers(node, "axes", 1) or ()
    rank = len(shape) + len(axes)
    for axis in sorted(axis_of(node, axis, rank) for axis in axes):
        shape.insert(axis, 1)
    return low.reshape(x, shape)


def transpose(low: Lowering, node: OnnxNode) -> str:
    """Transpose."""
    x = low.value(node.inputs[0])
    rank = len(low.tensor_shape(x))
    perm = attribute(node, "perm", tuple, tuple(reversed(range(rank))))
    if sorted(perm) != list(range(rank)):
        raise ModelError(f"node {node.name!r} (Transpose): {perm} does not order {rank} axes.")
    return low.transpose(x, perm)


def concat(low: Lowering, node: OnnxNode) -> str:
    """Concat; kernels take no constants, which become padding of the computed value beside them,
    and an addition where they are not zero."""
    shapes = [low.shape(name) for name in node.inputs]
    axis = axis_of(node, attribute(node, "axis", int, 0), len(shapes[0]))
    if len({(*shape[:axis], *shape[axis + 1 :]) for shape in shapes}) > 1:
        raise ModelError(f"node {node.name!r} (Concat): {[*map(list, shapes)]} along {axis}.")
    parts: list[str] = []
    before: list[Array] = []
    last = max(i for i, name in enumerate(node.inputs) if name not in low.constants)
    for index, name in enumerate(node.inputs):
        if name in low.constants:
            before.append(low.floats(name))
        elif index < last:
            parts.append(_beside(low, node, low.value(name), axis, (before, [])))
            before = []
        else:
            after = [low.floats(name) for name in node.inputs[last + 1 :]]
            parts.append(_beside(low, node, low.value(name), axis, (before, after)))
            break
    return low.join(parts, axis, node)


def _beside(
    low: Lowering, node: OnnxNode, x: str, axis: int, constants: tuple[list[Array], list[Array]]
) -> str:
    """``x`` with constants before and after it along ``axis``."""
    shape = low.tensor_shape(x)
    sizes = [sum(values.shape[axis] for values in some) for some in constants]
    if not any(sizes):
        return x
    paddings = tuple((sizes[0], sizes[1]) if i == axis else (0, 0) for i in range(len(shape)))
    before, after = constants
    values = np.concatenate([*before, *after], axis)
    if values.size and values.min() == values.max() != 0:
        return low.append("pad_v2", [x], PadV2Attrs(paddings, float(values.flat[0])), node)
    padded = low.append("pad", [x], PadAttrs(paddings), node)
    if not values.any():
        return padded
    placed = np.concatenate([*before, np.zeros(shape, np.float32), *after], axis)
    return low.add(padded, placed, node)


def slice_(low: Lowering, node: OnnxNode) -> str:
    """Slice forwards."""
    x = low.value(node.inputs[0])
    shape = low.tensor_shape(x)
    starts, ends = (low.integers(node, key, i) or () for i, key in ((1, "starts"), (2, "ends")))
    axes = low.integers(node, "axes", 3) or tuple(range(len(starts)))
    steps = low.integers(node, "steps", 4) or (1,) * len(starts)
    parts = [slice(None)] * len(shape)
    for start, end, axis, step in zip(starts, ends, axes, steps, strict=True):
        if step < 1:
            raise unsupported(node, f"steps must be positive; got {step}")
        size = shape[axis := axis_of(node, axis, len(shape))]
        if 0 < end < size and _follows_length(low, node, end):
            end -= size
        parts[axis] = slice(start, end, step)
    return part(low, node, x, parts)


#: Fewer frames are numbers that a model may have for other reasons.
_FEWEST_FRAMES = 8


def _follows_length(low: Lowering, node: OnnxNode, end: int) -> bool:
    """Whether the end of a slice moves with the clip's length, as in ``y[:, : x.shape[1]]``: the
    file computes it from a shape, or its exporter did and wrote a size of an input."""
    if node.inputs.has(2) and node.inputs[2] in low.from_shapes:
        return True
    sizes = {size for name in low.builder.inputs for size in low.tensor_shape(name)}
    return end >= _FEWEST_FRAMES and end in sizes


def split(low: Lowering, node: OnnxNode) -> str:
    """Split along one axis: a slice for each output."""
    x = low.value(node.inputs[0])
    shape = low.tensor_shape(x)
    axis = axis_of(node, attribute(node, "axis", int, 0), len(shape))
    count = len(node.outputs)
    if attribute(node, "num_outputs", int, count) != count:
        raise ModelError(f"node {node.name!r} (Split): num_outputs is not {count}, its outputs.")
    sizes = low.integers(node, "split", 1)
    if sizes is None:
        most = math.ceil(shape[axis] / count)
        sizes = (*[most] * (count - 1), shape[axis] - most * (count - 1))
    if len(sizes) != count or sum(sizes) != shape[axis] or min(sizes) < 1:
        raise ModelError(f"node {node.name!r} (Split): {shape[axis]} cannot become {sizes}.")
    results, start = [], 0
    for size, output in zip(sizes, node.outputs, strict=True):
        parts = [slice(None)] * len(shape)
        parts[axis] = slice(start, start + size)
        results.append(part(low, replace(node, outputs=(output,)), x, parts))
        if output:
            low.values[output] = results[-1]
        start += size
    return results[0]


def part(low: Lowering, node: OnnxNode, x: str, parts: list[slice]) -> str:
    """A regular part of ``x``; all of it is ``x`` itself."""
    ranges = []
    for part, size in zip(parts, low.tensor_shape(x), strict=True):
        start, stop, step = part.start or 0, part.stop, part.step or 1
        if not range(size)[start:stop]:
            raise ModelError(f"node {node.name!r} ({node.op}): nothing is left of {size}.")
        ranges.append(bounded(start, stop, step, size))
    if all(part == WHOLE for part in ranges):
        return x
    if len(ranges) <= MAX_RANK:
        return low.append("strided_slice", [x], StridedSliceAttrs(tuple(ranges)), node)
    shape = low.tensor_shape(x)
    sizes: list[int] = []
    merged: list[Range] = []
    for size, axis_range in zip(shape, ranges, strict=True):
        if sizes and axis_range == merged[-1] == WHOLE:
            sizes[-1] *= size  # neighbours that stay are one axis to the kernel
        else:
            sizes.append(size)
            merged.append(axis_range)
    attrs = StridedSliceAttrs(tuple(merged))
    made = low.append("strided_slice", [low.reshape(x, sizes)], attrs, node)
    kept = [len(range(size)[slice(*ends)]) for size, ends in zip(shape, ranges, strict=True)]
    return low.reshape(made, kept)


LOWERINGS: dict[str, Lower] = {
    "Concat": concat,
    "Flatten": flatten,
    "Reshape": reshape,
    "Slice": slice_,
    "Split": split,
    "Squeeze": squeeze,
    "Transpose": transpose,
    "Unsqueeze": unsqueeze,
}
