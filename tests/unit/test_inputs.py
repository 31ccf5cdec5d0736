"""Arrays become cases in the model's layout, or are refused."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import onnx
import pytest
import soundfile

from tests.support.cli import refused, speech_model, toolkit, write_noise
from tests.support.onnx_models import ModelMaker
from toolkit.errors import InputError, ModelError
from toolkit.features.spec import WAV2SMALL_RUNNING
from toolkit.ir import DType, QuantParams, Tensor
from toolkit.ir.graph import Graph
from toolkit.ir.tensor import Array, dequantize
from toolkit.model.cases import model_cases
from toolkit.model.inputs import (
    as_cases,
    audio_files,
    float_cases,
    quantized_cases,
    random_cases,
    window_cases,
)
from toolkit.model.load import load_source
from toolkit.ops.execute import run_graph
from toolkit.passes.absorb_layout import INPUT_AXES_KEY, input_axes
from toolkit.tflite.read import load_tflite


@pytest.mark.parametrize(
    ("found", "wanted"),
    [
        ((5, 6, 9, 2), (1, 6, 9, 2)),
        ((5, 1, 6, 9, 2), (1, 6, 9, 2)),
        ((5, 108), (1, 6, 9, 2)),
        ((5, 6, 9, 2), (1, 108)),
        ((5, 49, 10), (1, 49, 10, 1)),
        ((5,), (1, 1)),
    ],
)
def test_a_case_may_be_flat_or_lack_axes_of_size_one(
    found: tuple[int, ...], wanted: tuple[int, ...]
) -> None:
    array = np.arange(np.prod(found)).reshape(found)
    cases = as_cases(array, wanted, "x")
    assert cases.shape == (5, *wanted)
    assert cases.ravel().tolist() == array.ravel().tolist()


@pytest.mark.parametrize(
    "found", [(), (0, 6, 9, 2), (5, 2, 6, 9), (5, 9, 6, 2), (5, 54, 2), (6, 9, 2), (540,), (5, 109)]
)
def test_any_other_shape_is_refused(found: tuple[int, ...]) -> None:
    with pytest.raises(InputError, match=r"x: each case must have the shape \[1, 6, 9, 2\]"):
        as_cases(np.zeros(found), (1, 6, 9, 2), "x")


ENTRY = Tensor("x", (1, 2, 2), DType.INT8, QuantParams((0.5,), (3,)))


def test_integers_pass_and_floats_are_quantised() -> None:
    integers = np.array([[[-128, 127], [0, 1]]], np.int8)
    assert quantized_cases(integers, ENTRY, "x").ravel().tolist() == [-128, 127, 0, 1]
    floats = np.array([[[0.0, 0.5], [-1.0, 1e6]]])
    assert quantized_cases(floats, ENTRY, "x").ravel().tolist() == [3, 4, 1, 127]
    with pytest.raises(InputError, match="must be int8 or floating point; found int64"):
        quantized_cases(integers.astype(np.int64), ENTRY, "x")


def test_random_cases_cover_the_range_and_are_the_same_each_time() -> None:
    cases = random_cases(ENTRY, 2000)
    assert (cases.min(), cases.max(), cases.dtype) == (-128, 127, np.int8)
    assert np.array_equal(cases, random_cases(ENTRY, 2000))
    assert not np.array_equal(cases, random_cases(ENTRY, 2000, seed=1))


def test_a_folder_of_audio_by_name(tmp_path: Path) -> None:
    spec = WAV2SMALL_RUNNING
    entry = Tensor("x", (1, 49, 26, 1), DType.FLOAT32)
    write_noise(tmp_path / "b.wav", 16_000, 1, "PCM_16")
    write_noise(tmp_path / "a.flac", 8_000, 2, "PCM_16")
    (tmp_path / "notes.txt").write_text("not audio")
    cases = float_cases(tmp_path, entry, spec)
    assert cases.shape == (2, 1, 49, 26, 1)
    alone = tmp_path / "alone"
    alone.mkdir()
    write_noise(alone / "b.wav", 16_000, 1, "PCM_16")
    assert np.array_equal(float_cases(alone, entry, spec)[0], cases[1])
    with pytest.raises(InputError, match="needs a feature specification"):
        float_cases(tmp_path, entry, None)


# --- layout: a model exported with channels first, an integer graph with channels last ------------
SHAPE = (1, 2, 6, 9)
FLOATS = np.random.default_rng(0).standard_normal((3, *SHAPE[1:])).astype(np.float32)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("layout")
    m = ModelMaker(*SHAPE)
    x = m.op("Relu", m.conv("x", (2, 4), (3, 3), pads=[1, 1, 1, 1]))
    onnx.save(m.model(m.dense(m.op("Flatten", x, axis=1), 4 * 54, 3)), path / "m.onnx")
    np.save(path / "x.npy", FLOATS)
    options = ("-o", "m.tflite", "--calib", "x.npy", "--test", "x.npy", "--json")
    run = toolkit("convert", "m.onnx", *options, cwd=path)
    (snr,) = [m["value"] for m in run.json["measurements"] if m["name"] == "int8_snr_db"]
    assert snr > 20
    return path


def channels_last(graph: Graph) -> Array:
    entry = graph.tensors[graph.inputs[0]]
    return quantized_cases(FLOATS.transpose(0, 2, 3, 1), entry, "x")


def test_floats_come_in_the_layout_of_the_exported_model(folder: Path) -> None:
    import onnxruntime

    graph = load_tflite(folder / "m.tflite")
    outputs = [
        run_graph(graph, {graph.inputs[0]: c})[graph.outputs[0]] for c in channels_last(graph)
    ]
    session = onnxruntime.InferenceSession(folder / "m.onnx")
    expected = np.stack([session.run(None, {"x": case[None]})[0] for case in FLOATS])
    quant = graph.tensors[graph.outputs[0]].quant
    assert quant is not None
    assert np.abs(dequantize(np.stack(outputs), quant) - expected).max() < 0.2
    np.save(folder / "y.npy", np.stack(outputs))
    np.save(folder / "integers.npy", channels_last(graph))
    for inputs in ("x.npy", "integers.npy"):
        arrays = ("--inputs", inputs, "--expected", "y.npy", "--simulator", "host")
        run = toolkit("verify", "m.tflite", "--target", "cortex-m4", *arrays, cwd=folder)
        assert (run.exit_code, run.stderr) == (0, ""), inputs


def test_another_layout_of_the_same_size_is_refused(folder: Path) -> None:
    np.save(folder / "last.npy", FLOATS.transpose(0, 2, 3, 1))
    run = toolkit("verify", "m.tflite", "--target", "cortex-m4", "--inputs", "last.npy", cwd=folder)
    assert "the shape [1, 2, 6, 9], 108 values; found shape [3, 6, 9, 2]" in refused(run)


def test_float_and_integer_graph_take_the_same_array(folder: Path) -> None:
    source = load_source(str(folder / "m.onnx"))
    assert source.float_graph is not None
    cases = model_cases(folder / "x.npy", source.float_graph)
    (values,) = cases.values.values()
    assert np.array_equal(values[:, 0], FLOATS.transpose(0, 2, 3, 1))


@pytest.mark.parametrize(
    "text",
    [
        "{",
        "[" * 100_000,
        "[]x",
        "3",
        '{"x": 3}',
        '{"x": [0, 1, 2]}',
        '{"x": [0, 1, 2, 2]}',
        '{"x": ["a", 1, 2, 3]}',
        '{"y": [0, 1, 2, 3]}',
    ],
)
def test_hostile_axes_in_the_metadata(tmp_path: Path, text: str) -> None:
    entry = Tensor("x", SHAPE, DType.INT8, QuantParams((0.5,), (3,)))
    graph = Graph("m", {"x": entry}, (), ("x",), ("x",), {INPUT_AXES_KEY: text})
    with pytest.raises(ModelError, match=r"'toolkit\.input_axes' is damaged"):
        input_axes(graph)
    model = speech_model()
    model.metadata_props.add(key=INPUT_AXES_KEY, value=text)
    onnx.save(model, tmp_path / "m.onnx")
    assert "is damaged" in refused(toolkit("profile", "m.onnx", cwd=tmp_path))


def test_folders_in_a_folder_are_heard_and_hidden_files_are_noted(tmp_path: Path) -> None:
    clip = np.tile(np.array([0.3, -0.3]), 8000)
    (tmp_path / "speakers" / "b").mkdir(parents=True)
    (tmp_path / ".trash").mkdir()
    names = ("z.wav", "speakers/a.aiff", "speakers/b/a.FLAC", ".trash/a.wav", "speakers/._a.wav")
    for name in names:
        soundfile.write(tmp_path / name, clip, 16_000)
    found = [str(path.relative_to(tmp_path)) for path in audio_files(tmp_path)]
    assert found == ["speakers/a.aiff", "speakers/b/a.FLAC", "z.wav"]
    spec = replace(WAV2SMALL_RUNNING, frame_samples=400, hop_samples=160)
    tensor = Tensor("x", (1, 98, 26), DType.FLOAT32)
    cases = window_cases(tmp_path, tensor, spec)
    assert len(cases.values) == 3
    assert cases.notes[-1] == f"{tmp_path.name}: 2 hidden skipped, 'a.wav' first"
