"""Bias correction: what quantisation shifts a layer's outputs by on average goes into its bias.

Source: Nagel et al., "Data-Free Quantization Through Weight Equalization and Bias Correction",
ICCV 2019, section 4.2; empirical form, layer by layer from the input.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from toolkit.ir import DType, Graph, Node, Tensor
from toolkit.ir.check import check_graph
from toolkit.ir.tensor import Array, dequantize
from toolkit.ops import OPERATORS
from toolkit.ops.numerics.activation import Activation
from toolkit.ops.parts.base import NodeView, view
from toolkit.quantize.outputs import Batch, fed

#: Cases the shift is measured on; every activation of all of them is held at once.
MAX_CASES = 32


def correct_bias(graph: Graph, quantized: Graph, batches: Sequence[Batch]) -> Graph:
    """``quantized`` with biases that bring each channel's mean back to that of ``graph``.

    The shift is measured before the activation function, with the quantised weights and with the
    inputs that the corrected layers before leave.  Layers without a bias stay as they are.
    """
    batches = _spread(batches)
    origins = {node.name: node for node in graph.nodes}
    tensors = dict(quantized.tensors)
    corrected = replace(quantized, tensors=tensors)
    exact = [dict(fed(graph, batch)) for batch in batches]
    rounded = [dict(fed(quantized, batch)) for batch in batches]
    for index, node in enumerate(quantized.nodes):
        origin = origins.get(node.name)
        if origin is not None and _bias_name(node) is not None:
            bias = _corrected(graph, origin, corrected, node, exact, rounded)
            tensors[bias.name] = bias
        if origin is not None:
            _run(graph, origin, exact)
        _run(corrected, node, rounded)
        _forget(quantized, index, rounded)
    return check_graph(corrected, "bias correction")


def _spread(batches: Sequence[Batch]) -> Sequence[Batch]:
    return batches[:: -(-len(batches) // MAX_CASES)]


def _bias_name(node: Node) -> str | None:
    index = OPERATORS[node.op].bias_input
    return node.inputs[index] if index is not None and index < len(node.inputs) else None


def _corrected(
    graph: Graph,
    origin: Node,
    quantized: Graph,
    node: Node,
    exact: Sequence[dict[str, Array]],
    rounded: Sequence[dict[str, Array]],
) -> Tensor:
    """The bias of ``node`` less the mean shift of its output."""
    name, weights_name = _bias_name(node), node.inputs[1]
    assert name is not None and weights_name is not None
    source, origin_source = node.inputs[0], origin.inputs[0]
    assert source is not None and origin_source is not None
    constants = [_real(quantized.tensors[n]) for n in (weights_name, name)]
    plain = _without_activation(view(graph, origin))
    wanted = _mean(plain, [values[origin_source] for values in exact], _constants(graph, origin))
    source_quant = quantized.tensors[source].quant
    assert source_quant is not None
    inputs = [dequantize(values[source], source_quant) for values in rounded]
    shift = _mean(plain, inputs, constants) - wanted
    bias = quantized.tensors[name]
    assert bias.quant is not None
    steps = np.rint(shift / np.asarray(bias.quant.scale, np.float64)).astype(np.int64)
    limits = np.iinfo(bias.dtype.numpy)
    moved = np.clip(bias.values.astype(np.int64) - steps, limits.min, limits.max)
    return replace(bias, data=moved.astype(bias.dtype.numpy))


def _constants(graph: Graph, node: Node) -> list[Array]:
    return [graph.tensors[name].values for name in node.inputs[1:] if name is not None]


def _real(tensor: Tensor) -> Array:
    assert tensor.quant is not None
    return dequantize(tensor.values, tensor.quant)


def _without_activation(node_view: NodeView[Any]) -> NodeView[Any]:
    return replace(node_view, attrs=replace(node_view.attrs, activation=Activation.NONE))


def _mean(node_view: NodeView[Any], inputs: Sequence[Array], constants: Sequence[Array]) -> Array:
    """Mean output of each channel over cases and positions."""
    operator = OPERATORS[node_view.node.op]
    means = []
    for x in inputs:
        out = operator.run_float(node_view, [x, *constants]).astype(np.float64)
        means.append(out.mean(axis=tuple(range(out.ndim - 1))))
    mean: Array = np.mean(means, axis=0)
    return mean


def _run(graph: Graph, node: Node, cases: Sequence[dict[str, Array]]) -> None:
    operator, node_view = OPERATORS[node.op], view(graph, node)
    for values in cases:
        arguments = [
            t.values if t.is_constant else values[t.name] for t in node_view.inputs if t is not None
        ]
        floats = node_view.output.dtype is DType.FLOAT32
        run = operator.run_float if floats else operator.run_int
        values[node_view.output.name] = run(node_view, arguments)


def _forget(graph: Graph, index: int, cases: Sequence[dict[str, Array]]) -> None:
    """Drop what no later node reads."""
    needed = {name for node in graph.nodes[index + 1 :] for name in node.inputs}
    for values in cases:
        for name in values.keys() - needed:
            del values[name]
