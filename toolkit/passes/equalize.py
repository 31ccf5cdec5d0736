"""Cross-layer equalisation: channels of an activation are brought to comparable ranges.

Source: Nagel et al., "Data-Free Quantization Through Weight Equalization and Bias Correction",
ICCV 2019, section 4.1.  There the first layer's weights stand for the range; with one scale a
channel these cost nothing, so the activation's own range takes their place.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from toolkit.ir import Graph, Node, Tensor
from toolkit.ir.check import check_graph
from toolkit.ir.edit import fresh
from toolkit.ir.tensor import Array
from toolkit.ops import OPERATORS
from toolkit.ops.numerics.activation import Activation
from toolkit.passes.rewrite import only_reader

#: A channel's scale changes by at most this factor.
MAX_FACTOR = 16.0


def equalize(graph: Graph, peaks: Mapping[str, Array]) -> Graph:
    """An equal graph in which layers pass each other channels of balanced ranges.

    ``peaks`` are the largest magnitudes of each activation by channel (its last axis).  Between
    two layers that only rectification and pooling separate, channel ``i`` of the first is divided
    by ``sqrt(peak_i / weight_i)``, and the second layer's weights for it, of largest magnitude
    ``weight_i``, are multiplied by the same.  A depthwise layer has a scale for each channel, so
    there the peak alone decides.
    """
    for node in graph.nodes:
        first = _again(graph, node)
        second = _reader(graph, first)
        if second is not None:
            graph = _balance(graph, first, second, peaks[first.outputs[0]])
    return check_graph(graph.pruned(), "equalize")


def _reader(graph: Graph, node: Node) -> Node | None:
    """The layer that alone reads the channels of layer ``node``; None where there is none."""
    if OPERATORS[node.op].weight_input is None or not _passes(node):
        return None
    name = node.outputs[0]
    while (reader := only_reader(graph, name)) is not None:
        if reader.op in ("conv_2d", "depthwise_conv_2d"):
            same = _constant(graph, reader, 1).shape[-1] == graph.tensors[name].shape[-1]
            return reader if same else None
        if not OPERATORS[reader.op].scale_transparent or not _passes(reader):
            return None
        name = reader.outputs[0]
    return None


def _passes(node: Node) -> bool:
    """Whether the fused activation lets a positive factor through."""
    activation = getattr(node.attrs, "activation", Activation.NONE)
    return activation in (Activation.NONE, Activation.RELU)


def _balance(graph: Graph, first: Node, second: Node, peaks: Array) -> Graph:
    weights = _constant(graph, second, 1).values
    reach = np.abs(weights).reshape(-1, weights.shape[-1]).max(axis=0).astype(np.float64)
    if second.op == "depthwise_conv_2d":
        reach = 1.0 / np.maximum(peaks.astype(np.float64), 1e-30)
    used = (peaks > 0) & (reach > 0)
    if not used.any():
        return graph
    factors = np.ones(len(peaks))
    factors[used] = np.sqrt(peaks[used] / reach[used])
    factors[used] /= np.median(factors[used])
    factors = np.clip(factors, 1 / MAX_FACTOR, MAX_FACTOR)
    axis = OPERATORS[first.op].weight_axis
    own = _constant(graph, first, 1).values
    shape = [1] * own.ndim
    shape[0 if axis is None else axis] = -1
    graph = _with_constant(graph, first, 1, own / factors.reshape(shape))
    if len(first.inputs) > 2 and first.inputs[2] is not None:
        bias = _constant(graph, first, 2).values / factors
        graph = _with_constant(graph, _again(graph, first), 2, bias)
    return _with_constant(graph, _again(graph, second), 1, weights * factors)


def _again(graph: Graph, node: Node) -> Node:
    """The node of that name as it is now."""
    return next(n for n in graph.nodes if n.name == node.name)


def _constant(graph: Graph, node: Node, index: int) -> Tensor:
    name = node.inputs[index]
    assert name is not None
    return graph.tensors[name]


def _with_constant(graph: Graph, node: Node, index: int, values: Array) -> Graph:
    """The graph with another constant at one input of ``node``; its other readers keep theirs."""
    name = fresh(graph, _constant(graph, node, index).name)
    inputs = (*node.inputs[:index], name, *node.inputs[index + 1 :])
    tensor = Tensor.constant(name, values.astype(np.float32))
    changed = replace(node, inputs=inputs)
    nodes = tuple(changed if n.name == node.name else n for n in graph.nodes)
    return replace(graph, nodes=nodes, tensors={**graph.tensors, name: tensor})
