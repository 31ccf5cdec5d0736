"""Runs float and integer graphs on float inputs and gives real values back."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TypeAlias

import numpy as np

from toolkit.ir import DType, Graph, QuantParams
from toolkit.ir.tensor import Array, dequantize, quantize
from toolkit.ops.execute import run_graph

#: One set of float inputs, by name, in the graph's layout.
Batch: TypeAlias = Mapping[str, Array]


def fed(graph: Graph, batch: Batch) -> dict[str, Array]:
    """The inputs as the graph takes them: floats as they are, others quantised."""
    values = {}
    for name in graph.inputs:
        tensor = graph.tensors[name]
        real = batch[name].reshape(tensor.shape)
        is_float = tensor.dtype is DType.FLOAT32
        values[name] = real if is_float else quantize(real, _quant(graph, name), tensor.dtype)
    return values


def real_outputs(graph: Graph, batches: Iterable[Batch]) -> Array:
    """Real outputs of a float or quantised graph, ``[cases, values]``, all outputs flat."""
    rows = []
    for batch in batches:
        values = run_graph(graph, fed(graph, batch))
        rows.append(real_values(graph, [values[name] for name in graph.outputs]))
    return np.stack(rows)


def real_values(graph: Graph, outputs: Sequence[Array]) -> Array:
    """All output values of one inference in real units, flat, from arrays in the order of the
    graph's outputs."""
    pairs = zip(graph.outputs, outputs, strict=True)
    return np.concatenate([real(graph, name, values).ravel() for name, values in pairs])


def decoded(graph: Graph, outputs: Sequence[bytes]) -> list[Array]:
    """Outputs of one inference as flat arrays, from the bytes that a device wrote."""
    pairs = zip(graph.outputs, outputs, strict=True)
    return [np.frombuffer(data, graph.tensors[name].dtype.numpy) for name, data in pairs]


def real(graph: Graph, name: str, values: Array) -> Array:
    """Values of tensor ``name`` in real units."""
    is_float = graph.tensors[name].dtype is DType.FLOAT32
    return values if is_float else dequantize(values, _quant(graph, name))


def _quant(graph: Graph, name: str) -> QuantParams:
    quant = graph.tensors[name].quant
    assert quant is not None, name
    return quant
