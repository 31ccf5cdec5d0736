"""Which channels of a quantised graph its outputs need."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from toolkit.ir import Graph
from toolkit.ir.tensor import Array
from toolkit.ops import OPERATORS
from toolkit.ops.parts.base import NodeView, view
from toolkit.ops.parts.channels import Bounds, Ties, channel_count

#: Which channels of each activation are needed, bool ``[channels]``.
Needed = Mapping[str, Array]
#: Marks what one node needs, given what its output must have.
_Rule = Callable[[Needed], None]


def needed_channels(graph: Graph, bounds: Mapping[str, Bounds]) -> Needed:
    """The smallest set that has all channels of inputs and outputs (states among them), every
    channel that a needed one is made of, and one channel of each tensor.

    A sum needs no channel that goes into its bias exactly, see `foldable`.
    """
    needed = {
        name: np.zeros(channel_count(tensor), bool)
        for name, tensor in graph.tensors.items()
        if not tensor.is_constant
    }
    for name in (*graph.inputs, *graph.outputs):
        needed[name][:] = True
    rules = [_rule(view(graph, node), bounds) for node in reversed(graph.nodes)]
    count = -1
    while count != (count := sum(int(mask.sum()) for mask in needed.values())):
        for rule in rules:
            rule(needed)
        for mask in needed.values():
            mask[0] |= not mask.any()
    return needed


def foldable(node: NodeView[Any], bounds: Bounds) -> Array:
    """Which channels of its first input an operator with `channel_weights` can have in its bias:
    those of one value, which is the padding's where the operator pads."""
    padded = OPERATORS[node.node.op].pads(node)
    return np.asarray(bounds.constant & ((bounds.low == node.input(0).zero_point) | (not padded)))


def _rule(node: NodeView[Any], bounds: Mapping[str, Bounds]) -> _Rule:
    operator = OPERATORS[node.node.op]
    weights, ties = operator.channel_weights(node), operator.channel_ties(node)
    if weights is not None:
        return _sum_rule(node, weights, bounds[node.input(0).name])
    return _keep_all(node) if ties is None else _tie_rule(node, ties)


def _keep_all(node: NodeView[Any]) -> _Rule:
    names = [t.name for t in (*node.inputs, *node.outputs) if t is not None and not t.is_constant]

    def rule(needed: Needed) -> None:
        for name in names:
            needed[name][:] = True

    return rule


def _sum_rule(node: NodeView[Any], weights: Array, bounds: Bounds) -> _Rule:
    reads = weights.any(axis=1) & ~foldable(node, bounds)
    source, output = node.input(0).name, node.output.name

    def rule(needed: Needed) -> None:
        needed[source][:] |= reads[needed[output]].any(axis=0)

    return rule


def _tie_rule(node: NodeView[Any], ties: Ties) -> _Rule:
    ends = [
        (tensor.name, labels)
        for tensor, labels in zip(
            (*node.inputs, node.output), (*ties.inputs, ties.output), strict=True
        )
        if tensor is not None and labels is not None
    ]
    count = 1 + max(int(labels.max()) for _, labels in ends)

    def rule(needed: Needed) -> None:
        alive = np.zeros(count + 1, bool)
        alive[-1] = True  # of negative labels
        for name, labels in ends:
            alive[labels[needed[name]]] = True
        for name, labels in ends:
            needed[name][:] |= alive[labels]

    return rule
