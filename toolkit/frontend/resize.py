"""Lowering of Resize: what ONNX's reference makes of unit vectors says what each axis becomes."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from toolkit.frontend.lowering import Lower, Lowering, attribute, unsupported
from toolkit.frontend.node import Attributes, Inputs, OnnxNode
from toolkit.frontend.rearrange import picked
from toolkit.frontend.reference import evaluate
from toolkit.ir.tensor import Array
from toolkit.ops.fully_connected import FullyConnectedAttrs

#: Values of an axis that is resized by a matrix.
MAX_SIZE = 512


def resize(low: Lowering, node: OnnxNode) -> str:
    """Resize, each axis on its own: repeated or left out values are copied, others interpolated by
    a dense layer along the axis."""
    x = low.value(node.inputs[0])
    shape = low.tensor_shape(x)
    scales, sizes = low.optional(node, 2), low.optional(node, 3)
    low.optional(node, 1)  # the region of interest, of a mode that is refused
    mode = attribute(node, "coordinate_transformation_mode", str, "half_pixel")
    if mode == "tf_crop_and_resize":
        raise unsupported(node, "a region of interest", hint="Slice, then resize.")
    if attribute(node, "antialias", int, 0):
        raise unsupported(node, "antialias", hint="Pool, or resize without.")
    axes = attribute(node, "axes", tuple, tuple(range(len(shape))))
    policy = attribute(node, "keep_aspect_ratio_policy", str, "stretch")
    if policy != "stretch":
        raise unsupported(node, f"keep_aspect_ratio_policy {policy!r}", hint="Use stretch.")
    for at, axis in enumerate(axes):
        axis %= len(shape)
        size = shape[axis]
        if scales is not None and scales.size:
            factor = float(scales.reshape(-1)[at])
            wanted = ("scales", np.array([1, factor], np.float32))
            same = factor == 1
        elif sizes is not None:
            wanted = ("sizes", np.array([size, int(sizes.reshape(-1)[at])], np.int64))
            same = int(sizes.reshape(-1)[at]) == size
        else:
            raise unsupported(node, "neither scales nor sizes")
        if not same:
            x = _along(low, node, x, axis, _matrix(low, node, size, *wanted))
    return x


def _matrix(low: Lowering, node: OnnxNode, size: int, kind: str, wanted: Array) -> Array:
    """``[size, made]``: what each value of an axis contributes."""
    if size > MAX_SIZE:
        raise unsupported(
            node, f"an axis of {size} values, where {MAX_SIZE} are the most", hint="Resize less."
        )
    names = ("x", "", "scales", "") if kind == "scales" else ("x", "", "", "sizes")
    attrs = {name: node.attrs[name] for name in node.attrs if name != "axes"}
    unit = OnnxNode(node.name, "Resize", Inputs(names), ("y",), Attributes(attrs))
    made = evaluate(unit, low.opset, {"x": np.eye(size, dtype=np.float32), kind: wanted})
    if made is None:
        raise unsupported(node, "no known size")
    return made["y"]


def _along(low: Lowering, node: OnnxNode, x: str, axis: int, matrix: Array) -> str:
    """``x`` times the matrix along one axis."""
    one_each = ((matrix == 0) | (matrix == 1)).all() and (matrix.sum(axis=0) == 1).all()
    if one_each:
        indices: Sequence[int] = matrix.argmax(axis=0).tolist()
        size = len(matrix)
        times, rest = divmod(len(indices), size)
        if not rest and indices == [at // times for at in range(len(indices))]:
            return _repeated(low, node, x, axis, times)
        return picked(low, node, x, axis, indices)
    rank = len(low.tensor_shape(x))
    perm = [*(i for i in range(rank) if i != axis), axis]
    weights = low.builder.constant(f"{node.outputs[0]}@matrix", np.ascontiguousarray(matrix.T))
    attrs = FullyConnectedAttrs(keep_num_dims=rank != 2)
    made = low.append("fully_connected", [low.transpose(x, perm), weights], attrs, node)
    return low.transpose(made, [perm.index(i) for i in range(rank)])


def _repeated(low: Lowering, node: OnnxNode, x: str, axis: int, times: int) -> str:
    """Every value ``times`` times: copies side by side behind the axis, which are then one."""
    shape = low.tensor_shape(x)
    behind = int(np.prod(shape[axis + 1 :]))
    rows = low.reshape(x, (*shape[: axis + 1], behind))
    joined = low.join([rows] * times, axis + 1, node)
    return low.reshape(joined, (*shape[:axis], shape[axis] * times, *shape[axis + 1 :]))


LOWERINGS: dict[str, Lower] = {"Resize": resize}
