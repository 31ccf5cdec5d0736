"""Calibration, fixed-point parameters, and int8 graphs against TFLM and against float."""

from __future__ import annotations

import json
import math
from pathlib import Path

import numpy as np
import pytest

from tests.support import onnx_models
from tests.support.onnx_models import save
from tests.support.oracle import assert_matches_tflm
from toolkit.errors import InputError
from toolkit.frontend.load import load_onnx
from toolkit.ir import DType, Graph, QuantParams
from toolkit.ir.tensor import Array, dequantize
from toolkit.ir.tensor import quantize as quantize_values
from toolkit.model.zoo import zoo_model
from toolkit.ops.execute import run_graph
from toolkit.passes.absorb_layout import to_graph_layout
from toolkit.passes.optimize import optimize
from toolkit.quantize.convert import Attention, convert
from toolkit.quantize.parameters import (
    activation_params,
    quantize_bias,
    quantize_weights,
    weight_params,
)
from toolkit.quantize.ranges import Ranges, calibrate, load_ranges
from toolkit.quantize.snr import int8_snr_db
from toolkit.tflite.oracle import tflm_available

ROWS = 21
needs_tflm = pytest.mark.skipif(not tflm_available(), reason="tflite-micro is not installed")

#: Model and the SNR in dB that its int8 form reached when this was written, rounded down.
FLOORS = {
    "ds_cnn": 13.0,  # nearly constant softmax outputs: little signal, not much noise
    "resnet": 28.0,
    "conv_1d": 31.0,
    "dense": 27.0,
    "layouts": 32.0,
    "dynamic_reshape": 27.0,
    "mobilenet_v2": 15.0,  # random weights behind ReLU6: little signal here as well
    "mobilenet_v3": 25.0,
    "parts": 28.0,
    "attention": 38.0,
}


def cases(graph: Graph, count: int = 100) -> Array:
    """Inputs that vary from case to case as a whole, along the columns, and by noise."""
    shape = graph.tensors["x"].shape
    rng = np.random.default_rng(1)
    offset = rng.uniform(-2, 2, (count, *shape[:2], *(1,) * (len(shape) - 2)))
    columns = rng.uniform(-2, 2, (count, *(1,) * (len(shape) - 1), shape[-1]))
    return (offset + columns + rng.uniform(-1, 1, (count, *shape))).astype(np.float32)


def float_graph(name: str, folder: Path) -> Graph:
    return optimize(load_onnx(save(getattr(onnx_models, name)(), folder), rows=ROWS))


def outputs(graph: Graph, inputs: Array) -> Array:
    """Real outputs ``[cases, values]`` of a float or integer graph."""
    entry, result = graph.tensors[graph.inputs[0]], graph.tensors[graph.outputs[0]]
    values = []
    for x in inputs:
        fed = x if entry.quant is None else quantize_values(x, entry.quant, entry.dtype)
        y = run_graph(graph, {entry.name: fed})[result.name]
        values.append(y if result.quant is None else dequantize(y, result.quant))
    return np.stack(values).reshape(len(inputs), -1)


@needs_tflm
def test_softmax_between_convolutions(tmp_path: Path) -> None:
    """Its int16 weights become int8 again for the convolution; what they weigh hardly varies, so
    the error is held in steps of the output."""
    graph = float_graph("softmax_over_rows", tmp_path)
    inputs = cases(graph)
    form = convert(graph, calibrate(graph, ({"x": x} for x in inputs[:60])))
    assert_matches_tflm(form, cases=5)
    error = np.abs(outputs(graph, inputs[60:]) - outputs(form, inputs[60:])).max()
    assert error <= form.tensors[form.outputs[0]].scale


@needs_tflm
@pytest.mark.parametrize("name", FLOORS)
def test_int8_models_run_in_tflm_and_stay_close_to_float(name: str, tmp_path: Path) -> None:
    graph = float_graph(name, tmp_path)
    inputs = cases(graph)
    ranges = calibrate(graph, ({"x": x} for x in inputs[:60]))
    builtin = convert(graph, ranges, "builtin")
    assert_matches_tflm(builtin, cases=5)
    forms = [builtin, convert(graph, ranges, "fused")] if name == "attention" else [builtin]
    for form in forms:
        snr_db = int8_snr_db(outputs(graph, inputs[60:]), outputs(form, inputs[60:]))
        assert snr_db >= FLOORS[name]


@pytest.mark.parametrize("attention", ["fused", "builtin"])
@pytest.mark.parametrize(("seconds", "floor_db"), [(1, 28.0), (3, 30.0)])
def test_wav2small_keeps_its_accuracy_on_speech(
    data_dir: Path, seconds: int, floor_db: float, attention: Attention
) -> None:
    """1 s of Emo-DB (speakers the ranges have not heard) and 3 s of EmoTale (another corpus)."""
    from toolkit.features.extract import extract
    from toolkit.features.spec import (
        METADATA_KEY,
        from_json,
    )
    from toolkit.training.data import EMODB_SPLIT, load_emodb, load_emotale

    zoo = zoo_model("wav2small")
    assert zoo is not None
    rows = {1: 499, 3: 1499}[seconds]
    graph = optimize(load_onnx(zoo.onnx, rows=rows))
    spec = from_json(graph.metadata[METADATA_KEY])
    if seconds == 1:
        clips = [
            clip
            for clip in load_emodb(data_dir / "emodb")
            if clip.speaker not in EMODB_SPLIT["train"]
        ]
    else:
        wanted = spec.samples_for_rows(rows)
        clips = [c for c in load_emotale(data_dir / "emotale") if len(c.samples) >= wanted]
    count = 12 if seconds == 1 else 8
    chosen = clips[:: len(clips) // count][:count]
    features = np.stack([extract(clip.samples, spec)[:rows] for clip in chosen])
    inputs = np.stack([to_graph_layout(graph, {"features": f[None, None]})["features"]
                       for f in features])  # fmt: skip
    int8 = convert(graph, load_ranges(zoo.ranges), attention)
    assert int8_snr_db(outputs(graph, inputs), outputs(int8, inputs)) >= floor_db


@needs_tflm
def test_wav2small_builtin_form_runs_in_tflm() -> None:
    zoo = zoo_model("wav2small")
    assert zoo is not None
    graph = optimize(load_onnx(zoo.onnx, rows=99))
    assert_matches_tflm(convert(graph, load_ranges(zoo.ranges), "builtin"), cases=2)


def test_wav2small_fused_form_is_int8_outside_and_int16_only_in_the_head() -> None:
    zoo = zoo_model("wav2small")
    assert zoo is not None
    graph = convert(optimize(load_onnx(zoo.onnx, rows=99)), load_ranges(zoo.ranges))
    kinds = {name: graph.tensors[name].dtype for n in graph.nodes for name in n.outputs}
    assert graph.is_quantized()
    assert graph.tensors[graph.inputs[0]].dtype is DType.INT8
    assert kinds[graph.outputs[0]] is DType.INT8
    wide_bytes = sum(graph.tensors[n].size_bytes for n, k in kinds.items() if k is DType.INT16)
    assert wide_bytes < 3000
    first_wide = next(n for n in graph.nodes if kinds[n.outputs[0]] is DType.INT16)
    assert first_wide.op == "attention_pool"


def test_shipped_ranges_serve_every_clip_length() -> None:
    zoo = zoo_model("wav2small")
    assert zoo is not None
    ranges = load_ranges(zoo.ranges)
    params = []
    for rows in (99, 499, 1499):
        graph = convert(optimize(load_onnx(zoo.onnx, rows=rows)), ranges)
        params.append({name: t.quant for name, t in graph.tensors.items()})
    assert params[0] == params[1] == params[2]


def test_activation_parameters_represent_zero_and_both_ends() -> None:
    quant = activation_params(-1.0, 3.0, DType.INT8)
    assert quant.tensor_scale == pytest.approx(4 / 255)
    ends = quantize_values(np.array([-1.0, 0.0, 3.0], np.float32), quant, DType.INT8)
    np.testing.assert_array_equal(ends, [-128, quant.tensor_zero_point, 127])
    assert activation_params(0.5, 2.0, DType.INT8).zero_point == (-128,)
    assert activation_params(-2.0, -0.5, DType.INT8).zero_point == (127,)
    assert activation_params(-2.0, 1.0, DType.INT16) == QuantParams.per_tensor(2.0 / 32767, 0)


def test_an_activation_that_is_always_zero_gets_a_usable_scale() -> None:
    quant = activation_params(0.0, 0.0, DType.INT8)
    assert quant.tensor_scale == np.float32(1 / 255)
    assert quant.zero_point == (-128,)


def test_weights_are_symmetric_per_channel_and_leave_room_for_the_bias() -> None:
    weights = np.array([[1.0, -2.0], [0.0, 0.0], [1e-9, 0.0]], np.float32)
    bias = np.array([0.5, 0.25, 100.0], np.float32)
    params = weight_params(weights, 0, bias, scale=1e-4)
    assert params.axis == 0
    assert params.scale[0] == pytest.approx(2 / 127)
    quantized = quantize_weights(weights, params)
    np.testing.assert_array_equal(quantized[0], [64, -127])
    np.testing.assert_array_equal(quantized[1:], 0)
    values, quant = quantize_bias(bias, params, 1e-4, DType.INT32)
    assert np.abs(values).max() <= 2**29
    np.testing.assert_allclose(dequantize(values, quant), bias, rtol=1e-6)


def test_bias_of_16_bit_activations_has_64_bits() -> None:
    params = weight_params(np.ones((1, 2), np.float32), None, None, 1e-3)
    values, _ = quantize_bias(np.array([2.0], np.float32), params, 1e-3, DType.INT64)
    assert values.dtype == np.int64
    assert values[0] == round(2.0 / (1e-3 * params.scale[0]))


def test_ranges_merge_and_survive_json_exactly() -> None:
    merged = Ranges({"a": (-0.1, 0.3)}).merged(Ranges({"a": (0.0, 1 / 3), "b": (-2.0, -1.0)}))
    assert merged.limits == {"a": (-0.1, 1 / 3), "b": (-2.0, -1.0)}
    assert Ranges.from_json(merged.to_json()) == merged
    assert merged.to_json() == Ranges.from_json(merged.to_json()).to_json()


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "{}",
        '{"format": "toolkit.ranges", "version": 2, "ranges": {}}',
        '{"format": "toolkit.ranges", "version": 1, "ranges": {"a": [1]}}',
        '{"format": "toolkit.ranges", "version": 1, "ranges": {"a": [2, 1]}}',
        '{"format": "toolkit.ranges", "version": 1, "ranges": {"a": [0, NaN]}}',
        '{"format": "toolkit.ranges", "version": 1, "ranges": {"a": ["x", "y"]}}',
        '{"format": "toolkit.ranges", "version": 1, "ranges": [1]}',
    ],
)
def test_damaged_ranges_are_refused_in_one_line(text: str) -> None:
    with pytest.raises(InputError, match=r"^ranges: ") as caught:
        Ranges.from_json(text)
    assert "\n" not in str(caught.value)


def test_ranges_of_another_model_are_refused(tmp_path: Path) -> None:
    graph = float_graph("resnet", tmp_path)
    with pytest.raises(InputError, match="no calibrated range for tensor"):
        convert(graph, Ranges({"x": (-1.0, 1.0)}))


def test_calibration_without_data_or_with_nan_is_refused(tmp_path: Path) -> None:
    graph = float_graph("dense", tmp_path)
    with pytest.raises(InputError, match="at least one"):
        calibrate(graph, [])
    with np.errstate(invalid="ignore"), pytest.raises(InputError, match="'x' is not finite"):
        calibrate(graph, [{"x": np.full((1, 24), np.nan, np.float32)}])


def test_quantisation_is_deterministic(tmp_path: Path) -> None:
    from toolkit.tflite.write import write_tflite

    graph = float_graph("attention", tmp_path)
    files = []
    for _ in range(2):
        ranges = calibrate(graph, [{"x": x} for x in cases(graph, 4)])
        files.append(write_tflite(convert(graph, Ranges.from_json(ranges.to_json()))))
    assert files[0] == files[1]


def test_snr_follows_its_definition() -> None:
    signal = np.array([[0.0, 10.0], [2.0, 12.0]])  # variance 1 about each output's mean
    assert int8_snr_db(signal, signal + 0.1) == pytest.approx(20.0)
    assert int8_snr_db(signal, signal) == math.inf
    assert math.isnan(int8_snr_db(np.ones((3, 2)), np.zeros((3, 2))))


def test_concatenated_branches_share_their_scale_without_requantising(tmp_path: Path) -> None:
    graph = float_graph("layouts", tmp_path)
    ranges = calibrate(graph, [{"x": x} for x in cases(graph, 4)])
    int8 = convert(graph, ranges)
    (join,) = (node for node in int8.nodes if node.op == "concatenation")
    params = {int8.tensors[str(name)].quant for name in (*join.inputs, *join.outputs)}
    assert len(params) == 1
    assert "quantize" not in {node.op for node in int8.nodes}


def test_a_branch_that_others_read_is_requantised_for_a_concatenation(tmp_path: Path) -> None:
    maker = onnx_models.ModelMaker(1, 2, 6, 6)
    a = maker.conv("x", (2, 2), (1, 1))
    b = maker.op("Relu", maker.conv(a, (2, 2), (3, 3), pads=[1, 1, 1, 1]))
    model = maker.model(maker.op("Concat", a, b, axis=1))
    graph = optimize(load_onnx(save(model, tmp_path)))
    ranges = calibrate(graph, [{"x": x} for x in cases(graph, 4)])
    widened = {**ranges.limits, b: (0.0, 50.0)}
    int8 = convert(graph, Ranges(widened))
    assert [node.op for node in int8.nodes].count("quantize") == 1
    own = int8.tensors[a].quant
    assert own is not None
    assert own.tensor_scale < int8.tensors[graph.outputs[0]].scale


def test_ranges_file_of_the_zoo_is_readable_text() -> None:
    zoo = zoo_model("wav2small")
    assert zoo is not None
    document = json.loads(zoo.ranges.read_text(encoding="utf-8"))
    assert document["format"] == "toolkit.ranges"
