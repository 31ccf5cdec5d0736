"""SVDF of a ``.tflite``: TFLM's interpreter, numpy and C, step by step, bit for bit."""

from __future__ import annotations

import flatbuffers
import numpy as np
import pytest
from ai_edge_litert import schema_py_generated as schema

from tests.support.kernel import run_graph_in_c
from tests.support.operators import quant, scale
from toolkit.errors import ModelError
from toolkit.ir import DType, Graph, QuantParams
from toolkit.ir.tensor import Array
from toolkit.ops.execute import run_steps
from toolkit.tflite.oracle import run_tflm
from toolkit.tflite.read import read_tflite
from toolkit.tflite.write import write_tflite

STEPS = 20


def svdf_model(seed: int, wide: bool = True, bad: bool = False) -> bytes:
    """Two SVDF layers, one after the other, of random sizes, weights and scales."""
    rng = np.random.default_rng(seed)
    kind, code = (np.int16, schema.TensorType.INT16) if wide else (np.int8, schema.TensorType.INT8)
    tensors, operators, buffers = [], [], [schema.BufferT()]

    def tensor(
        type_code: int, params: QuantParams, data: Array | None, shape: tuple[int, ...] = ()
    ) -> int:
        buffer = 0
        if data is not None:
            buffer = len(buffers)
            buffers.append(schema.BufferT(data=np.frombuffer(data.tobytes(), np.uint8)))
        quantisation = schema.QuantizationParametersT(
            scale=np.float32(params.scale), zeroPoint=np.int64(params.zero_point)
        )
        made = schema.TensorT(
            name=f"t{len(tensors)}",
            shape=np.int32(shape if data is None else data.shape),
            type=type_code,
            buffer=buffer,
            quantization=quantisation,
        )
        tensors.append(made)
        return len(tensors) - 1

    def flat(value: float) -> QuantParams:
        return QuantParams.per_tensor(value, 0)

    x_quant = quant(rng, 0.01, 0.1)
    values, int8 = int(rng.integers(1, 20)), schema.TensorType.INT8
    x = first = tensor(int8, x_quant, None, (1, values))
    for _ in range(2):
        units, rank, memory = (int(n) for n in rng.integers((1, 1, 1), (8, 4, 9)))
        filters = units * rank
        feature, top = scale(rng, 1e-3, 1e-2), 32767 if wide else 127
        time = scale(rng, 1e-5, 1e-4) if wide else scale(rng, 1e-3, 1e-2)
        inner = x_quant.tensor_scale * feature * 127 * 40 * np.sqrt(values)
        state = flat(inner / top)
        reach = inner * time * top * np.sqrt(memory * rank)
        out = QuantParams.per_tensor(reach / 200, int(rng.integers(-128, 128)))
        by_filter = rng.integers(-127, 128, (filters, values)).astype(np.int8)
        by_time = rng.integers(-top, top, (filters, memory)).astype(kind)
        bias = rng.integers(-9999, 9999, units).astype(np.int32)
        inputs = [
            x,
            tensor(int8, flat(feature), by_filter),
            tensor(code, flat(time), by_time),
            tensor(schema.TensorType.INT32, flat(state.tensor_scale * time), bias),
            tensor(code, state, None, (1, filters * memory)),
        ]
        tensors[inputs[4]].isVariable = not bad
        x, values, x_quant = tensor(int8, out, None, (1, units)), units, out
        operators.append(
            schema.OperatorT(
                opcodeIndex=0,
                inputs=np.int32(inputs),
                outputs=np.int32([x]),
                builtinOptionsType=schema.BuiltinOptions.SVDFOptions,
                builtinOptions=schema.SVDFOptionsT(rank=rank, fusedActivationFunction=1),
            )
        )
    graph = schema.SubGraphT(
        tensors=tensors,
        inputs=np.int32([first]),
        outputs=np.int32([x]),
        operators=operators,
    )
    svdf = schema.BuiltinOperator.SVDF
    opcode = schema.OperatorCodeT(builtinCode=svdf, deprecatedBuiltinCode=svdf, version=3)
    model = schema.ModelT(
        version=3, subgraphs=[graph], operatorCodes=[opcode], buffers=buffers, description=""
    )
    builder = flatbuffers.Builder(1 << 12)
    builder.Finish(model.Pack(builder), file_identifier=b"TFL3")
    return bytes(builder.Output())


def assert_steps(data: bytes, *flags: str) -> tuple[Array, Array]:
    """numpy == C for every step; inputs and outputs."""
    graph = read_tflite(data, "svdf")
    shape = (STEPS, *graph.tensors[graph.free_inputs[0]].shape)
    inputs = np.random.default_rng(len(data)).integers(-128, 128, shape).astype(np.int8)
    again = read_tflite(write_tflite(graph), "again")
    want = run_steps(graph, {graph.free_inputs[0]: inputs})[graph.free_outputs[0]]
    have = run_steps(again, {again.free_inputs[0]: inputs})[again.free_outputs[0]]
    np.testing.assert_array_equal(have, want)
    np.testing.assert_array_equal(steps_in_c(graph, inputs, *flags), want)
    return inputs, want


def steps_in_c(graph: Graph, inputs: Array, *flags: str) -> Array:
    """The outputs of every step by the C kernels."""
    states = {state.read: state.initial for state in graph.states}
    rows = []
    for row in inputs:
        values = run_graph_in_c(graph, {graph.free_inputs[0]: row, **states}, *flags)
        states = {state.read: values[state.write] for state in graph.states}
        rows.append(values[graph.free_outputs[0]])
    return np.stack(rows)


@pytest.mark.parametrize("wide", [True, False])
def test_every_step_is_tflms(wide: bool) -> None:
    for seed in range(6):
        data = svdf_model(seed, wide)
        graph = read_tflite(data, "svdf")
        assert [node.op for node in graph.nodes] == 2 * ["svdf_state", "svdf"]
        assert graph.tensors[graph.states[0].read].dtype is (DType.INT16 if wide else DType.INT8)
        inputs, have = assert_steps(data)
        (want,) = run_tflm(data, [inputs], clips=[STEPS]).outputs
        np.testing.assert_array_equal(have, want)


def test_a_state_that_is_no_variable_is_refused() -> None:
    with pytest.raises(ModelError, match="variable"):
        read_tflite(svdf_model(0, bad=True), "svdf")
