"""Moves transposes towards the outputs, where they meet their inverses and vanish.

The importer puts every spatial operator between a transpose to NHWC and one back.  Whatever lies
between two of them (activations, additions, reductions, concatenation, padding) does not care
about the order of axes, so that a transpose can trade places with it.
"""

from __future__ import annotations

import math
from bisect import bisect_right
from dataclasses import replace

import numpy as np

from toolkit.ir import Graph, Node, Shape, Tensor
from toolkit.ir.edit import forward, fresh, fresh_node, substitute
from toolkit.ops import OPERATORS
from toolkit.ops.batch_matmul import BatchMatmulAttrs
from toolkit.ops.concatenation import ConcatenationAttrs
from toolkit.ops.fully_connected import FullyConnectedAttrs
from toolkit.ops.parts.reduction import ReductionAttrs
from toolkit.ops.reshape import ReshapeAttrs
from toolkit.ops.transpose import TransposeAttrs
from toolkit.passes.rewrite import only_reader, producer_of, rewrite
from toolkit.passes.transposes import (
    Perm,
    first_input,
    inverse,
    is_elementwise,
    is_indifferent,
    perm_of,
    sink,
    transposed,
    turned,
)


def cancel_transposes(graph: Graph) -> Graph:
    """Sink transposes through everything that does not mind, merging and dropping them."""
    return rewrite(
        graph,
        "cancel_transposes",
        _merge,
        _through_indifferent,
        _through_gate,
        _through_reduction,
        _through_concatenation,
        _through_reshape,
        _through_last_axis,
        _into_matmul,
    )


def _merge(graph: Graph, node: Node) -> Graph | None:
    """Two transposes are one; the identity is none."""
    if node.op != "transpose":
        return None
    source = first_input(node)
    if perm_of(node) == tuple(range(len(perm_of(node)))):
        return forward(graph, node, source)
    before = producer_of(graph, source, "transpose")
    if before is None:
        return None
    perm = tuple(perm_of(before)[axis] for axis in perm_of(node))
    merged = replace(node, inputs=before.inputs, attrs=TransposeAttrs(perm))
    return substitute(graph, [node], [merged])


def _through_indifferent(graph: Graph, node: Node) -> Graph | None:
    if not is_indifferent(node) or (found := _common_perm(graph, node)) is None:
        return None
    perm, inputs = found
    if len(perm) != len(graph.tensors[node.outputs[0]].shape):
        return None
    attrs, constants = with_axes(graph, node, inverse(perm))
    for index, tensor in constants.items():
        inputs[index] = tensor.name
    return sink(graph, node, inputs, attrs, perm, list(constants.values()))


def _through_gate(graph: Graph, node: Node) -> Graph | None:
    """A vector that broadcasts, as that of squeeze-and-excite, has its axes in any order: where it
    meets a transposed tensor, a reshape, which costs nothing, turns it instead."""
    if not is_elementwise(node) or len(node.inputs) != 2:
        return None
    names = [name for name in node.inputs if name is not None]
    for index, name in enumerate(names):
        source, tensor = transposed(graph, names[1 - index]), graph.tensors[name]
        long_axes = [size for size in tensor.shape if size != 1]
        if source is None or tensor.is_constant or len(long_axes) > 1:
            continue
        perm, inputs = source[0], list(names)
        if len(perm) != len(tensor.shape) or transposed(graph, name) is not None:
            continue
        shape = tuple(tensor.shape[axis] for axis in inverse(perm))
        turned = replace(tensor, name=fresh(graph, name), shape=shape)
        label = fresh_node(graph, f"{node.name}.gate")
        gate = Node(label, "reshape", (name,), (turned.name,), ReshapeAttrs(shape))
        graph = substitute(graph, [node], [gate, node], [turned])
        inputs[index], inputs[1 - index] = turned.name, source[1]
        return sink(graph, node, inputs, node.attrs, perm)
    return None


def with_axes(graph: Graph, node: Node, order: Perm) -> tuple[object, dict[int, Tensor]]:
    """Attributes and constants (by input index) of an indifferent node, as they are when its
    activations have their axes in another order."""
    constants = {}
    for index, name in enumerate(node.inputs):
        assert name is not None
        if (data := graph.tensors[name].data) is not None and data.ndim:
            moved = np.ascontiguousarray(data.transpose(order))
            quant = graph.tensors[name].quant
            constants[index] = Tensor.constant(fresh(graph, name), moved, quant)
    return OPERATORS[node.op].reordered(node.attrs, order), constants


def _through_reduction(graph: Graph, node: Node) -> Graph | None:
    attrs, found = node.attrs, _common_perm(graph, node)
    if not isinstance(attrs, ReductionAttrs) or found is None:
        return None
    perm, inputs = found
    axes = {perm[axis] for axis in attrs.axes}
    moved = replace(attrs, axes=tuple(sorted(axes)))
    if not attrs.keep_dims:  # the remaining axes, renumbered
        kept = [axis for axis in perm if axis not in axes]
        perm = tuple(sorted(kept).index(axis) for axis in kept)
    return sink(graph, node, inputs, moved, perm)


def _through_concatenation(graph: Graph, node: Node) -> Graph | None:
    """Also where other inputs are matrix products, which are as easily made transposed."""
    if node.op != "concatenation":
        return None
    sources = [transposed(graph, name) for name in node.inputs]
    perms = {perm for perm, _ in filter(None, sources)}
    if len(perms) != 1:
        return None
    (perm,) = perms
    inputs: list[str] = []
    turned: list[Node] = []
    tensors: list[Tensor] = []
    for name, source in zip(node.inputs, sources, strict=True):
        assert name is not None
        product = producer_of(graph, name, "batch_matmul")
        if source is not None:
            inputs.append(source[1])
        elif product is None or only_reader(graph, name) is None or not _swaps_last(perm):
            return None
        else:
            turned.append(_turned_product(product, name))
            old = graph.tensors[name]
            tensors.append(replace(old, shape=(*old.shape[:-2], old.shape[-1], old.shape[-2])))
            inputs.append(name)
    assert isinstance(node.attrs, ConcatenationAttrs)
    attrs = ConcatenationAttrs(perm[node.attrs.axis])
    for product in turned:
        straight = next(n for n in graph.nodes if n.name == product.name)
        graph = substitute(graph, [straight], [product], tensors)
    return sink(graph, node, inputs, attrs, perm)


def _through_reshape(graph: Graph, node: Node) -> Graph | None:
    """A reshape that splits and merges axes, as around a channel shuffle, minds only the order of
    those that it merges."""
    found = transposed(graph, node.inputs[0]) if node.op == "reshape" else None
    if found is None:
        return None
    perm, source = found
    before, after = (graph.tensors[n or ""].shape for n in (node.inputs[0], node.outputs[0]))
    if perm[0] != 0 or [n for n in before if n != 1] == [n for n in after if n != 1]:
        return None
    groups = _axis_groups(before, after)
    order = sorted(range(len(groups)), key=lambda i: min(perm[axis] for axis in groups[i][0]))
    turn = tuple(perm[axis] for i in order for axis in groups[i][0])
    if turn == perm:
        return None
    axes = [axis for i in order for axis in groups[i][1]]
    back = tuple(axes.index(axis) for axis in range(len(after)))
    graph, source = turned(graph, node, source, turn)
    attrs = ReshapeAttrs(tuple(after[axis] for axis in axes))
    return sink(graph, node, [source], attrs, back)


def _axis_groups(before: Shape, after: Shape) -> list[tuple[list[int], list[int]]]:
    """The axes of a reshape in the smallest groups that have as many elements before as after it.
    A batch of one is its own; other axes of one lie with those behind them, the last ones with
    those before."""
    alone = before[0] == after[0] == 1
    starts = [[math.prod(shape[:axis]) for axis in range(len(shape))] for shape in (before, after)]
    cuts = sorted(set(starts[0]) & set(starts[1]) - {math.prod(before)})
    groups: list[tuple[list[int], list[int]]] = [([], []) for _ in range(len(cuts) + alone)]
    for side, places in enumerate(starts):
        for axis, start in enumerate(places):
            group = 0 if alone and not axis else bisect_right(cuts, start) - 1 + alone
            groups[group][side].append(axis)
    return groups


def _through_last_axis(graph: Graph, node: Node) -> Graph | None:
    """What treats the last axis, for every index of the others alike, minds no order of those."""
    dense = isinstance(node.attrs, FullyConnectedAttrs) and node.attrs.keep_num_dims
    rows = dense or OPERATORS[node.op].on_last_axis
    found = transposed(graph, node.inputs[0]) if rows else None
    if found is None:
        return None
    perm, source = found
    last = perm[-1]
    turn = (*(axis for axis in range(len(perm)) if axis != last), last)
    if turn == perm:
        return None
    back = tuple(turn.index(axis) for axis in perm)
    graph, source = turned(graph, node, source, turn)
    return sink(graph, node, [source, *node.inputs[1:]], node.attrs, back)


def _into_matmul(graph: Graph, node: Node) -> Graph | None:
    """A swap of the last two axes before a matrix product is one of its attributes."""
    if node.op != "batch_matmul":
        return None
    assert isinstance(node.attrs, BatchMatmulAttrs)
    inputs, adjoint = list(node.inputs), [node.attrs.adj_x, node.attrs.adj_y]
    for index, name in enumerate(node.inputs):
        source = transposed(graph, name)
        if source is not None and _swaps_last(source[0]):
            inputs[index], adjoint[index] = source[1], not adjoint[index]
    if inputs == list(node.inputs):
        return None
    changed = replace(node, inputs=tuple(inputs), attrs=BatchMatmulAttrs(*adjoint))
    return substitute(graph, [node], [changed])


def _turned_product(product: Node, output: str) -> Node:
    """``(x y)^T`` as ``y^T x^T``."""
    assert isinstance(product.attrs, BatchMatmulAttrs)
    x, y = product.inputs
    attrs = BatchMatmulAttrs(not product.attrs.adj_y, not product.attrs.adj_x)
    return replace(product, inputs=(y, x), outputs=(output,), attrs=attrs)


def _common_perm(graph: Graph, node: Node) -> tuple[Perm, list[str | None]] | None:
    """The permutation that all computed inputs come through, and the inputs without it."""
    inputs, perms = list(node.inputs), set()
    for index, name in enumerate(node.inputs):
        if name is None or graph.tensors[name].is_constant:
            continue
        source = transposed(graph, name)
        if source is None:
            return None
        perms.add(source[0])
        inputs[index] = source[1]
    if len(perms) != 1:
        return None
    (perm,) = perms
    return perm, inputs


def _swaps_last(perm: Perm) -> bool:
    rank = len(perm)
    return rank > 1 and perm == (*range(rank - 2), rank - 1, rank - 2)
