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
            bias = _corrected(view(graph, origin), view(corrected, node), exact, rounded)
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
    origin: NodeView[Any],
    quantized: NodeView[Any],
    exact: Sequence[dict[str, Array]],
    rounded: Sequence[dict[str, Array]],
) -> Tensor:
    """The bias of the ``quantized`` node less the mean shift of its output."""
    place = OPERATORS[quantized.node.op].bias_input
    assert place is not None
    source, bias = quantized.input(0), quantized.input(place)
    assert source.quant is not None and bias.quant is not None
    plain, name = _without_activation(origin), origin.input(0).name
    wanted = _mean(plain, [values[name] for values in exact], _constants(origin))
    inputs = [dequantize(values[source.name], source.quant) for values in rounded]
    shift = _mean(plain, inputs, [_real(t) for t in (quantized.input(1), bias)]) - wanted
    steps = np.rint(shift / np.asarray(bias.quant.scale, np.float64)).astype(np.int64)
    limits = np.iinfo(bias.dtype.numpy)
    moved = np.clip(bias.values.astype(np.int64) - steps, limits.min, limits.max)
    return replace(bias, data=moved.astype(bias.dtype.numpy))


def _constants(node: NodeView[Any]) -> list[Array]:
    return [tensor.values for tensor in node.inputs[1:] if tensor is not None]


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
