"""Models quantised by onnxruntime keep their scales; onnxruntime's integers are the oracle."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest

from tests.support import onnx_models, qdq
from tests.support.oracle import assert_matches_tflm
from toolkit.ir import DType, Graph, QuantParams
from toolkit.ir.tensor import dequantize, quantize
from toolkit.model.int8 import to_int8
from toolkit.model.load import load_source
from toolkit.model.source import Source
from toolkit.model.zoo import zoo_model
from toolkit.ops.check import custom_operators
from toolkit.ops.execute import run_graph
from toolkit.passes.absorb_layout import to_graph_layout
from toolkit.quantize.given import changes
from toolkit.quantize.recipe import Recipe
from toolkit.tflite.oracle import tflm_available
from toolkit.tflite.read import read_tflite

pytest.importorskip("onnxruntime")
from onnxruntime.quantization import QuantType

INT8 = {"activation_type": QuantType.QInt8, "weight_type": QuantType.QInt8}
UINT8 = {"activation_type": QuantType.QUInt8, "weight_type": QuantType.QInt8}
PER_CHANNEL = {"per_channel": True}
WAV2SMALL_ROWS = 99


@dataclass(frozen=True)
class Network:
    """A float model with the shape of one input, and why some scales may have changed."""

    model: onnx.ModelProto
    shape: tuple[int, ...]
    excuses: tuple[str, ...] = ()


@dataclass(frozen=True)
class Converted:
    model: onnx.ModelProto
    source: Source
    float_graph: Graph
    graph: Graph
    messages: tuple[str, ...]


def wav2small_trunk() -> onnx.ModelProto:
    """Wav2Small of the zoo up to the two 1x1 convolutions that its pooling combines."""
    zoo = zoo_model("wav2small")
    assert zoo is not None
    model = onnx.load(zoo.onnx)
    convolutions = [node for node in model.graph.node if node.op_type == "Conv"][-2:]
    onnx.checker.check_model(model)
    shaped = onnx.utils.Extractor(onnx.shape_inference.infer_shapes(model)).extract_model(
        [model.graph.input[0].name], [node.output[0] for node in convolutions]
    )
    shaped.graph.input[0].type.tensor_type.shape.dim[2].dim_value = WAV2SMALL_ROWS
    return shaped


def network(name: str) -> Network:
    match name:
        case "ds_cnn":
            return Network(onnx_models.ds_cnn(), (1, 1, 49, 10), ("fixes the output of SOFTMAX",))
        case "mobilenet_v2":
            return Network(onnx_models.mobilenet_v2(), (1, 1, 24, 20))
        case "mobilenet_v3":
            reasons = "merged", "of LOGISTIC", "of MAX_POOL_2D has its input's"
            return Network(onnx_models.mobilenet_v3(), (1, 2, 16, 12), reasons)
        case "conv_1d":
            return Network(onnx_models.conv_1d(), (1, 6, 50))
        case _:
            return Network(wav2small_trunk(), (1, 1, WAV2SMALL_ROWS, 26))


def converted(net: Network, folder: Path, **options: Any) -> Converted:
    model = qdq.quantize_with_onnxruntime(
        net.model, qdq.noise(net.shape, qdq.CALIBRATION_CASES), folder, **options
    )
    source = load_source(str(folder / "qdq.onnx"))
    assert source.float_graph is not None
    int8 = to_int8(source, Recipe())
    graph = int8.whole or read_tflite(int8.data, "converted")  # with every channel of the model
    messages = tuple(i.message for i in int8.issues if i.code != "channels.dead")
    return Converted(model, source, source.float_graph, graph, messages)


@pytest.mark.parametrize(
    "options", [INT8, INT8 | PER_CHANNEL, UINT8], ids=["int8", "channel", "u8"]
)
@pytest.mark.parametrize(
    "name", ["ds_cnn", "mobilenet_v2", "mobilenet_v3", "conv_1d", "wav2small_trunk"]
)
def test_scales_stay_and_layers_are_onnxruntimes_within_one_step(
    name: str, options: dict[str, Any], tmp_path: Path
) -> None:
    net = network(name)
    form = converted(net, tmp_path, **options)
    changed = [m for m in form.messages if "became" in m]
    assert all(any(excuse in m for excuse in net.excuses) for m in changed), changed
    assert_scales_are_those_of_the_file(form, exceptions=len(changed))
    layers = [
        layer
        for x in qdq.noise(net.shape, 3, seed=7)
        for layer in qdq.compare_layers(form.float_graph, form.graph, form.model, x)
    ]
    compared = {layer.name for layer in layers}
    weighted = [n for n in form.graph.nodes if n.op in ("conv_2d", "depthwise_conv_2d")]
    assert compared >= {n.name for n in weighted if n.outputs[0] in form.source.given}
    assert len(compared) >= 5
    assert max(layer.max_lsb for layer in layers) <= 1.0, [x for x in layers if x.max_lsb > 1]
    print(f"\n{name} {sorted(map(str, options.values()))}: {len(compared)} layers within 1 LSB,"
          f" end to end {end_to_end_lsb(form, net.shape):.3g} LSB")  # fmt: skip


def assert_scales_are_those_of_the_file(form: Converted, exceptions: int) -> None:
    """Every activation's QuantizeLinear is found, bit for bit, on a tensor of the int8 graph."""
    constants = {t.name: onnx.numpy_helper.to_array(t) for t in form.model.graph.initializer}
    have = {
        (t.scale, t.zero_point)
        for t in form.graph.tensors.values()
        if t.quant is not None and not t.is_constant
    }
    missing = []
    for node in form.model.graph.node:
        if node.op_type == "QuantizeLinear":
            scale, zero = (constants[name] for name in node.input[1:3])
            shift = 128 if zero.dtype == np.uint8 else 0
            if (float(scale), int(zero) - shift) not in have:
                missing.append(node.name)
    assert len(missing) <= exceptions, missing


def end_to_end_lsb(form: Converted, shape: tuple[int, ...]) -> float:
    """Largest difference of outputs from onnxruntime's own, in steps of the output."""
    worst = 0.0
    entry = form.graph.tensors[form.graph.inputs[0]]
    assert entry.quant is not None
    for x in qdq.noise(shape, 5, seed=11):
        _, theirs = qdq.onnxruntime_integers(form.model, x)
        (moved,) = to_graph_layout(form.float_graph, {form.graph.inputs[0]: x}).values()
        fed = quantize(moved.reshape(entry.shape), entry.quant, entry.dtype)
        tensor = form.graph.tensors[form.graph.outputs[0]]
        assert tensor.quant is not None
        ours = dequantize(run_graph(form.graph, {entry.name: fed})[tensor.name], tensor.quant)
        error = np.abs(ours.reshape(theirs.shape) - theirs).max() / tensor.scale
        worst = max(worst, float(error))
    return worst


@pytest.mark.skipif(not tflm_available(), reason="tflite-micro is not installed")
@pytest.mark.parametrize("name", ["ds_cnn", "mobilenet_v2", "mobilenet_v3"])
def test_what_comes_out_runs_in_tflm(name: str, tmp_path: Path) -> None:
    graph = converted(network(name), tmp_path, **INT8, **PER_CHANNEL).graph
    assert not custom_operators(graph)
    assert_matches_tflm(graph, cases=5)


def test_weights_keep_their_integers(tmp_path: Path) -> None:
    form = converted(network("ds_cnn"), tmp_path, **INT8, **PER_CHANNEL)
    stored = {
        values.tobytes()
        for values in map(onnx.numpy_helper.to_array, form.model.graph.initializer)
        if values.dtype == np.int8 and values.ndim > 1
    }
    ours = []
    for node in form.graph.nodes:
        if node.op in ("conv_2d", "depthwise_conv_2d", "fully_connected"):
            weights = form.graph.tensors[str(node.inputs[1])].values
            order = {"conv_2d": (0, 3, 1, 2), "depthwise_conv_2d": (3, 0, 1, 2)}.get(node.op)
            ours.append(weights if order is None else weights.transpose(order))
    assert {np.ascontiguousarray(w).tobytes() for w in ours} == stored


def test_asymmetric_weights_are_named_with_the_reason(tmp_path: Path) -> None:
    options = {"activation_type": QuantType.QUInt8, "weight_type": QuantType.QUInt8}
    form = converted(network("conv_1d"), tmp_path, **options)
    symmetric = [m for m in form.messages if "TFLite's weights are symmetric" in m]
    assert len(symmetric) == 3
    assert sum("in TFLite a bias has" in m for m in form.messages) == 3
    assert f"kept {len(form.source.given) - 6} of the {len(form.source.given)}" in form.messages[0]
    for node in form.graph.nodes:
        if node.op == "conv_2d":
            weights = form.graph.tensors[str(node.inputs[1])]
            assert weights.quant is not None and not any(weights.quant.zero_point)


def test_the_dropped_relu_is_back_in_the_float_graph(tmp_path: Path) -> None:
    """onnxruntime drops what the clamp at the zero point does; float figures must not miss it."""
    form = converted(network("mobilenet_v2"), tmp_path, **INT8)
    assert not any(node.op_type in ("Relu", "Clip") for node in form.model.graph.node)
    x = qdq.noise(network("mobilenet_v2").shape, 1, seed=3)[0]
    float_model = network("mobilenet_v2").model
    want = onnx_models.onnxruntime_output(float_model, x)
    (moved,) = to_graph_layout(form.float_graph, {"x": x}).values()
    got = run_graph(form.float_graph, {"x": moved})[form.float_graph.outputs[0]]
    # The weights are the int8 ones, so that the outputs are near those of the float model only.
    assert np.abs(got.reshape(want.shape) - want).max() <= 0.1 * np.abs(want).max()


def test_what_states_no_scale_is_calibrated_and_named(tmp_path: Path) -> None:
    net = network("ds_cnn")
    form = converted(net, tmp_path, **INT8, op_types_to_quantize=["Conv", "Relu"])
    lacking = [m for m in form.messages if "states no scale" in m]
    assert len(lacking) == 1 and lacking[0].endswith(": calibrated")


def test_no_calibration_where_every_scale_is_given(tmp_path: Path) -> None:
    form = converted(network("mobilenet_v2"), tmp_path, **INT8)
    assert form.messages == (f"kept {len(form.source.given)} of the {len(form.source.given)} scales"
                             " and zero points of the model",)  # fmt: skip


def test_a_tensor_quantised_twice_gets_both_scales(tmp_path: Path) -> None:
    maker = onnx_models.ModelMaker(1, 8)

    def pair(x: str, scale: float, zero: int) -> str:
        parameters = maker.constant(np.float32(scale)), maker.constant(np.uint8(zero))
        return maker.op("DequantizeLinear", maker.op("QuantizeLinear", x, *parameters), *parameters)

    x = pair("x", 0.05, 128)
    fine, coarse = pair(x, 0.02, 128), pair(x, 0.07, 120)
    y = pair(maker.op("Add", fine, coarse), 0.1, 128)
    path = onnx_models.save(maker.model(y), tmp_path)
    source = load_source(str(path))
    int8 = to_int8(source, Recipe())
    data, issues = int8.data, int8.issues
    graph = read_tflite(data, "twice")
    assert [issue.code for issue in issues] == ["quantisation.kept"]
    scales = sorted((t.scale, t.zero_point) for t in graph.tensors.values())
    float32 = [(float(np.float32(s)), z) for s, z in ((0.02, 0), (0.05, 0), (0.07, -8), (0.1, 0))]
    assert scales == float32
    assert [node.op for node in graph.nodes].count("quantize") == 2


def test_a_pool_keeps_its_inputs_scale(tmp_path: Path) -> None:
    maker = onnx_models.ModelMaker(1, 1, 8, 8)
    zero = maker.constant(np.int8(0))

    def pair(x: str, scale: float) -> str:
        parameters = maker.constant(np.float32(scale)), zero
        return maker.op("DequantizeLinear", maker.op("QuantizeLinear", x, *parameters), *parameters)

    y = pair(maker.op("MaxPool", pair("x", 0.05), kernel_shape=[2, 2]), 0.04)
    source = load_source(str(onnx_models.save(maker.model(y), tmp_path)))
    int8 = to_int8(source, Recipe())
    data, issues = int8.data, int8.issues
    (scale,) = {t.scale for t in read_tflite(data, "pool").tensors.values()}
    assert scale == float(np.float32(0.05))
    assert "in TFLite the output of MAX_POOL_2D has its input's parameters" in issues[1].message


def test_changes_are_none_where_all_was_kept() -> None:
    empty = Graph("empty", {}, (), (), ())
    assert changes({}, empty, empty) == ()
    lost = {"gone": QuantParams.per_tensor(0.5, 1)}
    (change,) = changes(lost, empty, empty)
    assert str(change) == (
        "tensor 'gone': scale 0.5, zero point 1 became no tensor of its own: it was merged into a "
        "neighbour"
    )
    assert DType.INT8.limits == (-128, 127)
