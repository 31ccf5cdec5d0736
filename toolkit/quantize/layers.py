"""Where a conversion loses accuracy: each tensor against float, and what each layer contributes."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from toolkit.ir import DType, Graph, Node, Shape
from toolkit.ir.tensor import Array, dequantize
from toolkit.ops import OPERATORS
from toolkit.ops.execute import run_graph
from toolkit.ops.parts.base import view
from toolkit.quantize.outputs import Batch, fed, real

#: Cases the analysis runs on; every layer's error is carried to the output for each of them.
MAX_CASES = 8


@dataclass(frozen=True)
class TensorError:
    """One activation of the integer graph against the float graph.

    ``snr_db`` and the errors in steps (LSB) of the tensor's own scale hold everything before it.
    The rest is about the layer alone: ``output_share`` is the part of the output's squared error
    that enters here, ``weight_share`` the part of this layer's error that its weights make,
    ``shift_share`` the part that is a constant shift of channels, ``clipped`` the fraction of
    values beyond the range, ``channel_spread`` the largest channel's peak over the median one.
    """

    name: str
    op: str
    dtype: str
    shape: Shape
    snr_db: float
    max_error_lsb: float
    mean_error_lsb: float
    output_share: float
    weight_share: float
    shift_share: float
    clipped: float
    channel_spread: float


def tensor_errors(
    graph: Graph, quantized: Graph, batches: Sequence[Batch]
) -> tuple[TensorError, ...]:
    """Every activation that both graphs have, in the order of execution.

    A layer's own error is what it gives on the integers before it, less what the float layer gives
    on the same values; carried through the float network it shows at the output.
    """
    batches = batches[:: -(-len(batches) // MAX_CASES)]
    exact = [run_graph(graph, fed(graph, batch)) for batch in batches]
    integers = [run_graph(quantized, fed(quantized, batch)) for batch in batches]
    rounded = [{n: real(quantized, n, v) for n, v in case.items()} for case in integers]
    steps: list[tuple[str, Node | None]] = [(name, None) for name in graph.inputs]
    steps += [(node.outputs[0], node) for node in graph.nodes]
    rows = [_row(graph, quantized, (name, node), exact, rounded) for name, node in steps]
    total = sum(noise for _, noise in rows) or 1.0
    return tuple(replace(row, output_share=noise / total) for row, noise in rows)


def rounding_noise(graph: Graph, quantized: Graph, batches: Sequence[Batch]) -> dict[str, float]:
    """Mean squared error at the outputs that the rounding of each activation makes alone, by name;
    what the layer's weights make is left out.  First order: such errors add up."""
    exact = [run_graph(graph, fed(graph, batch)) for batch in batches]
    rounded = [
        {n: real(quantized, n, v) for n, v in run_graph(quantized, fed(quantized, batch)).items()}
        for batch in batches
    ]
    noise = {}
    for node in graph.nodes:
        (name,) = node.outputs
        inputs = [_inputs(graph, node, case) for case in rounded]
        ideal = np.stack([_run(graph, node, i) for i in inputs])
        have = np.stack([case[name] for case in rounded]).reshape(ideal.shape)
        own = have - ideal - _weight_error(graph, quantized, node, inputs, ideal)
        noise[name] = _noise_at_output(graph, name, exact, own)
    return noise


def snr_db(signal: Array, error: Array) -> float:
    """Variance of a tensor over its mean squared error; infinite without error."""
    noise = float(np.mean(np.square(error, dtype=np.float64)))
    variance = float(np.var(signal, dtype=np.float64))
    if noise == 0.0:
        return math.inf
    return 10.0 * math.log10(variance / noise) if variance else -math.inf


def _row(
    graph: Graph,
    quantized: Graph,
    made: tuple[str, Node | None],
    exact: Sequence[Mapping[str, Array]],
    rounded: Sequence[Mapping[str, Array]],
) -> tuple[TensorError, float]:
    """The row of one tensor, and the node that makes it, without its share; and the noise it makes
    at the output."""
    name, node = made
    tensor = quantized.tensors[name]
    want = np.stack([case[name] for case in exact])
    have = np.stack([case[name] for case in rounded]).reshape(want.shape)
    inputs = [_inputs(graph, node, case) for case in rounded] if node is not None else []
    ideal = np.stack([_run(graph, node, i) for i in inputs]) if node is not None else want
    own = have - ideal
    weights = _weight_error(graph, quantized, node, inputs, ideal)
    low, high = (_limit(quantized, name, end) for end in (0, 1))
    peaks = np.abs(want).reshape(-1, want.shape[-1]).max(axis=0)
    axes = tuple(range(own.ndim - 1))
    power = float(np.mean(own**2)) or 1.0
    lsb = np.abs(have - want) / tensor.scale
    step = tensor.scale
    row = TensorError(
        name=name,
        op="input" if node is None else node.op,
        dtype=_dtype(quantized, name, node).value,
        shape=tensor.shape,
        snr_db=snr_db(want, have - want),
        max_error_lsb=float(lsb.max()),
        mean_error_lsb=float(lsb.mean()),
        output_share=0.0,
        weight_share=min(1.0, float(np.mean(weights**2)) / power),
        shift_share=float(np.mean(own.mean(axis=axes) ** 2)) / power,
        clipped=float(np.mean((ideal < low - step) | (ideal > high + step))),
        channel_spread=float(peaks.max() / max(float(np.median(peaks)), 1e-30)),
    )
    return row, _noise_at_output(graph, name, exact, own)


def _dtype(quantized: Graph, name: str, node: Node | None) -> DType:
    """The type in which the layer computes; a wide output is narrowed only after it."""
    twin = next((n for n in quantized.nodes if node is not None and n.name == node.name), None)
    return quantized.tensors[name if twin is None else twin.outputs[0]].dtype


def _limit(quantized: Graph, name: str, end: int) -> float:
    tensor = quantized.tensors[name]
    return (tensor.dtype.limits[end] - tensor.zero_point) * tensor.scale


def _inputs(graph: Graph, node: Node, case: Mapping[str, Array]) -> list[Array]:
    tensors = [graph.tensors[name] for name in node.inputs if name is not None]
    return [
        t.values if t.is_constant else np.asarray(case[t.name]).reshape(t.shape) for t in tensors
    ]


def _run(graph: Graph, node: Node | None, inputs: Sequence[Array]) -> Array:
    assert node is not None
    return OPERATORS[node.op].run_float(view(graph, node), inputs)


def _weight_error(
    graph: Graph, quantized: Graph, node: Node | None, inputs: Sequence[list[Array]], ideal: Array
) -> Array:
    """What the rounding of a layer's weights alone does to its output."""
    index = None if node is None else OPERATORS[node.op].weight_input
    if node is None or index is None:
        return np.zeros(1)
    weights = quantized.tensors[str(node.inputs[index])]
    if weights.quant is None or weights.data is None:
        return np.zeros(1)
    values = dequantize(weights.data, weights.quant)
    outputs = [_run(graph, node, [*i[:index], values, *i[index + 1 :]]) for i in inputs]
    error: Array = np.stack(outputs) - ideal
    return error


def _noise_at_output(
    graph: Graph, name: str, exact: Sequence[Mapping[str, Array]], own: Array
) -> float:
    """Mean squared change of the outputs when ``own`` is added to one tensor of the float run."""
    if not own.any():
        return 0.0
    total = 0.0
    for case, error in zip(exact, own, strict=True):
        changed = {name: case[name] + error.astype(np.float32)}
        for node in graph.nodes:
            if node.outputs[0] != name and changed.keys() & set(node.inputs):
                inputs = _inputs(graph, node, {**case, **changed})
                changed[node.outputs[0]] = _run(graph, node, inputs)
        for output in graph.outputs:
            if output in changed:
                total += float(np.mean((changed[output] - case[output]) ** 2))
    return total / len(exact)
