"""Takes channels out of a quantised graph that change nothing: the same bytes at every output.

A channel with one value for every input (bounds of the integer arithmetic, at every clip length)
goes into the biases of the layers that sum over it, and disappears with the weights that made it
and those that read it; so does one that nobody reads.  It stays where that is not exact: at an end
of the network, beside padding of another value, where it is added to a living channel.  One that
stays is its bias alone: weights of 0 and small sums, where converters write a bias of 2**30 that is
shifted away, which no fast kernel can hold.

No bias leaves its type: what goes into one was part of the largest sum, which constraints bound.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from toolkit.ir import Graph, Node, QuantParams, Tensor
from toolkit.ir.check import check_graph
from toolkit.ir.edit import fresh
from toolkit.ir.tensor import Array
from toolkit.ops import OPERATORS
from toolkit.ops.check import check_operators
from toolkit.ops.numerics.int16 import BIAS_TYPES
from toolkit.ops.parts.base import NodeView, view
from toolkit.ops.parts.channels import Bounds, any_value, thinned
from toolkit.passes.channel_bounds import channel_bounds
from toolkit.passes.needed_channels import Needed, foldable, needed_channels

#: What rescales the bias of a constant that stays: a quarter, exact in the fixed-point arithmetic.
_RATIO = 0.25


@dataclass(frozen=True)
class Saved:
    """What a graph has lost: outputs of layers with weights, their weights, and multiplications of
    an inference at the clip length of the graph; ``constants`` stayed as biases alone."""

    channels: int = 0
    weights: int = 0
    macs: int = 0
    constants: int = 0

    def __str__(self) -> str:
        words = []
        if self.channels:
            words.append(
                f"{self.channels:,} dead channels removed, with {self.weights:,} weights and "
                f"{self.macs:,} MACs of an inference"
            )
        if self.constants:
            words.append(f"{self.constants:,} constant channels kept as biases alone")
        return f"{'; '.join(words)}: the same bytes at every output"


def without_dead_channels(graph: Graph) -> tuple[Graph, Saved]:
    """The graph without them, and what that saved; the graph itself where there are none."""
    bounds = channel_bounds(graph)
    needed = needed_channels(graph, bounds)
    tensors = {
        name: tensor if tensor.is_constant else _thinned(tensor, needed[name])
        for name, tensor in graph.tensors.items()
    }
    nodes, constants = [], 0
    for node in graph.nodes:
        old = view(graph, node)
        folded = _folded(old, bounds, needed)
        settled, count = _settled(folded, bounds[old.output.name], needed[old.output.name])
        new = _with_channels(settled, needed)
        constants += count
        nodes.append(_placed(graph, tensors, old, new))
    if all(new is old for new, old in zip(nodes, graph.nodes, strict=True)):
        return graph, Saved()
    lean = check_graph(replace(graph, nodes=tuple(nodes), tensors=tensors).pruned(), "channels")
    check_operators(lean)
    channels, weights, macs = (
        before - after for before, after in zip(_weighed(graph), _weighed(lean), strict=True)
    )
    return lean, Saved(channels, weights, macs, constants)


def _thinned(tensor: Tensor, kept: Array) -> Tensor:
    return tensor if kept.all() else thinned(tensor, -1, kept)


def _weighed(graph: Graph) -> tuple[int, int, int]:
    """Outputs of layers with weights, weights, multiplications."""
    channels = weights = macs = 0
    for node in graph.nodes:
        operator, node_view = OPERATORS[node.op], view(graph, node)
        macs += operator.work(node_view).macs
        if operator.weight_input is not None:
            channels += node_view.output.shape[-1]
            weights += node_view.input(operator.weight_input).elements
    return channels, weights, macs


def _folded(node: NodeView[Any], bounds: Mapping[str, Bounds], needed: Needed) -> NodeView[Any]:
    """The node with those channels in its bias that it need not read."""
    weights = OPERATORS[node.node.op].channel_weights(node)
    if weights is None or needed[node.input(0).name].all():
        return node
    x, known = node.input(0), bounds[node.input(0).name]
    gone = ~needed[x.name] & foldable(node, known)
    values = np.where(gone, known.low - x.zero_point, 0)
    if not values.any():
        return node
    return _with_bias(node, _bias(node) + weights.sum(axis=1, dtype=np.int64) @ values)


def _settled(node: NodeView[Any], bounds: Bounds, needed: Array) -> tuple[NodeView[Any], int]:
    """The node with the needed constants among its outputs made by small biases alone, and how
    many it has changed."""
    operator = OPERATORS[node.node.op]
    if operator.weight_input is None or not (bounds.constant & needed).any():
        return node, 0
    weights = node.input(operator.weight_input)
    axis, quant = operator.weight_axis or 0, weights.quant
    if quant is None or quant.axis != axis:
        return node, 0  # one scale for all
    moved = np.moveaxis(weights.values, axis, 0)
    steps = (bounds.low - node.output.zero_point) / _RATIO
    busy = moved.reshape(len(moved), -1).any(axis=1) | (np.abs(_bias(node)) > np.abs(steps))
    chosen = bounds.constant & needed & busy
    if not chosen.any():
        return node, 0
    shape = [1] * weights.values.ndim
    shape[axis] = -1
    data = np.where(chosen.reshape(shape), 0, weights.values).astype(weights.values.dtype)
    scale = float(np.float32(_RATIO * node.output.scale / node.input(0).scale))
    scales = tuple(scale if c else s for c, s in zip(chosen, quant.scale, strict=True))
    settled = replace(weights, data=data, quant=replace(quant, scale=scales))
    x, _, *rest = node.inputs
    bias = np.where(chosen, steps.astype(np.int64), _bias(node))
    new = _with_bias(replace(node, inputs=(x, settled, *rest)), bias)
    after = operator.channel_bounds(new, [any_value(node.input(0))])
    same = (after.low == bounds.low) & (after.high == bounds.high)
    return (new, int(chosen.sum())) if same[chosen].all() else (node, 0)


def _with_channels(node: NodeView[Any], needed: Needed) -> NodeView[Any]:
    """The node with the needed channels of its activations alone."""
    masks = [None if t is None or t.is_constant else needed[t.name] for t in node.inputs]
    output = needed[node.output.name]
    if all(mask is None or mask.all() for mask in (*masks, output)):
        return node
    return OPERATORS[node.node.op].with_channels(node, masks, output)


def _bias(node: NodeView[Any]) -> Array:
    """The bias of a layer with weights, int64 ``[outputs]``."""
    bias = node.optional(2)
    if bias is None:
        return np.zeros(node.output.shape[-1], np.int64)
    return bias.values.astype(np.int64)


def _with_bias(node: NodeView[Any], values: Array) -> NodeView[Any]:
    """The node with another bias, whose scales are those of its products."""
    x, weights, old = node.input(0), node.input(1), node.optional(2)
    assert weights.quant is not None
    scales = tuple(float(np.float32(x.scale * scale)) for scale in weights.quant.scale)
    axis = 0 if len(scales) > 1 else None
    quant = QuantParams(scales, (0,) * len(scales), axis)
    name = f"{node.node.name}/bias" if old is None else old.name
    bias = Tensor.constant(name, values.astype(BIAS_TYPES[x.dtype].numpy), quant)
    return replace(node, inputs=(x, weights, bias))


def _placed(
    graph: Graph, tensors: dict[str, Tensor], old: NodeView[Any], new: NodeView[Any]
) -> Node:
    """The node in its new form; its new constants are put among the ``tensors``, under their own
    names where nobody else reads them."""
    if new is old:
        return old.node
    names: list[str | None] = []
    for place, tensor in enumerate(new.inputs):
        if tensor is None:
            names.append(None)
            continue
        name = tensor.name
        if tensor.is_constant and tensor is not old.optional(place):
            if name in tensors and graph.consumers(name) != (old.node,):
                name = fresh(replace(graph, tensors=tensors), name)
            tensors[name] = replace(tensor, name=name)
        names.append(name)
    return replace(old.node, inputs=tuple(names), attrs=new.attrs)
