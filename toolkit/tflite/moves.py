"""What only moves values, as the slices, reshapes and concatenations that it is: SPLIT, SPLIT_V,
PACK, UNPACK, GATHER of known indices, slices that drop an axis, CONCATENATION of many, MIRROR_PAD,
RESIZE_NEAREST_NEIGHBOR, DEPTH_TO_SPACE and SPACE_TO_DEPTH."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from ai_edge_litert import schema_py_generated as schema

from toolkit.ops.concatenation import MAX_INPUTS
from toolkit.ops.strided_slice import neighbouring
from toolkit.tflite.draft import Draft, axis_of
from toolkit.tflite.flatbuffer import RawOperator


def split(draft: Draft, op: RawOperator) -> bool:
    """SPLIT and SPLIT_V: a slice for each output."""
    if op.name == "SPLIT":
        (axis_at, source), sizes_at = op.inputs, None
    else:
        source, sizes_at, axis_at = op.inputs
    axis = draft.axis(axis_at, source)
    whole, count = draft.shape(source)[axis], len(op.outputs)
    sizes = [whole // count] * count if sizes_at is None else draft.integers(sizes_at)
    if sizes.count(-1) == 1:
        sizes[sizes.index(-1)] = whole - sum(sizes) - 1
    if len(sizes) != count or min(sizes) < 0 or sum(sizes) != whole:
        raise ValueError(f"sizes {sizes} of {whole}")
    at = 0
    for output, size in zip(op.outputs, sizes, strict=True):
        _rows(draft, source, output, axis, (at, at + size))
        at += size
    return True


def _rows(draft: Draft, source: int, output: int, axis: int, rows: tuple[int, int]) -> None:
    """Some indices of one axis."""
    end = draft.shape(source)
    begin = [0] * len(end)
    begin[axis], end[axis] = rows
    draft.slice(source, output, begin, end)


def unpack(draft: Draft, op: RawOperator) -> bool:
    """UNPACK: a slice for each output, without the axis."""
    (source,) = op.inputs
    shape = draft.shape(source)
    axis = axis_of(op.options.axis, len(shape))
    if len(op.outputs) != shape[axis]:
        raise ValueError(f"{len(op.outputs)} outputs of {shape[axis]}")
    kept = [*shape[:axis], 1, *shape[axis + 1 :]]
    for at, output in enumerate(op.outputs):
        inner = draft.like(output, kept)
        _rows(draft, source, inner, axis, (at, at + 1))
        draft.reshape(inner, output)
    return True


def pack(draft: Draft, op: RawOperator) -> bool:
    """PACK: the inputs with one more axis, one after the other along it."""
    (output,) = op.outputs
    axis = axis_of(op.options.axis, len(draft.shape(output)))
    shape = draft.shape(output)
    shape[axis] = 1
    wide = [draft.like(source, shape) for source in op.inputs]
    for source, inner in zip(op.inputs, wide, strict=True):
        draft.reshape(source, inner)
    draft.concatenate(wide, output, axis, MAX_INPUTS)
    return True


def gather(draft: Draft, op: RawOperator) -> bool:
    """GATHER of known indices: slices of neighbouring ones, one after the other."""
    source, at = op.inputs
    (output,) = op.outputs
    if op.options.batchDims or not draft.is_known(at):
        return False
    indices, shape = draft.integers(at), draft.shape(source)
    axis = axis_of(op.options.axis, len(shape))
    indices = [axis_of(index, shape[axis]) for index in indices]
    kept = [*shape[:axis], len(indices), *shape[axis + 1 :]]
    joined = output if draft.shape(output) == kept else draft.like(output, kept)
    _picked(draft, source, joined, axis, indices)
    if joined != output:
        draft.reshape(joined, output)
    return True


def _picked(draft: Draft, source: int, output: int, axis: int, indices: Sequence[int]) -> None:
    """Values of known indices of an axis: slices of neighbouring ones, one after the other."""
    runs = neighbouring(indices)
    shape, parts = draft.shape(source), []
    for run in runs:
        part = draft.like(output, [*shape[:axis], run[1] - run[0], *shape[axis + 1 :]])
        _rows(draft, source, part, axis, run)
        parts.append(part)
    draft.concatenate(parts, output, axis, MAX_INPUTS)


def resize_nearest(draft: Draft, op: RawOperator) -> bool:
    """RESIZE_NEAREST_NEIGHBOR of a known size: values several times over, axis by axis."""
    source, at = op.inputs
    if not draft.is_known(at):
        return False
    (output,), shape = op.outputs, draft.shape(source)
    made = [shape[0], *draft.integers(at), shape[3]]
    if draft.shape(output) != made or len(shape) != 4:
        raise ValueError(f"{made}")
    resized = [axis for axis in (1, 2) if made[axis] != shape[axis]]
    for axis in resized:
        shape[axis] = made[axis]
        inner = output if axis == resized[-1] else draft.like(output, shape)
        size = draft.shape(source)[axis]
        indices, times = nearest(size, made[axis], op.options), made[axis] // size
        if times and indices == [place // times for place in range(times * size)]:
            _repeated(draft, source, inner, axis, times)
        else:
            _picked(draft, source, inner, axis, indices)
        source = inner
    if not resized:
        draft.reshape(source, output)
    return True


def nearest(size: int, made: int, options: schema.ResizeNearestNeighborOptionsT) -> list[int]:
    """Which value of an axis each one made is, by TFLM's float32."""
    aligned, half = options.alignCorners, np.float32(0.5 if options.halfPixelCenters else 0)
    whole, parts = (size - 1, made - 1) if aligned and made > 1 else (size, made)
    places = (np.arange(made, dtype=np.float32) + half) * (np.float32(whole) / np.float32(parts))
    steps = np.floor(places.astype(np.float64) + 0.5) if aligned else np.floor(places)
    return [int(v) for v in np.clip(steps, 0, size - 1)]


def _repeated(draft: Draft, source: int, output: int, axis: int, times: int) -> None:
    """Every value ``times`` times: copies side by side behind the axis, which are then one."""
    shape = draft.shape(source)
    behind = int(np.prod(shape[axis + 1 :]))
    rows = draft.like(source, [*shape[: axis + 1], behind])
    draft.reshape(source, rows)
    wide = draft.like(output, [*shape[: axis + 1], times * behind])
    draft.concatenate([rows] * times, wide, axis + 1, MAX_INPUTS)
    draft.reshape(wide, output)


def mirror_pad(draft: Draft, op: RawOperator) -> bool:
    """MIRROR_PAD: values beside the ends (reflect) or at them too (symmetric), axis by axis."""
    source, at = op.inputs
    pads, shape = draft.integers(at), draft.shape(source)
    own = int(op.options.mode == schema.MirrorPadMode.SYMMETRIC)
    padded = [axis for axis in range(len(shape)) if pads[2 * axis] or pads[2 * axis + 1]]
    for axis in padded:
        size = draft.shape(source)[axis]
        before, after = pads[2 * axis : 2 * axis + 2]
        if not 0 <= max(before, after) < size + own:
            raise ValueError(f"{before} and {after} beside {size}")
        front = range(before - own, -own, -1)
        back = range(size - 2 + own, size - 2 + own - after, -1)
        indices = [*front, *range(size), *back]
        made = op.outputs[0]
        if axis != padded[-1]:
            wide = draft.shape(source)
            wide[axis] = len(indices)
            made = draft.like(made, wide)
        _picked(draft, source, made, axis, indices)
        source = made
    return bool(padded)


def blocks(draft: Draft, op: RawOperator) -> bool:
    """DEPTH_TO_SPACE and SPACE_TO_DEPTH: rows and columns of blocks change places."""
    (source,), (output,) = op.inputs, op.outputs
    few, many = source, output
    if op.name == "SPACE_TO_DEPTH":
        few, many = output, source
    batch, height, width, _ = draft.shape(few)
    size, depth = op.options.blockSize, draft.shape(many)[3]
    if batch != 1 or draft.shape(many) != [1, height * size, width * size, depth]:
        return False
    apart = [[height, width, size, size * depth], [height, size, width, size * depth]]
    first, second = apart if few == source else apart[::-1]
    inner, turned = draft.like(source, first), draft.like(output, second)
    draft.reshape(source, inner)
    draft.emit("TRANSPOSE", [inner, draft.constant([0, 2, 1, 3])], [turned],
               schema.TransposeOptionsT())  # fmt: skip
    draft.reshape(turned, output)
    return True


def strided_slice(draft: Draft, op: RawOperator) -> bool:
    """A slice that drops axes: one that keeps them, and a reshape."""
    dropped = op.options.shrinkAxisMask if op.options else 0
    if not dropped or op.options.newAxisMask or op.options.ellipsisMask:
        return False
    source, *bounds = op.inputs
    begin, end, steps = map(draft.integers, bounds)
    shape = draft.shape(source)
    for axis in range(len(begin)):
        if dropped >> axis & 1:
            begin[axis] = axis_of(begin[axis], shape[axis])
            end[axis], steps[axis] = begin[axis] + 1, 1
    masks = (op.options.beginMask & ~dropped, op.options.endMask & ~dropped)
    kept = [
        len(range(shape[axis])[
            None if masks[0] >> axis & 1 else begin[axis]
            : None if masks[1] >> axis & 1 else end[axis] : steps[axis]
        ])
        for axis in range(len(shape))
    ]  # fmt: skip
    inner = draft.like(op.outputs[0], kept)
    options = schema.StridedSliceOptionsT(beginMask=masks[0], endMask=masks[1])
    inputs = [source, *(draft.constant(values) for values in (begin, end, steps))]
    draft.emit("STRIDED_SLICE", inputs, [inner], options)
    draft.reshape(inner, op.outputs[0])
    return True


def slice_(draft: Draft, op: RawOperator) -> bool:
    """SLICE: begin and size; -1 is all that is left."""
    source, at, sizes_at = op.inputs
    begin, sizes, shape = draft.integers(at), draft.integers(sizes_at), draft.shape(source)
    end = [
        whole if size == -1 else first + size
        for first, size, whole in zip(begin, sizes, shape, strict=True)
    ]
    draft.slice(source, op.outputs[0], begin, end)
    return True


def concatenation(draft: Draft, op: RawOperator) -> bool:
    """CONCATENATION of more than the kernel takes: some at a time."""
    if len(op.inputs) <= MAX_INPUTS or op.options.fusedActivationFunction:
        return False
    (output,) = op.outputs
    axis = axis_of(op.options.axis, len(draft.shape(output)))
    draft.concatenate(op.inputs, output, axis, MAX_INPUTS)
    return True
