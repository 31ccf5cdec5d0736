"""Lowering of what picks values by known indices, or deals them out anew: Gather, padding of every
kind, DepthToSpace and SpaceToDepth."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from toolkit.errors import ModelError
from toolkit.frontend.lowering import Lower, Lowering, attribute, axis_of, has_input, unsupported
from toolkit.frontend.node import OnnxNode
from toolkit.frontend.shapes import part
from toolkit.ops.pad import PadAttrs
from toolkit.ops.pad_v2 import PadV2Attrs
from toolkit.ops.strided_slice import neighbouring

#: Pieces that picked values may fall into; each is a layer.
MAX_PIECES = 64


def picked(low: Lowering, node: OnnxNode, x: str, axis: int, indices: Sequence[int]) -> str:
    """The values of known indices of an axis: slices of neighbouring ones, one after the other."""
    runs = neighbouring(indices)
    if len(runs) > MAX_PIECES:
        raise unsupported(
            node,
            f"indices that fall into {len(runs)} pieces, where {MAX_PIECES} are the most",
            hint="Order the values before, or use Slice.",
        )
    shape, parts = low.tensor_shape(x), []
    inner = replace(node, outputs=(f"{node.outputs[0]}@piece",)) if len(runs) > 1 else node
    for start, stop in runs:
        slices = [slice(None)] * len(shape)
        slices[axis] = slice(start, None if stop == shape[axis] else stop)
        parts.append(part(low, inner, x, slices))
    return low.join(parts, axis, node)


def gather(low: Lowering, node: OnnxNode) -> str:
    """Gather of known indices."""
    x, indices = low.value(node.inputs[0]), low.constant(node, 1)
    shape = low.tensor_shape(x)
    axis = axis_of(node, attribute(node, "axis", int, 0), len(shape))
    if not indices.size:
        raise ModelError(f"node {node.name!r} (Gather): no indices.")
    at = [int(index) for index in indices.reshape(-1)]
    if at == [-1]:  # the last one, at any extent
        slices = [slice(None)] * len(shape)
        slices[axis] = slice(-1, None)
        made = part(low, node, x, slices)
    else:
        made = picked(low, node, x, axis, [axis_of(node, index, shape[axis]) for index in at])
    return low.reshape(made, (*shape[:axis], *indices.shape, *shape[axis + 1 :]))


def pad(low: Lowering, node: OnnxNode) -> str:
    """Pad: with a constant, or with values of the tensor itself."""
    mode = attribute(node, "mode", str, "constant")
    x = low.value(node.inputs[0])
    rank = len(low.tensor_shape(x))
    pads = low.integers(node, "pads", 1) or ()
    axes = low.integers(node, "axes", 3) or tuple(range(rank))
    if len(pads) != 2 * len(axes) or min(pads, default=0) < 0:
        raise unsupported(node, f"pads must be {2 * len(axes)} values of at least 0; got {pads}")
    table = [(0, 0)] * rank
    for axis, before, after in zip(axes, pads, pads[len(axes) :], strict=False):
        table[axis_of(node, axis, rank)] = (before, after)
    if has_input(node, 2):
        value = float(low.constant(node, 2).reshape(-1)[0])
    else:
        value = attribute(node, "value", float, 0.0)
    if not any(map(any, table)):
        return x
    if mode != "constant":
        return _repeated(low, node, x, mode, table)
    if value == 0.0:
        return low.append("pad", [x], PadAttrs(tuple(table)), node)
    return low.append("pad_v2", [x], PadV2Attrs(tuple(table), value), node)


def _repeated(
    low: Lowering, node: OnnxNode, x: str, mode: str, table: Sequence[tuple[int, int]]
) -> str:
    """Padding by the values at the ends (edge), those beside them (reflect) or at the other end
    (wrap), axis by axis."""
    for axis, (before, after) in enumerate(table):
        size = low.tensor_shape(x)[axis]
        if before or after:
            places = range(-before, size + after)
            x = picked(low, node, x, axis, [_source(node, mode, at, size) for at in places])
    return x


def _source(node: OnnxNode, mode: str, at: int, size: int) -> int:
    if mode == "edge":
        return min(max(at, 0), size - 1)
    if mode == "wrap":
        return at % size
    if mode != "reflect":
        raise unsupported(node, f"padding {mode!r}", hint="Use zero padding.")
    turned = -at if at < 0 else at if at < size else 2 * (size - 1) - at
    if not 0 <= turned < size:
        raise ModelError(f"node {node.name!r} (Pad): reflects beyond {size} values.")
    return turned


def depth_to_space(low: Lowering, node: OnnxNode) -> str:
    """DepthToSpace: channels become neighbours."""
    block, mode = attribute(node, "blocksize", int, 1), attribute(node, "mode", str, "DCR")
    channels = low.shape(node.inputs[0])[1]
    if block < 1 or channels % block**2 or mode not in ("DCR", "CRD"):
        raise ModelError(f"node {node.name!r} (DepthToSpace): {mode} {channels} in {block}.")

    def emit(nhwc: str) -> str:
        _, height, width, _ = low.tensor_shape(nhwc)
        depth = channels // block**2
        if mode == "CRD":
            apart = low.reshape(nhwc, (height, width, depth, block**2))
            nhwc = low.transpose(apart, (0, 1, 3, 2))
        rows = low.reshape(nhwc, (height, width, block, block * depth))
        turned = low.transpose(rows, (0, 2, 1, 3))
        return low.reshape(turned, (1, height * block, width * block, depth))

    return _one(low, node, emit)


def space_to_depth(low: Lowering, node: OnnxNode) -> str:
    """SpaceToDepth: neighbours become channels."""
    block = attribute(node, "blocksize", int, 1)
    channels, *spatial = low.shape(node.inputs[0])[1:]
    if block < 1 or any(size % block for size in spatial):
        raise ModelError(f"node {node.name!r} (SpaceToDepth): {spatial} in {block}.")

    def emit(nhwc: str) -> str:
        _, height, width, _ = low.tensor_shape(nhwc)
        rows = low.reshape(nhwc, (height // block, block, width // block, block * channels))
        turned = low.transpose(rows, (0, 2, 1, 3))
        return low.reshape(turned, (1, height // block, width // block, block**2 * channels))

    return _one(low, node, emit)


def _one(low: Lowering, node: OnnxNode, emit) -> str:  # type: ignore[no-untyped-def]
    x = low.value(node.inputs[0])
    shape = low.tensor_shape(x)
    if shape[0] != 1 or len(shape) != 4:
        raise unsupported(node, f"a batch of one of 4 dimensions; got {list(shape)}")
    return low.spatial(x, node, emit)


LOWERINGS: dict[str, Lower] = {
    "DepthToSpace": depth_to_space,
    "Gather": gather,
    "Pad": pad,
    "SpaceToDepth": space_to_depth,
}
