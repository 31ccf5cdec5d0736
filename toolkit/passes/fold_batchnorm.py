"""Folds per-channel constants behind a convolution or dense layer into its weights and bias."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from toolkit.ir import Graph, Node, Tensor
from toolkit.ir.edit import forward, fresh, substitute
from toolkit.ir.tensor import Array
from toolkit.ops import OPERATORS
from toolkit.ops.numerics.activation import Activation
from toolkit.passes.rewrite import moved_from, only_reader, rewrite


def fold_batchnorm(graph: Graph) -> Graph:
    """``layer(x) * constant`` and ``layer(x) + constant`` become the layer with other weights.

    This takes batch normalisation, and any bias that stands apart from its layer.
    """
    return rewrite(graph, "fold_batchnorm", _fold)


def _fold(graph: Graph, node: Node) -> Graph | None:
    if node.op not in ("mul", "add") or _activation(node) is not Activation.NONE:
        return None
    source, constant = node.inputs[0], _constant(graph, node)
    if source is None or constant is None:
        return None
    made = moved_from(graph, source)
    layer = graph.producer(made)
    if layer is None or only_reader(graph, made) is None:
        return None
    operator = OPERATORS[layer.op]
    if operator.weight_input is None or _activation(layer) is not Activation.NONE:
        return None
    channels = graph.tensors[made].shape[-1]
    if constant.size != constant.shape[-1] or not _is_channel(graph, made, source, constant.size):
        return None
    weights = graph.tensors[_name(layer.inputs[operator.weight_input])]
    if weights.data is None:
        return None
    vector = np.resize(constant.reshape(-1), channels).astype(np.float64)
    bias = _bias(graph, layer, channels)
    if node.op == "add":
        made_of = (weights.values, bias + vector)
    else:
        axis = _channel_axis(layer)
        shape = [-1 if i == axis else 1 for i in range(len(weights.shape))]
        made_of = (weights.values * vector.reshape(shape), bias * vector)
    if made == source:
        return _with_weights(graph, layer, node, *made_of)
    changed = _with_weights(graph, layer, layer, *made_of)
    return forward(changed, node, source)


def _is_channel(graph: Graph, made: str, name: str, size: int) -> bool:
    """Whether the last axis of ``name``, the layer's output ``made`` moved, has some of its
    channels, and those after them are the same again and again; for one number: in any case."""
    if size == 1:
        return True
    while name != made:
        node = graph.producer(name)
        assert node is not None and node.inputs[0] is not None
        before, after = (graph.tensors[n].shape[-1] for n in (node.inputs[0], name))
        if node.op == "transpose" or before % after:
            return False
        if node.op == "strided_slice" and before != after:
            return False
        name = node.inputs[0]
    return bool(graph.tensors[made].shape[-1] % size == 0)


def _with_weights(graph: Graph, layer: Node, node: Node, weights: Array, bias: Array) -> Graph:
    """The layer with other parameters; weights that stay as they are keep their quantisation."""
    old = _name(layer.inputs[1])
    weight_name = fresh(graph, old)
    bias_name = fresh(graph, f"{old}.bias")
    folded = replace(layer, inputs=(layer.inputs[0], weight_name, bias_name), outputs=node.outputs)
    same = weights is graph.tensors[old].data
    quant = graph.tensors[old].quant if same else None
    tensors = (
        Tensor.constant(weight_name, weights.astype(np.float32), quant),
        Tensor.constant(bias_name, bias.astype(np.float32)),
    )
    return substitute(graph, [layer, node], [folded], tensors)


def _constant(graph: Graph, node: Node) -> Array | None:
    other = node.inputs[1]
    return None if other is None else graph.tensors[other].data


def _bias(graph: Graph, layer: Node, channels: int) -> Array:
    name = layer.inputs[2] if len(layer.inputs) > 2 else None
    if name is None:
        return np.zeros(channels, np.float64)
    return graph.tensors[name].values.astype(np.float64)


def _channel_axis(layer: Node) -> int:
    axis = OPERATORS[layer.op].weight_axis
    return 0 if axis is None else axis


def _activation(node: Node) -> Activation:
    activation = getattr(node.attrs, "activation", Activation.NONE)
    assert isinstance(activation, Activation)
    return activation


def _name(name: str | None) -> str:
    assert name is not None
    return name
