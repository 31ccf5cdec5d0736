"""Each rewrite does what it says, keeps the meaning, and stays away where it must."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import onnx
import pytest

from tests.support.onnx_models import ModelMaker, attention, onnxruntime_output, save
from tests.support.time_forms import VALUES, Net
from toolkit.errors import ToolkitError
from toolkit.frontend.load import load_onnx
from toolkit.ir import DType, Graph, GraphBuilder, Node, Tensor
from toolkit.ir.edit import forward, rename_tensors, substitute
from toolkit.ops.append import append
from toolkit.ops.attention_pool import AttentionPoolAttrs
from toolkit.ops.execute import run_graph
from toolkit.ops.numerics.activation import Activation
from toolkit.passes.absorb_layout import input_axes, to_graph_layout
from toolkit.passes.expand_attention_builtin import expand_attention_builtin
from toolkit.passes.optimize import optimize
from toolkit.passes.rewrite import rewrite


def imported(maker: ModelMaker, output: str, folder: Path) -> Graph:
    """The optimised graph, checked against onnxruntime on one input."""
    model = maker.model(output)
    graph = load_onnx(save(model, folder), rows=21)
    x = np.random.default_rng(5).standard_normal(graph.tensors["x"].shape).astype(np.float32)
    small = optimize(graph)
    got = run_graph(small, to_graph_layout(small, {"x": x}))[small.outputs[0]]
    np.testing.assert_allclose(got, onnxruntime_output(model, x), rtol=1e-4, atol=1e-4)
    return small


def ops(graph: Graph) -> list[str]:
    return [node.op for node in graph.nodes]


def test_batch_norm_before_a_padded_convolution_is_not_folded_into_it(tmp_path: Path) -> None:
    maker = ModelMaker(1, 3, 6, 6)
    x = maker.conv(maker.batch_norm("x", 3), (3, 4), (3, 3), pads=[1, 1, 1, 1])
    assert ops(imported(maker, x, tmp_path))[:3] == ["mul", "add", "conv_2d"]


def test_batch_norm_is_not_folded_into_a_convolution_that_others_read(tmp_path: Path) -> None:
    maker = ModelMaker(1, 3, 6, 6)
    x = maker.conv("x", (3, 4), (1, 1))
    x = maker.op("Add", maker.batch_norm(x, 4), x)
    assert ops(imported(maker, x, tmp_path))[:4] == ["conv_2d", "mul", "add", "add"]


def test_activations_fuse_into_convolution_dense_and_addition(tmp_path: Path) -> None:
    maker = ModelMaker(1, 2, 6, 6)
    a = maker.op("Relu", maker.conv("x", (2, 2), (1, 1)))
    low, high = (maker.constant(np.array(v, np.float32)) for v in (0.0, 6.0))
    b = maker.op("Clip", maker.op("Add", a, maker.conv(a, (2, 2), (1, 1))), low, high)
    y = maker.op("Relu", maker.dense(maker.op("Flatten", b), 72, 3))
    graph = imported(maker, y, tmp_path)
    assert ops(graph) == ["conv_2d", "conv_2d", "add", "reshape", "fully_connected"]
    kinds = [getattr(node.attrs, "activation", None) for node in graph.nodes]
    assert kinds == [Activation.RELU, Activation.NONE, Activation.RELU6, None, Activation.RELU]


def test_an_activation_behind_a_tensor_that_others_read_stays(tmp_path: Path) -> None:
    maker = ModelMaker(1, 2, 6, 6)
    a = maker.conv("x", (2, 2), (1, 1))
    x = maker.op("Sub", maker.op("Relu", a), a)
    assert ops(imported(maker, x, tmp_path))[:3] == ["conv_2d", "relu", "sub"]


def test_two_activations_in_a_row_are_not_merged_into_one(tmp_path: Path) -> None:
    maker = ModelMaker(1, 2, 6, 6)
    low, high = (maker.constant(np.array(v, np.float32)) for v in (0.0, 6.0))
    x = maker.op("Clip", maker.op("Relu", maker.conv("x", (2, 2), (1, 1))), low, high)
    assert ops(imported(maker, x, tmp_path))[:2] == ["conv_2d", "relu6"]


def test_flatten_of_a_channel_first_tensor_reorders_dense_weights(tmp_path: Path) -> None:
    maker = ModelMaker(1, 2, 5, 4)
    x = maker.conv("x", (2, 3), (2, 2))
    graph = imported(maker, maker.dense(maker.op("Flatten", x), 36, 4), tmp_path)
    assert ops(graph) == ["conv_2d", "reshape", "fully_connected"]


def test_squeeze_and_excite_needs_no_transposes(tmp_path: Path) -> None:
    maker = ModelMaker(1, 2, 5, 4)
    x = maker.conv("x", (2, 4), (3, 3))
    gate = maker.op("GlobalAveragePool", x)
    gate = maker.op("Sigmoid", maker.conv(maker.op("Relu", maker.conv(gate, (4, 2), (1, 1))),
                                          (2, 4), (1, 1)))  # fmt: skip
    graph = imported(maker, maker.conv(maker.op("Mul", x, gate), (4, 2), (2, 1)), tmp_path)
    assert ops(graph) == ["conv_2d", "mean", "conv_2d", "conv_2d", "logistic", "mul", "conv_2d",
                          "transpose"]  # fmt: skip


def test_the_input_layout_is_recorded(tmp_path: Path) -> None:
    maker = ModelMaker(1, 2, 5, 4)
    graph = imported(
        maker, maker.op("GlobalAveragePool", maker.conv("x", (2, 3), (2, 2))), tmp_path
    )
    assert input_axes(graph) == {"x": (0, 2, 3, 1)}
    assert graph.tensors["x"].shape == (1, 5, 4, 2)


def test_an_input_with_other_readers_keeps_its_layout(tmp_path: Path) -> None:
    maker = ModelMaker(1, 2, 5, 4)
    x = maker.op("Concat", maker.op("Flatten", "x"), maker.op(
        "Flatten", maker.conv("x", (2, 3), (2, 2))), axis=1)  # fmt: skip
    graph = imported(maker, x, tmp_path)
    assert input_axes(graph) == {}
    assert graph.tensors["x"].shape == (1, 2, 5, 4)


def attention_like(
    softmax_axis: int = 2, sum_axis: int = 2, keepdims: int = 0, reader: bool = False
) -> tuple[ModelMaker, str]:
    maker = ModelMaker(1, 2, 9, 5)
    lin = maker.conv("x", (2, 3), (1, 1))
    weights = maker.op("Softmax", maker.conv("x", (2, 3), (1, 1)), axis=softmax_axis)
    product = maker.op("Mul", lin, weights)
    axes = maker.constant(np.array([sum_axis], np.int64))
    total = maker.op("ReduceSum", product, axes, keepdims=keepdims)
    if reader:
        rest = maker.op("ReduceMean", product, axes=[sum_axis], keepdims=keepdims)
        total = maker.op("Add", total, rest)
    return maker, total


@pytest.mark.parametrize("keepdims", [0, 1])
@pytest.mark.parametrize("axis", [2, 3])
def test_attention_pooling_is_recognised_along_rows_and_columns(
    axis: int, keepdims: int, tmp_path: Path
) -> None:
    maker, output = attention_like(axis, axis, keepdims)
    assert "attention_pool" in ops(imported(maker, output, tmp_path))


def test_attention_pooling_over_one_dimensional_signals(tmp_path: Path) -> None:
    maker = ModelMaker(1, 2, 30)
    weights = maker.op("Softmax", maker.conv("x", (2, 3), (3,)), axis=-1)
    product = maker.op("Mul", weights, maker.conv("x", (2, 3), (3,)))
    axes = maker.constant(np.array([-1], np.int64))
    graph = imported(maker, maker.op("ReduceSum", product, axes, keepdims=0), tmp_path)
    assert "attention_pool" in ops(graph)


@pytest.mark.parametrize(
    "changed", [{"softmax_axis": 3}, {"sum_axis": 3}, {"softmax_axis": 1, "sum_axis": 1},
                {"reader": True}]
)  # fmt: skip
def test_what_only_resembles_attention_pooling_is_left(
    changed: dict[str, int], tmp_path: Path
) -> None:
    maker, output = attention_like(**changed)
    assert "attention_pool" not in ops(imported(maker, output, tmp_path))


def divided_along_other_values(m: Net) -> str:
    """Each head's pooled values, as many as there are heads, divided by the sums of all heads."""
    h = m.relu(m.linear("x", VALUES, 2))
    weights = m.op("Sigmoid", m.linear(h, 2, 2))
    total = m.op("Unsqueeze", m.total(weights, 1), m.ints(1))
    return m.op("Div", m.op("MatMul", m.swap(weights), h), total)


def spread_about_other_means(m: Net) -> str:
    """``x - mean(x)`` where the means of channels meet as many frames."""
    h = m.relu(m.conv1(m.swap("x"), VALUES, VALUES, 3, pads=[1, 1]))
    d = m.op("Sub", h, m.mean(h, 2))
    return m.op("Sqrt", m.mean(m.op("Mul", d, d), 2))


def self_attention(m: Net) -> str:
    q, k, v = (m.linear("x", VALUES, 4) for _ in range(3))
    scores = m.op("Softmax", m.op("MatMul", q, m.swap(k)), axis=-1)
    return m.op("MatMul", scores, v)


def softmax_of_features(m: Net) -> str:
    """The expectation over each frame's own values."""
    h = m.linear("x", VALUES, 4)
    return m.total(m.op("Mul", m.op("Softmax", h, axis=-1), m.linear("x", VALUES, 4)), 2)


@pytest.mark.parametrize(
    "build",
    [divided_along_other_values, spread_about_other_means, self_attention, softmax_of_features],
)
def test_what_only_resembles_pooling_is_left(build: Callable[[Net], str], tmp_path: Path) -> None:
    net = Net(1, VALUES, VALUES)
    path = tmp_path / "model.onnx"
    model = net.model(build(net))
    onnx.save(model, path)
    graph = optimize(load_onnx(path))
    assert not {"attention_pool", "variance"} & set(ops(graph))
    x = np.random.default_rng(0).standard_normal((1, VALUES, VALUES)).astype(np.float32)
    found = run_graph(graph, to_graph_layout(graph, {"x": x}))[graph.outputs[0]]
    np.testing.assert_allclose(found, onnxruntime_output(model, x), rtol=1e-4, atol=1e-5)


def test_builtin_attention_means_the_same(tmp_path: Path) -> None:
    graph = optimize(load_onnx(save(attention(), tmp_path), rows=21))
    spelled = expand_attention_builtin(graph)
    assert "attention_pool" not in ops(spelled)
    assert set(graph.outputs) == set(spelled.outputs)
    x = np.random.default_rng(0).standard_normal(graph.tensors["x"].shape).astype(np.float32)
    want, got = (run_graph(g, {"x": x})[g.outputs[0]] for g in (graph, spelled))
    np.testing.assert_allclose(got, want, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize(
    ("lin", "logits"),
    [
        ((1, 9, 1, 5), (1, 9, 1, 1)),
        ((1, 9, 3, 4), (1, 9, 3, 1)),
        ((1, 9, 3, 4), (1, 9, 1, 4)),
        ((1, 9, 1, 4), (1, 9, 3, 1)),
        ((1, 9, 3, 1), (1, 9, 1, 4)),
    ],
)
def test_builtin_attention_of_weights_that_repeat(
    lin: tuple[int, ...], logits: tuple[int, ...]
) -> None:
    builder = GraphBuilder("pool")
    for name, shape in (("lin", lin), ("logits", logits)):
        builder.add_input(Tensor(name, shape, DType.FLOAT32))
    builder.outputs.append(
        append(builder, "attention_pool", ["lin", "logits"], AttentionPoolAttrs(), "y")
    )
    graph, rng = builder.build(), np.random.default_rng(0)
    values = {
        name: rng.standard_normal(graph.tensors[name].shape).astype(np.float32)
        for name in graph.inputs
    }
    spelled = expand_attention_builtin(graph)
    assert "attention_pool" not in ops(spelled)
    want, got = (run_graph(g, values)["y"] for g in (graph, spelled))
    np.testing.assert_allclose(got, want, rtol=1e-5, atol=1e-5)


def chain() -> Graph:
    """x -> relu a -> relu b (output)."""
    builder = GraphBuilder("chain")
    x = builder.add_input(Tensor("x", (1, 4), DType.FLOAT32))
    builder.outputs = [
        append(builder, "relu", [append(builder, "relu", [x], None, "a")], None, "b")
    ]
    return builder.build()


def test_forwarding_keeps_the_name_of_a_graph_output() -> None:
    graph = forward(chain(), chain().nodes[1], "a")
    assert graph is not None
    assert graph.outputs == ("b",)
    assert [node.outputs for node in graph.nodes] == [("b",)]
    assert forward(graph, graph.nodes[0], "x") is None  # an input cannot be an output


def test_renaming_moves_a_tensor_that_holds_the_name() -> None:
    graph = rename_tensors(chain(), {"a": "b"})
    assert graph.outputs == ("b@1",)
    assert [node.outputs for node in graph.nodes] == [("b",), ("b@1",)]


def test_a_rewrite_that_never_settles_is_reported() -> None:
    def restless(graph: Graph, node: Node) -> Graph | None:
        return substitute(graph, [node], [replace(node)])

    with pytest.raises(ToolkitError, match="does not settle"):
        rewrite(chain(), "restless", restless)


@pytest.mark.parametrize("op", ["Max", "Min", "PRelu"])
def test_an_activation_behind_what_has_none_of_its_own_stays(op: str, tmp_path: Path) -> None:
    maker = ModelMaker(1, 2, 6, 6)
    other = maker.weights(2, 1, 1)
    assert "relu" in ops(imported(maker, maker.op("Relu", maker.op(op, "x", other)), tmp_path))
