"""Recurrent layers as integers: matrices and biases by the scales of what they multiply, the state
from what calibration saw inside the loop."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from toolkit.ir import Graph, Node, QuantParams, Tensor
from toolkit.ir.tensor import quantize as quantize_values
from toolkit.ops.numerics.int16 import BIAS_TYPES
from toolkit.ops.parts.recurrent import Recurrent
from toolkit.quantize.parameters import quantize_bias, quantize_weights, weight_params


def recurrent_constants(
    graph: Graph,
    node: Node,
    operator: Recurrent[Any],
    attrs: Any,
    output: Tensor,
    scales: Mapping[str, float],
) -> list[Tensor | None]:
    """The integer constants of a recurrent ``node`` of a float graph, in the order of its inputs
    behind the first, None where one is computed; ``scales`` are those of its ``input`` and of its
    ``state``."""
    found: dict[int, Tensor] = {}
    biases = {bias.matrix: (index, bias) for index, bias in operator.biases.items()}
    for index, axis in operator.matrices.items():
        weights = _float(graph, node, index)
        at, bias = biases.get(index, (None, None))
        values = None if at is None else _float(graph, node, at).values
        scale = scales["state" if bias is None else bias.of]
        params = weight_params(weights.values, axis, values, scale)
        data = quantize_weights(weights.values, params)
        found[index] = Tensor.constant(weights.name, data, params)
        if at is not None and values is not None:
            wide, quant = quantize_bias(values, params, scale, BIAS_TYPES[output.dtype])
            found[at] = Tensor.constant(f"{weights.name}.bias", wide, quant)
    for index in operator.initial:
        if index < len(node.inputs) and _float(graph, node, index).is_constant:
            scale, zero, dtype = operator.initial_quant(attrs, index, output)
            quant, tensor = QuantParams.per_tensor(scale, zero), _float(graph, node, index)
            data = quantize_values(tensor.values, quant, dtype)
            found[index] = Tensor.constant(tensor.name, data, quant)
    return [found.get(index) for index in range(1, len(node.inputs))]


def binary_limits(low: float, high: float, room: float) -> tuple[float, float]:
    """A range whose int16 scale, with ``room`` for more, is a power of two of at most 15 fractional
    bits: one in which a cell can be kept."""
    most = max(1.0, room * max(-low, high))
    peak = 2.0 ** math.ceil(math.log2(most)) * 32767.0 / 32768.0 / room
    return -peak, peak


def _float(graph: Graph, node: Node, index: int) -> Tensor:
    name = node.inputs[index]
    assert name is not None, f"{node.name}: constant {index} is absent"
    return graph.tensors[name]
