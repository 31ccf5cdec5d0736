"""Models quantised by onnxruntime (QDQ format), and its own integers as the oracle."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import onnx

from toolkit.ir import Graph
from toolkit.ir.tensor import Array, dequantize
from toolkit.ops import OPERATORS
from toolkit.ops.parts.base import view
from toolkit.passes.absorb_layout import to_graph_layout

CALIBRATION_CASES = 8


@dataclass(frozen=True)
class Layer:
    """One node, fed onnxruntime's integers: the largest difference from onnxruntime's output."""

    name: str
    op: str
    max_lsb: float


def quantize_with_onnxruntime(
    model: onnx.ModelProto, cases: Sequence[Array], folder: Path, **options: Any
) -> onnx.ModelProto:
    """Static quantisation on ``cases`` of the input; ``options`` are those of ``quantize_static``.

    ``folder`` has the result as qdq.onnx.
    """
    from onnxruntime.quantization import CalibrationDataReader, QuantFormat, quantize_static
    from onnxruntime.quantization.shape_inference import quant_pre_process

    class Reader(CalibrationDataReader):  # type: ignore[misc]
        def __init__(self) -> None:
            self._cases = iter(cases)

        def get_next(self) -> dict[str, Array] | None:
            case = next(self._cases, None)
            return None if case is None else {model.graph.input[0].name: case}

    logging.disable(logging.WARNING)
    try:
        prepared, quantized = folder / "prepared.onnx", folder / "qdq.onnx"
        onnx.save(model, folder / "float.onnx")
        quant_pre_process(folder / "float.onnx", prepared, skip_symbolic_shape=True)
        quantize_static(prepared, quantized, Reader(), quant_format=QuantFormat.QDQ, **options)
    finally:
        logging.disable(logging.NOTSET)
    return onnx.load(quantized)


def noise(shape: tuple[int, ...], cases: int, seed: int = 0) -> list[Array]:
    generator = np.random.default_rng(seed)
    return [generator.standard_normal(shape).astype(np.float32) for _ in range(cases)]


def onnxruntime_integers(model: onnx.ModelProto, x: Array) -> tuple[dict[str, Array], Array]:
    """Every quantised activation as int8 (uint8 less 128), by the name of the float tensor and by
    that of the integers; and the model's first output in real values."""
    import onnxruntime

    constants = {tensor.name for tensor in model.graph.initializer}
    pairs = [
        (node.input[0], node.output[0])
        for node in model.graph.node
        if node.op_type == "QuantizeLinear" and node.input[0] not in constants
    ]
    shown = onnx.ModelProto()
    shown.CopyFrom(model)
    shown.graph.output.extend(onnx.ValueInfoProto(name=output) for _, output in pairs)
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    options.log_severity_level = 3
    session = onnxruntime.InferenceSession(
        shown.SerializeToString(), options, providers=["CPUExecutionProvider"]
    )
    count = len(model.graph.output)
    results = session.run(None, {model.graph.input[0].name: x})
    found: dict[str, Array] = {}
    for (source, output), values in zip(pairs, results[count:], strict=True):
        signed = values if values.dtype == np.int8 else (values.astype(np.int16) - 128)
        found[source] = found[output] = signed.astype(np.int8)
    for node in model.graph.node:  # a graph output bears the name of the real values
        if node.op_type == "DequantizeLinear" and node.input[0] in found:
            found.setdefault(node.output[0], found[node.input[0]])
    return found, np.asarray(results[0])


def compare_layers(
    float_graph: Graph, graph: Graph, model: onnx.ModelProto, x: Array
) -> Iterator[Layer]:
    """Runs ``graph`` node by node, each on onnxruntime's integers where there are any.

    Where a scale had to change, one LSB is the coarser of the two.
    """
    integers, _ = onnxruntime_integers(model, x)
    (entry,) = graph.inputs
    ours = to_graph_layout(float_graph, {entry: integers[entry]})[entry]
    values: dict[str, Array] = {entry: ours.reshape(graph.tensors[entry].shape)}
    for node in graph.nodes:
        inputs = [
            values[name] if name in values else graph.tensors[name].values
            for name in node.inputs
            if name is not None
        ]
        (output,) = node.outputs
        result = OPERATORS[node.op].run_int(view(graph, node), inputs)
        oracle = integers.get(output)
        given = float_graph.tensors[output].quant if output in float_graph.tensors else None
        values[output] = result
        if oracle is None or given is None:
            continue
        back = node.op == "transpose"  # a graph output has the layout of the model
        theirs = oracle if back else _channels_last(oracle, result.shape)
        tensor = graph.tensors[output]
        assert tensor.quant is not None
        if tensor.quant == given:
            error = np.abs(result.astype(np.int64) - theirs)
        else:
            lsb = max(tensor.scale, given.tensor_scale)
            error = np.abs(dequantize(result, tensor.quant) - dequantize(theirs, given)) / lsb
        yield Layer(node.name, node.op, float(error.max()))
        if tensor.quant == given:
            values[output] = theirs


def _channels_last(values: Array, shape: tuple[int, ...]) -> Array:
    """A channel-first array in the shape of ours."""
    if values.ndim > 2:
        values = values.transpose(0, *range(2, values.ndim), 1)
    assert [s for s in values.shape if s != 1] == [s for s in shape if s != 1], (
        values.shape,
        shape,
    )
    return np.ascontiguousarray(values.reshape(shape))
