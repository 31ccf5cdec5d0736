"""LSTM and GRU: numpy, C on this workstation and TFLM, bit for bit."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from tests.support.kernel import run_graph_in_c, run_kernel
from tests.support.operators import add_input, assert_operator, case_inputs, pack
from tests.support.recurrent import add_activation, add_gru, add_lstm
from toolkit.errors import ModelError, UnsupportedError
from toolkit.ir import DType, Graph, GraphBuilder, QuantParams, Tensor
from toolkit.ops import OPERATORS
from toolkit.ops.check import check_operators
from toolkit.ops.execute import run_graph
from toolkit.ops.numerics.sigmoid_int16 import sigmoid16, tanh16, tanh_scale
from toolkit.ops.parts.base import TimeBehaviour, view
from toolkit.ops.parts.lstm_cell import LstmAttrs
from toolkit.tflite.read import read_tflite
from toolkit.tflite.write import write_tflite


def lstm(builder: GraphBuilder, rng: np.random.Generator) -> str:
    batch, steps, values, units = (int(n) for n in rng.integers((1, 1, 1, 1), (3, 9, 14, 11)))
    x = add_activation(builder, rng, (batch, steps, values))
    return add_lstm(builder, rng, x, units)


def other(builder: GraphBuilder, rng: np.random.Generator) -> str:
    """A layer along any of three axes, both ways, from zeros or from a state."""
    shape = tuple(int(n) for n in rng.integers((1, 1, 1, 1), (4, 5, 4, 10)))
    x = add_activation(builder, rng, shape)
    add = (add_lstm, add_gru)[rng.integers(2)]
    return add(builder, rng, x, int(rng.integers(1, 11)), plain=False)


def begun(builder: GraphBuilder, rng: np.random.Generator) -> str:
    """A GRU over sequences side by side, from a state that is an input."""
    steps, inner, values, units = (int(n) for n in rng.integers((1, 1, 1, 1), (4, 5, 10, 10)))
    x = add_activation(builder, rng, (1, steps, inner, values))
    state = QuantParams.per_tensor(2.0**-15, 0)
    begin = add_input(builder, (1, inner, units), state, DType.INT16)
    return add_gru(builder, rng, x, units, begin=begin)


def begun_lstm(builder: GraphBuilder, rng: np.random.Generator) -> str:
    """The same of an LSTM, whose cells are an input and among the outputs, too."""
    shape = tuple(int(n) for n in rng.integers((1, 1, 1), (4, 5, 10)))
    params = QuantParams.per_tensor(float(np.float32(rng.uniform(1e-5, 1e-3))), 0)
    x = add_input(builder, (1, *shape), params, DType.INT16)
    return add_lstm(builder, rng, x, int(rng.integers(1, 10)), begin=True)


def test_lstm_is_tflms() -> None:
    assert_operator(lstm, 60)


@pytest.mark.exhaustive
def test_many_lstms_are_tflms() -> None:
    assert_operator(lstm, 2000, seed=1)


def assert_c_like_numpy(graph: Graph, *flags: str) -> None:
    """Every layer by its portable and its DSP kernel, and of the file read back."""
    check_operators(graph)
    inputs = case_inputs(graph)
    again, fast = read_tflite(write_tflite(graph), "again"), 0
    for case in zip(*inputs, strict=True):
        values = dict(zip(graph.inputs, case, strict=True))
        want = run_graph(graph, values)
        have = run_graph_in_c(graph, values, *flags)
        read = run_graph(again, values)
        for name in graph.outputs:
            np.testing.assert_array_equal(have[name], want[name])
            np.testing.assert_array_equal(read[name], want[name])
        for node in graph.nodes:
            node_view = view(graph, node)
            for call in OPERATORS[node.op].dsp_calls(node_view):
                out = np.empty_like(want[node.outputs[0]])
                run_kernel(call, values, [out], *flags)
                np.testing.assert_array_equal(out, want[node.outputs[0]])
                fast += 1
    assert fast > len(graph.nodes) * len(inputs[0]) // 2


def test_other_layers_in_c() -> None:
    assert_c_like_numpy(pack(other, 60))
    assert_c_like_numpy(pack(lstm, 30, seed=2))
    assert_c_like_numpy(pack(begun, 20, seed=3))
    assert_c_like_numpy(pack(begun_lstm, 20, seed=4))


def test_sigmoid_and_tanh_are_close_to_float() -> None:
    x = np.arange(-32768, 32768)
    real = x / 4096
    assert np.abs(sigmoid16(x) - 32768 / (1 + np.exp(-real))).max() < 4
    assert np.abs(tanh16(x) - 32768 * np.tanh(real)).max() < 8
    for bits in range(8, 16):
        near = 32768 * np.tanh(x / 2.0**bits)
        assert np.abs(tanh16(x, *tanh_scale(bits)) - near).max() < 8, bits


def one_lstm() -> Graph:
    builder, rng = GraphBuilder("one"), np.random.default_rng(4)
    x = builder.add_input(Tensor("x", (1, 5, 4), DType.INT8, QuantParams.per_tensor(0.02, 3)))
    builder.outputs.append(add_lstm(builder, rng, x, 6))
    return builder.build()


def test_behaviour_along_time() -> None:
    graph = one_lstm()
    node = view(graph, graph.nodes[0])
    operator = OPERATORS["lstm"]
    assert operator.time_behaviour(node, 1) is TimeBehaviour.RECURRENT
    for attrs, axis, want in (
        (LstmAttrs(1, True), 1, TimeBehaviour.OPAQUE),
        (LstmAttrs(2, True), 1, TimeBehaviour.ROW_LOCAL),
        (LstmAttrs(0), 1, TimeBehaviour.OPAQUE),
    ):
        assert operator.time_behaviour(replace(node, attrs=attrs), axis) is want


def test_what_the_device_does_not_take_is_refused() -> None:
    graph = one_lstm()
    (node,) = graph.nodes
    weights = graph.tensors[node.inputs[1] or ""]
    wide = replace(weights, quant=QuantParams.per_tensor(1e6, 0))
    for tensors in ({weights.name: wide}, {weights.name: replace(weights, dtype=DType.INT16)}):
        with pytest.raises(UnsupportedError, match="lstm"):
            check_operators(replace(graph, tensors={**graph.tensors, **tensors}))
    turned = replace(node, attrs=LstmAttrs(0))
    with pytest.raises((UnsupportedError, ModelError)):
        check_operators(replace(graph, nodes=(turned,)))
