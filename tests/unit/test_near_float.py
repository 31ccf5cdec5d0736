"""Device outputs against the user's float network: faults that no byte shows, and none where there
is no fault."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import onnx
import pytest

from tests.support import onnx_models
from tests.support.cli import image_model, speech_model, toolkit
from toolkit.compare.near_float import (
    MANY_CASES,
    OutputPair,
    near_float_check,
    near_float_of_clip,
    near_float_on,
    output_pairs,
)
from toolkit.deploy.model import Model, load
from toolkit.ir import Graph
from toolkit.ir.tensor import quantize
from toolkit.measurement import Check
from toolkit.model.audio import load_audio
from toolkit.model.expected import EXPECTED_ERROR_KEY, ExpectedError, read_expected_error
from toolkit.model.reference import run_case
from toolkit.quantize import recipe as recipe_module
from toolkit.tflite.read import read_tflite


def on_clip(model: Model, clip: Path) -> Check:
    """The check of a clip as the integer reference, whose bits the device has, answers it."""
    int8, spec = model.int8, model.int8.spec
    assert spec is not None and int8.expected_error is not None
    heard = load_audio(clip, spec, int8.graph, whole=True)
    graph = model.deploy("cortex-m4").plan.at_rows(heard.rows).graph
    float_graph = int8.float_at(heard.rows)
    entry = graph.tensors[graph.inputs[0]]
    assert float_graph is not None and entry.quant is not None
    integers = quantize(heard.features.reshape(entry.shape), entry.quant, entry.dtype)
    exact, found = run_case(float_graph, [heard.features]), run_case(graph, [integers])
    pairs = output_pairs(graph, [exact], [found])
    return near_float_of_clip(int8, heard.features, pairs, "")


def swapped_rows(graph: Graph) -> Graph:
    """The last dense layer's weights and biases belong to the next output each."""
    node = next(n for n in reversed(graph.nodes) if n.op == "fully_connected")
    tensors = dict(graph.tensors)
    for name in node.inputs[1:]:
        assert name is not None
        tensors[name] = replace(tensors[name], data=np.roll(tensors[name].values, 1, axis=0))
    return replace(graph, tensors=tensors)


def plant(patch: pytest.MonkeyPatch) -> None:
    convert = recipe_module.convert
    patch.setattr(recipe_module, "convert", lambda *a, **k: swapped_rows(convert(*a, **k)))


def test_the_zoo_is_as_near_as_expected(data_dir: Path) -> None:
    model = load("wav2small").quantize()
    for corpus in ("emodb", "emotale", "nemo"):
        clips = sorted((data_dir / corpus / "audio").iterdir())
        for clip in clips[11:12]:
            check = on_clip(model, clip)
            assert check.passed, (clip, check)


def test_swapped_rows_fail_although_every_byte_matches(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "m.onnx").write_bytes(speech_model().SerializeToString())
    command = ("build", "m.onnx", "--target", "cortex-m4", "--json")
    run = toolkit(*command, "--out", "right", cwd=tmp_path)
    found = {check["name"]: check for check in run.json["checks"]}
    assert run.exit_code == 0 and found["device_near_float"]["passed"], found
    plant(monkeypatch)
    run = toolkit(*command, "--out", "wrong", cwd=tmp_path)
    found = {check["name"]: check for check in run.json["checks"]}
    assert found["bit_match"]["passed"] and found["import_match"]["passed"]
    assert not found["device_near_float"]["passed"] and found["device_near_float"]["required"]
    assert run.exit_code == 1


@pytest.mark.parametrize(
    "make", [image_model, onnx_models.ds_cnn, onnx_models.resnet, onnx_models.dense]
)
def test_networks_of_arrays(make: object, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert callable(make)
    model: onnx.ModelProto = make()
    (tmp_path / "m.onnx").write_bytes(model.SerializeToString())
    right = load(tmp_path / "m.onnx").quantize().int8
    assert right.expected_error is not None
    assert near_float_on(right, right.expected_error).passed
    plant(monkeypatch)
    wrong = load(tmp_path / "m.onnx").quantize().int8
    assert wrong.expected_error is not None
    assert near_float_on(wrong, wrong.expected_error).failed


def test_many_rows_are_judged_together() -> None:
    generator = np.random.default_rng(0)
    exact = generator.standard_normal((MANY_CASES, 4))
    expected = ExpectedError(8, (0.01,), 40.0)

    def judged(noise: float, rows: int = MANY_CASES) -> bool | None:
        off = exact + noise * generator.standard_normal(exact.shape)
        pair = OutputPair("y", exact[:rows], off[:rows], 0.001)
        return near_float_check([pair], expected, "").passed

    assert judged(0.01) and not judged(0.02)
    assert judged(0.01, MANY_CASES - 1) and not judged(0.03, MANY_CASES - 1)


def test_a_clip_unlike_the_calibration_only_informs(tmp_path: Path, data_dir: Path) -> None:
    """Silence in front of the microphone is far from speech to a network without level."""
    (tmp_path / "m.onnx").write_bytes(speech_model().SerializeToString())
    model = load(tmp_path / "m.onnx").quantize()
    batches = [{n: 0.05 * v for n, v in b.items()} for b in model.int8.quantized.batches]  # type: ignore[union-attr]
    np.save(tmp_path / "quiet.npy", np.stack([b["x"].reshape(1, -1, 26) for b in batches]))
    quiet = load(tmp_path / "m.onnx").quantize(tmp_path / "quiet.npy")
    clip = sorted((data_dir / "emodb" / "audio").iterdir())[0]
    check = on_clip(quiet, clip)
    assert check.failed and not check.required
    assert "calibrate on its like" in check.detail


def test_the_expected_error_travels_in_the_file(tmp_path: Path) -> None:
    (tmp_path / "m.onnx").write_bytes(image_model().SerializeToString())
    int8 = load(tmp_path / "m.onnx").quantize().int8
    assert toolkit("convert", "m.onnx", "-o", "m.tflite", cwd=tmp_path).exit_code == 0
    written = (tmp_path / "m.tflite").read_bytes()
    assert written == int8.file
    assert read_expected_error(read_tflite(written, "m").metadata) == int8.expected_error
    run = toolkit("build", "m.tflite", "--target", "cortex-m4", "--json", cwd=tmp_path)
    found = {check["name"]: check for check in run.json["checks"]}
    assert run.exit_code == 0 and "import_match" not in found
    assert found["device_near_float"]["passed"] is None
    assert found["device_near_float"]["detail"].startswith("not checked: ")


@pytest.mark.parametrize(
    "text",
    ["", "7", "{}", '{"cases": 1, "rms": ["a"], "snr_db": 1}', "[" * 5000]
    + [json.dumps({"cases": 1, "rms": [value], "snr_db": None}) for value in (-1, 1e400)],
)
def test_a_damaged_expected_error_is_none(text: str) -> None:
    assert read_expected_error({EXPECTED_ERROR_KEY: text}) is None
