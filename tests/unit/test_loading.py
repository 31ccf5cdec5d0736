"""The MODEL argument: zoo names, files, checkpoints; labels and calibration."""

from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np
import onnx
import pytest

from tests.support.cli import image_model, speech_model, write_noise
from tests.support.graphs import activation
from toolkit.errors import InputError
from toolkit.ir import Graph
from toolkit.ir.labels import LABELS_KEY, output_labels
from toolkit.model.int8 import to_int8
from toolkit.model.load import load_source
from toolkit.model.source import demo_clip
from toolkit.model.zoo import zoo_model, zoo_models
from toolkit.ops.execute import run_graph
from toolkit.quantize.recipe import Recipe
from toolkit.resources import data_dir

ZOO = data_dir("models")


@pytest.mark.parametrize("name", zoo_models())
def test_zoo_models_are_complete(name: str) -> None:
    model = zoo_model(name)
    assert model is not None
    for path in (model.onnx, model.ranges, model.onnx.parent / "card.toml"):
        assert path.is_file(), path
    assert demo_clip().is_file()


def test_a_zoo_model_by_name_and_by_file() -> None:
    path = ZOO / "wav2small" / "model.onnx"
    sources = [load_source("wav2small", 0.1), load_source(str(path), 0.1)]
    for source in sources:
        assert source.name == "wav2small"
        assert source.sha256 == hashlib.sha256(path.read_bytes()).hexdigest()
        assert source.ranges is not None
    files = [to_int8(source, Recipe()) for source in sources]
    assert files[0].data == files[1].data
    assert files[0].issues == files[1].issues == ()


def test_a_copy_of_a_zoo_model_is_calibrated_on_one_clip_with_a_note(tmp_path: Path) -> None:
    (tmp_path / "copy.ONNX").write_bytes((ZOO / "wav2small" / "model.onnx").read_bytes())
    source = load_source(str(tmp_path / "copy.ONNX"), 0.1)
    assert (source.name, source.ranges) == ("copy", None)
    int8 = to_int8(source, Recipe())
    assert [issue.code for issue in int8.issues] == ["calibration.fallback"]
    assert int8.data == to_int8(source, Recipe()).data


def test_calibration_of_the_users_own(tmp_path: Path) -> None:
    onnx.save(speech_model(), tmp_path / "m.onnx")
    source = load_source(str(tmp_path / "m.onnx"), 0.1)
    write_noise(tmp_path / "a.wav", 16_000, 1, "PCM_16")
    int8 = to_int8(source, Recipe(), tmp_path)
    assert [issue.code for issue in int8.issues] == ["calibration.data"]
    assert int8.data != to_int8(source, Recipe()).data


def test_a_tflite_passes_unchanged(tmp_path: Path) -> None:
    onnx.save(image_model(), tmp_path / "m.onnx")
    data = to_int8(load_source(str(tmp_path / "m.onnx")), Recipe()).data
    (tmp_path / "m.tflite").write_bytes(data)
    source = load_source(str(tmp_path / "m.tflite"))
    assert source.float_graph is None
    int8 = to_int8(source, Recipe())
    assert (int8.data, int8.issues, int8.quantized) == (data, (), None)
    assert source.sha256 == hashlib.sha256(data).hexdigest()


@pytest.mark.parametrize(("seconds", "rows"), [(0.004, 1), (0.1, 49), (1.0, 499), (3.0, 1499)])
def test_clip_length_sets_the_rows(seconds: float, rows: int) -> None:
    graph = to_int8(load_source("wav2small", seconds), Recipe()).graph
    assert graph.tensors[graph.inputs[0]].elements == 26 * rows


def test_a_clip_shorter_than_a_frame() -> None:
    with pytest.raises(InputError, match=r"a clip of 0\.003 s gives no feature row"):
        load_source("wav2small", 0.003)


def test_a_checkpoint_is_the_network_of_its_onnx() -> None:
    """`.safetensors` with the published names, through torch, against the zoo's ONNX."""
    pytest.importorskip("torch", reason="a checkpoint needs the training extra")
    path = ZOO / "wav2small" / "model.safetensors"
    checkpoint, exported = load_source(str(path), 0.1), load_source("wav2small", 0.1)
    assert checkpoint.sha256 == hashlib.sha256(path.read_bytes()).hexdigest()
    outputs = []
    for source in (checkpoint, exported):
        graph = source.float_graph
        assert graph is not None
        entry = graph.tensors[graph.inputs[0]]
        features = np.random.default_rng(3).normal(-20, 15, entry.shape).astype(np.float32)
        outputs.append(run_graph(graph, {entry.name: features})[graph.outputs[0]])
    assert np.allclose(outputs[0], outputs[1], rtol=0, atol=1e-5)


@pytest.mark.parametrize(
    ("text", "labels"),
    [
        (None, ("output[0]", "output[1]")),
        ('["a", "b"]', ("a", "b")),
        ('["a"]', ("output[0]", "output[1]")),
        ('{"a": 1, "b": 2}', ("output[0]", "output[1]")),
        ("not JSON", ("output[0]", "output[1]")),
        ("[1, null]", ("1", "None")),
    ],
)
def test_output_labels(text: str | None, labels: tuple[str, ...]) -> None:
    metadata = {} if text is None else {LABELS_KEY: text}
    graph = Graph("m", {"y": activation("y", (1, 2), 1.0, 0)}, (), (), ("y",), metadata)
    assert output_labels(graph) == labels
