"""Lowering of ScatterND: what exporters make of an assignment to a slice."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from toolkit.frontend.lowering import Lower, Lowering, attribute, unsupported
from toolkit.frontend.node import OnnxNode
from toolkit.frontend.shapes import part
from toolkit.ops.pad import PadAttrs


def scatter_nd(low: Lowering, node: OnnxNode) -> str:
    """ScatterND whose known places are a block of the data, in order: the updates between slices of
    the data, or padded where the data is known."""
    indices, shape = low.constant(node, 1), low.shape(node.inputs[0])
    if (reduction := attribute(node, "reduction", str, "none")) != "none":
        raise unsupported(node, f"reduction {reduction!r}", hint="Add to a slice, and assign that.")
    block = _block(low, node, indices, shape)
    if node.inputs[2] in low.constants:
        raise unsupported(node, "known values in the midst of data", hint="Use Concat.")
    sizes = [stop - start for start, stop in block]
    made = low.reshape(low.value(node.inputs[2]), sizes)
    if node.inputs[0] in low.constants:
        around = np.array(low.floats(node.inputs[0]))
        around[tuple(slice(*ends) for ends in block)] = 0
        pads = tuple((start, size - stop) for (start, stop), size in zip(block, shape, strict=True))
        if any(map(any, pads)):
            made = low.append("pad", [made], PadAttrs(pads), node)
        return low.add(made, around, node) if around.any() else made
    data, piece = low.value(node.inputs[0]), replace(node, outputs=(f"{node.outputs[0]}@piece",))
    for axis in reversed(range(len(shape))):
        (start, stop), size = block[axis], shape[axis]
        outer = [slice(*ends) for ends in block[:axis]]
        inner = [slice(None)] * (len(shape) - axis - 1)
        sides = [
            part(low, piece, data, [*outer, slice(*ends), *inner]) if ends[1] > ends[0] else None
            for ends in ((0, start), (stop, size))
        ]
        whole = [sides[0], made, sides[1]]
        made = low.join([tensor for tensor in whole if tensor is not None], axis, node)
    return made


def _block(
    low: Lowering, node: OnnxNode, indices: np.ndarray, shape: tuple[int, ...]
) -> list[tuple[int, int]]:
    """Begin and end of the places on every axis."""
    updates = low.shape(node.inputs[2])
    order = np.arange(np.prod(updates, dtype=int)).reshape(updates)
    places = np.full(shape, -1)
    places[tuple(np.moveaxis(indices, -1, 0))] = order
    if not order.size:
        raise unsupported(node, "no places", hint="Leave it out.")
    hit = np.argwhere(places >= 0)
    block = [(int(a), int(b) + 1) for a, b in zip(hit.min(axis=0), hit.max(axis=0), strict=True)]
    inside = places[tuple(slice(*ends) for ends in block)]
    if not np.array_equal(inside.reshape(-1), order.reshape(-1)):
        raise unsupported(
            node,
            "places that are no block of the data, in order",
            hint="Assign to slices of neighbouring values, or use Concat.",
        )
    return block


LOWERINGS: dict[str, Lower] = {"ScatterND": scatter_nd}
