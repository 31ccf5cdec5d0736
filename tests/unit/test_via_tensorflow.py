"""`toolkit convert --via tensorflow`: TensorFlow's conversion beside ours, and in its place where
ours refuses; what is said where it is not there."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from functools import cache
from pathlib import Path

import numpy as np
import onnx
import pytest

from tests.support import onnx_models
from tests.support.cli import toolkit
from tests.support.onnx_models import ModelMaker, save
from toolkit.compare.outside import Job, ask
from toolkit.compare.via_tensorflow import PYTHON
from toolkit.tflite.oracle import run_litert_reference
from toolkit.tflite.read import load_tflite


@cache
def has_tensorflow() -> bool:
    python = os.environ.get(PYTHON) or sys.executable
    command = [python, "-c", "import onnx2tf, tensorflow"]
    return subprocess.run(command, capture_output=True, check=False).returncode == 0


@pytest.fixture
def tensorflow() -> None:
    if not has_tensorflow():
        pytest.skip(f"no TensorFlow with onnx2tf, here or by ${PYTHON}")


def several() -> onnx.ModelProto:
    """Two inputs and three outputs, one of them an image."""
    maker = ModelMaker(1, 3, 8, 10)
    maker.input("u", 1, 6)
    image = maker.op("Relu", maker.conv("x", (3, 4), (3, 3)))
    logits = maker.dense("u", 6, 5)
    return maker.model([maker.op("Softmax", logits), image, logits])


def one_dimension() -> onnx.ModelProto:
    """Of whose convolutions onnx2tf leaves no signature to the file."""
    return onnx_models.conv_1d()


def wide() -> onnx.ModelProto:
    """Interpolates 598 rows, which our importer does by a matrix and refuses."""
    maker = ModelMaker(1, 2, 600, 4)
    y = maker.op("Relu", maker.conv("x", (2, 3), (3, 3)))
    sizes = maker.constant(np.array([1, 1, 2, 2], np.float32))
    y = maker.op(
        "Relu", maker.conv(maker.op("Resize", y, "", sizes, mode="linear"), (3, 4), (3, 3))
    )
    return maker.model(maker.op("Flatten", maker.op("GlobalAveragePool", y)))


def figures(run) -> dict[str, float]:  # type: ignore[no-untyped-def]
    return {m["name"]: m["value"] for m in run.json["measurements"]}


@pytest.mark.exhaustive
@pytest.mark.parametrize("make", [several, one_dimension])
def test_both_are_measured_on_the_same_data(
    make: Callable[[], onnx.ModelProto], tensorflow: None, tmp_path: Path
) -> None:
    path = save(make(), tmp_path)
    before = path.read_bytes()
    command = ("convert", path.name, "-o", "m.tflite", "--via", "tensorflow", "--json")
    run = toolkit(*command, cwd=tmp_path)
    found = figures(run)
    assert run.exit_code == 0 and path.read_bytes() == before
    assert abs(found["own_snr_db"] - found["tensorflow_snr_db"]) < 6 < found["own_snr_db"]
    (theirs,) = (m for m in run.json["measurements"] if m["name"] == "tensorflow_snr_db")
    assert "by onnx2tf" in theirs["basis"]


@pytest.mark.exhaustive
def test_attention_pooling_is_what_ours_is_for(tensorflow: None, tmp_path: Path) -> None:
    run = toolkit(
        "convert", "wav2small", "-o", "m.tflite", "--via", "tensorflow", "--json", cwd=tmp_path
    )
    found = figures(run)
    assert run.exit_code == 0 and found["own_snr_db"] > 20 > found["tensorflow_snr_db"]


@pytest.mark.exhaustive
def test_what_ours_refuses_is_taken_from_theirs(tensorflow: None, tmp_path: Path) -> None:
    path = save(wide(), tmp_path)
    command = ("convert", path.name, "-o", "m.tflite", "--json")
    assert toolkit(*command, cwd=tmp_path).exit_code == 2
    run = toolkit(*command, "--via", "tensorflow", cwd=tmp_path)
    assert run.exit_code == 0
    (note,) = (i["message"] for i in run.json["issues"] if i["code"] == "via.tensorflow")
    assert "an axis of 598 values, where 512 are the most" in note
    graph = load_tflite(tmp_path / "m.tflite")
    assert (graph.inputs, graph.outputs) == (("x",), tuple(wide().graph.output[0].name.split()))
    x = np.random.default_rng(1).standard_normal((4, 1, 2, 600, 4)).astype(np.float32)
    want = ask(path.read_bytes(), [Job({"x": x})]).values[0].arrays[graph.outputs[0]]
    entry, end = graph.tensors["x"], graph.tensors[graph.outputs[0]]
    steps = np.clip(np.round(x / entry.scale) + entry.zero_point, -128, 127).astype(np.int8)
    (made,) = run_litert_reference((tmp_path / "m.tflite").read_bytes(), [steps])
    real = (made.astype(np.float32) - end.zero_point) * end.scale
    assert np.abs(real.reshape(want.shape) - want).max() < 4 * end.scale


def test_without_it_the_way_to_it_is_said(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    python = tmp_path / "python"
    python.write_text(f'#!/bin/sh\nexec "{sys.executable}" -S "$@"\n')
    python.chmod(0o755)
    save(several(), tmp_path)
    command = ("convert", "model.onnx", "-o", "m.tflite", "--via", "tensorflow")
    monkeypatch.setenv(PYTHON, str(python))
    run = toolkit(*command, cwd=tmp_path)
    assert run.exit_code == 3 and "has no module 'numpy'" in run.stderr
    assert "[tensorflow]" in " ".join(run.stderr.split()) and PYTHON in run.stderr
    assert not (tmp_path / "m.tflite").exists()
    monkeypatch.setenv(PYTHON, str(tmp_path / "none"))
    run = toolkit(*command, cwd=tmp_path)
    assert run.exit_code == 3 and "does not run: No such file" in run.stderr
