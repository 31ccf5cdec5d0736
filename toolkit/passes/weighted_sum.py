"""Sums over one axis of a product, element by element or of matrices, whose axes are labelled."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

from toolkit.ir import Graph, Node, Shape
from toolkit.ops.batch_matmul import BatchMatmulAttrs
from toolkit.ops.parts.base import view
from toolkit.ops.parts.reduction import ReductionAttrs, resolved_axes
from toolkit.passes.rewrite import only_reader, producer_of
from toolkit.passes.transposes import perm_of


@dataclass(frozen=True)
class Axes:
    """A tensor's axes, each by what it is in a product: axes of equal labels meet, those of "" have
    one element."""

    tensor: str
    labels: tuple[str, ...]


@dataclass(frozen=True)
class WeightedSum:
    """A sum over the axis ``t`` of a product; ``result`` are the labels of its axes."""

    a: Axes
    b: Axes
    sizes: dict[str, int]
    result: tuple[str, ...]

    @property
    def turned(self) -> WeightedSum:
        return replace(self, a=self.b, b=self.a)


def weighted_sum(graph: Graph, node: Node) -> WeightedSum | None:
    """The sum over one axis of a product that ``node`` is, None for another."""
    if node.op == "sum" and isinstance(node.attrs, ReductionAttrs):
        return _summed_product(graph, node)
    if node.op == "batch_matmul" and isinstance(node.attrs, BatchMatmulAttrs):
        return _matrix_product(graph, node)
    return None


def _summed_product(graph: Graph, node: Node) -> WeightedSum | None:
    product = producer_of(graph, node.inputs[0], "mul")
    axes = resolved_axes(view(graph, node))
    if product is None or only_reader(graph, product.outputs[0]) is None or len(axes) != 1:
        return None
    shape, (axis,) = graph.tensors[product.outputs[0]].shape, axes
    names = ["t" if i == axis else "" if n == 1 else str(i) for i, n in enumerate(shape)]
    kept = isinstance(node.attrs, ReductionAttrs) and node.attrs.keep_dims
    result = ["" if name == "t" else name for name in names if kept or name != "t"]
    return _of(graph, product, [names, names], dict(zip(names, shape, strict=True)), result)


def _matrix_product(graph: Graph, node: Node) -> WeightedSum | None:
    assert isinstance(node.attrs, BatchMatmulAttrs)
    leading = graph.tensors[node.outputs[0]].shape[:-2]
    batch = ["" if n == 1 else str(i) for i, n in enumerate(leading)]
    rows, columns = graph.tensors[node.outputs[0]].shape[-2:]
    depth = graph.tensors[node.inputs[0] or ""].shape[-2 if node.attrs.adj_x else -1]
    m, n = ("" if rows == 1 else "m"), ("" if columns == 1 else "n")
    x = [*batch, *(("t", m) if node.attrs.adj_x else (m, "t"))]
    y = [*batch, *((n, "t") if node.attrs.adj_y else ("t", n))]
    sizes = {**dict(zip(batch, leading, strict=True)), "m": rows, "n": columns, "t": depth}
    return _of(graph, node, [x, y], sizes, [*batch, m, n])


def _of(
    graph: Graph,
    product: Node,
    labels: Sequence[Sequence[str]],
    sizes: dict[str, int],
    result: Sequence[str],
) -> WeightedSum | None:
    def axes(name: str | None, names: Sequence[str]) -> Axes:
        assert name is not None
        shape = graph.tensors[name].shape
        own = names[len(names) - len(shape) :]
        labels = zip(own, shape, strict=True)
        return Axes(
            name, tuple(k if n != 1 or (k, sizes.get(k)) == ("t", 1) else "" for k, n in labels)
        )

    (a, b), (first, second) = product.inputs, labels
    pair = axes(a, first), axes(b, second)
    if not all("t" in operand.labels for operand in pair):
        return None
    used = {label for operand in pair for label in operand.labels if label}
    return WeightedSum(*pair, {k: n for k, n in sizes.items() if k in used}, tuple(result))


def origin(graph: Graph, name: str, axis: int | None) -> tuple[str, int | None, tuple[Node, ...]]:
    """What a tensor was before transposes and reshapes, where its axis ``axis`` was then (None
    where that is lost), and these nodes in order."""
    path: list[Node] = []
    while (node := graph.producer(name)) is not None and node.op in ("transpose", "reshape"):
        source = node.inputs[0]
        assert source is not None
        if axis is not None and node.op == "transpose":
            axis = perm_of(node)[axis]
        elif axis is not None:
            axis = _axis_before(graph.tensors[source].shape, graph.tensors[name].shape, axis)
            if axis is None:
                break
        name, path = source, [node, *path]
    return name, axis, tuple(path)


def _axis_before(before: Shape, after: Shape, axis: int) -> int | None:
    """The axis of a shape that its reshape keeps as ``axis``."""
    start = math.prod(after[:axis])
    for i, size in enumerate(before):
        if size == after[axis] != 1 and math.prod(before[:i]) == start:
            return i
    return None
