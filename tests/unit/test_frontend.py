"""The importer and the passes keep a model's meaning: onnxruntime is the oracle."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import pytest

from tests.support import onnx_models
from tests.support.onnx_models import ModelMaker, onnxruntime_output, save
from toolkit.errors import InputError
from toolkit.frontend.load import load_onnx
from toolkit.ir import Graph
from toolkit.ops.execute import run_graph
from toolkit.passes.absorb_layout import to_graph_layout
from toolkit.passes.optimize import optimize

ROWS = 21
RELATIVE = 1e-4

MODELS = {
    "ds_cnn": onnx_models.ds_cnn,
    "resnet": onnx_models.resnet,
    "conv_1d": onnx_models.conv_1d,
    "dense": onnx_models.dense,
    "layouts": onnx_models.layouts,
    "mobilenet_v2": onnx_models.mobilenet_v2,
    "mobilenet_v3": onnx_models.mobilenet_v3,
    "parts": onnx_models.parts,
    "dynamic_reshape": onnx_models.dynamic_reshape,
    "dynamic_reshape_opset_11": lambda: onnx_models.dynamic_reshape(11),
    "attention": onnx_models.attention,
    "attention_swapped": lambda: onnx_models.attention(sum_first=True),
}


def run(graph: Graph, x: np.ndarray) -> np.ndarray:
    (name,) = graph.inputs
    return run_graph(graph, to_graph_layout(graph, {name: x}))[graph.outputs[0]]


def assert_same_as_onnxruntime(model: onnx.ModelProto, graph: Graph, x: np.ndarray) -> None:
    want, got = onnxruntime_output(model, x), run(graph, x)
    assert got.shape == want.shape
    np.testing.assert_allclose(got, want, rtol=0, atol=RELATIVE * np.abs(want).max())


@pytest.mark.parametrize("name", MODELS)
def test_import_and_passes_equal_onnxruntime(name: str, tmp_path: Path) -> None:
    model = MODELS[name]()
    graph = load_onnx(save(model, tmp_path), rows=ROWS)
    x = np.random.default_rng(1).standard_normal(graph.tensors["x"].shape).astype(np.float32)
    assert_same_as_onnxruntime(model, graph, x)
    assert_same_as_onnxruntime(model, optimize(graph), x)


@pytest.mark.parametrize(
    ("name", "ops"),
    [
        ("ds_cnn", "conv_2d depthwise_conv_2d conv_2d depthwise_conv_2d conv_2d mean reshape "
         "fully_connected softmax"),
        ("resnet", "conv_2d max_pool_2d conv_2d conv_2d add conv_2d conv_2d conv_2d add "
         "average_pool_2d reshape fully_connected"),
        ("conv_1d", "reshape conv_2d depthwise_conv_2d conv_2d add max_pool_2d reshape mean "
         "fully_connected"),
        ("mobilenet_v3", "conv_2d hard_swish depthwise_conv_2d hard_swish mean conv_2d conv_2d mul "
         "mul conv_2d add mean fully_connected fully_connected logistic reshape mul max_pool_2d "
         "reshape hard_swish fully_connected"),
        ("parts", "strided_slice conv_2d strided_slice conv_2d concatenation tanh strided_slice "
         "strided_slice logistic mul strided_slice strided_slice transpose reshape "
         "fully_connected"),
        ("attention", "conv_2d max_pool_2d conv_2d conv_2d attention_pool reshape batch_matmul "
         "concatenation reshape fully_connected"),
    ],
)  # fmt: skip
def test_passes_leave_what_the_device_needs(name: str, ops: str, tmp_path: Path) -> None:
    graph = optimize(load_onnx(save(MODELS[name](), tmp_path), rows=ROWS))
    assert [node.op for node in graph.nodes] == ops.split()


def one_op(kind: str, shape: tuple[int, ...], opset: int = 17, **attrs: object) -> onnx.ModelProto:
    maker = ModelMaker(*shape)
    return maker.model(maker.op(kind, "x", **attrs), opset)


@pytest.mark.parametrize(
    "model",
    [
        one_op("Softmax", (1, 3, 4, 5), axis=1),
        one_op("Softmax", (1, 3, 4, 5), axis=2),
        one_op("Softmax", (2, 3, 4), opset=11, axis=1),
        one_op("MaxPool", (1, 2, 7, 8), kernel_shape=[3, 3], strides=[2, 2], ceil_mode=1),
        one_op("MaxPool", (1, 2, 7, 8), kernel_shape=[2, 2], strides=[2, 2], auto_pad="SAME_UPPER"),
        one_op("MaxPool", (1, 2, 7, 8), kernel_shape=[2, 2], strides=[2, 2], auto_pad="SAME_LOWER"),
        one_op("MaxPool", (1, 2, 7, 8), kernel_shape=[2, 3], auto_pad="VALID"),
        one_op("AveragePool", (1, 2, 7, 8), kernel_shape=[3, 3], pads=[1, 1, 1, 1]),
        one_op("AveragePool", (1, 2, 9), kernel_shape=[3], strides=[2], pads=[1, 1],
               count_include_pad=1),
        one_op("GlobalAveragePool", (1, 4, 9)),
        one_op("ReduceSum", (1, 3, 4), opset=11, axes=[1], keepdims=1),
        one_op("ReduceMean", (1, 3, 4), axes=[-1, -2], keepdims=0),
        one_op("ReduceMean", (1, 3, 4)),
        one_op("GlobalMaxPool", (1, 4, 9)),
        one_op("HardSigmoid", (1, 9)),
        one_op("HardSigmoid", (1, 9), alpha=1 / 6, beta=0.5),
        one_op("HardSwish", (1, 9)),
        one_op("Tanh", (1, 9)),
        one_op("Clip", (1, 9), opset=6 + 1, min=0.0, max=6.0),
        one_op("Flatten", (1, 2, 3, 4), axis=2),
        one_op("Transpose", (2, 3, 4)),
        one_op("Squeeze", (1, 3, 1, 4), opset=11),
    ],
    ids=lambda model: model.graph.node[0].op_type,
)  # fmt: skip
def test_single_operators_equal_onnxruntime(model: onnx.ModelProto, tmp_path: Path) -> None:
    graph = load_onnx(save(model, tmp_path))
    shape = graph.tensors["x"].shape
    x = np.random.default_rng(2).standard_normal(shape).astype(np.float32) * 4
    assert_same_as_onnxruntime(model, graph, x)
    assert_same_as_onnxruntime(model, optimize(graph), x)


def test_metadata_names_and_labels_survive(tmp_path: Path) -> None:
    model = onnx_models.attention()
    entry = model.metadata_props.add()
    entry.key, entry.value = "toolkit.labels", '["a"]'
    graph = optimize(load_onnx(save(model, tmp_path), rows=ROWS))
    assert graph.metadata["toolkit.labels"] == '["a"]'
    assert graph.inputs == ("x",)
    assert graph.outputs == (model.graph.output[0].name,)
    assert graph.tensors["x"].shape == (1, ROWS, 7, 1)


def test_open_dimensions_need_an_answer(tmp_path: Path) -> None:
    path = save(onnx_models.attention(), tmp_path)
    with pytest.raises(InputError, match="'x' has dynamic dimensions") as caught:
        load_onnx(path)
    assert "--shape x=1,1,N,7" in caught.value.hint
    assert "--features" in caught.value.hint
    with pytest.raises(InputError, match="does not fit"):
        load_onnx(path, input_shapes={"x": (1, 1, 30, 8)})
    graph = load_onnx(path, input_shapes={"x": (1, 1, 30, 7)})
    assert graph.tensors["x"].shape == (1, 1, 30, 7)


def test_wav2small_equals_onnxruntime() -> None:
    from toolkit.model.zoo import zoo_model

    zoo = zoo_model("wav2small")
    assert zoo is not None
    rows = 120
    graph = optimize(load_onnx(zoo.onnx, rows=rows))
    x = np.random.default_rng(3).uniform(-60, 20, (1, 1, rows, 26)).astype(np.float32)
    import onnxruntime

    session = onnxruntime.InferenceSession(zoo.onnx.read_bytes())
    (want,) = session.run(None, {graph.inputs[0]: x})
    np.testing.assert_allclose(run(graph, x), want, rtol=1e-4, atol=1e-5)
    assert [n.op for n in graph.nodes].count("attention_pool") == 1
    assert "transpose" not in {n.op for n in graph.nodes}
