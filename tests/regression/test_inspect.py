"""`toolkit inspect`, the metadata of a ``.tflite``, and float ends taken off."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import flatbuffers
import numpy as np
import onnx
import pytest
from ai_edge_litert import schema_py_generated as schema

import toolkit as package
from tests.support.cli import Run, image_model, refused, speech_model, toolkit, write_noise
from tests.support.oracle import run_litert_reference, run_numpy
from toolkit.features.spec import WAV2SMALL_RUNNING
from toolkit.ir.tensor import dequantize, quantize
from toolkit.tflite.read import read_tflite

LABELS = ["left", "right", "none"]
EnumT = schema.TensorType


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("inspect")
    onnx.save(speech_model(labels=json.dumps(LABELS)), path / "speech.onnx")
    onnx.save(image_model(), path / "image.onnx")
    for name in ("speech", "image"):
        run = toolkit("convert", f"{name}.onnx", "-o", f"{name}.tflite", cwd=path)
        assert run.exit_code == 0, run
    return path


def inspected(model: str, folder: Path) -> Any:
    run = toolkit("inspect", model, "--json", cwd=folder)
    assert run.exit_code == 0, run
    return run.json


def sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def test_an_int8_file_says_what_it_is_and_what_it_came_from(folder: Path) -> None:
    found = inspected("speech.tflite", folder)
    assert found["model"] == {"name": "speech", "sha256": sha256(folder / "speech.tflite")}
    assert found["format"] == "int8 TFLite"
    assert found["labels"] == LABELS
    assert found["feature_spec"] == json.loads(WAV2SMALL_RUNNING.to_json())
    origin = found["origin"]
    assert origin["source_sha256"] == sha256(folder / "speech.onnx")
    assert origin["toolkit_version"] == package.__version__
    assert origin["calibration"] == "made-up input"
    assert origin["cases"] > 0 and len(origin["cases_sha256"]) == 64
    assert origin["recipe"]["attention"] == "fused"
    assert origin["recipe"]["calibration"] == "minmax"
    (entry,) = found["inputs"]
    assert (entry["dtype"], len(entry["scale"]), entry["axis"]) == ("int8", 1, None)


def test_the_nodes_are_those_of_the_graph(folder: Path) -> None:
    graph = read_tflite((folder / "image.tflite").read_bytes(), "image")
    nodes = inspected("image.tflite", folder)["nodes"]
    assert [n["op"] for n in nodes] == [n.op for n in graph.nodes]
    first = nodes[0]
    assert first["op"] == "conv_2d" and first["macs"] == 8 * 8 * 4 * 9
    assert [len(w["scale"]) for w in first["weights"]] == [4, 4]
    assert first["output"]["shape"] == [1, 8, 8, 4]


def test_a_float_model_and_the_zoo(folder: Path) -> None:
    found = inspected("speech.onnx", folder)
    assert (found["format"], found["origin"]) == ("float ONNX", None)
    assert found["inputs"][0]["dtype"] == "float32"
    assert inspected("wav2small", folder)["labels"] == ["arousal", "dominance", "valence"]


def test_data_of_the_users_leaves_its_hash(folder: Path) -> None:
    (folder / "audio").mkdir()
    write_noise(folder / "audio" / "a.wav", 16_000, 1, "PCM_16")
    for name in ("once", "again"):
        options = ("-o", f"{name}.tflite", "--calib", "audio")
        assert toolkit("convert", "speech.onnx", *options, cwd=folder).exit_code == 0
    assert (folder / "once.tflite").read_bytes() == (folder / "again.tflite").read_bytes()
    origin = inspected("once.tflite", folder)["origin"]
    assert (origin["calibration"], origin["cases"]) == ("recordings or arrays of the user's", 1)
    assert origin["cases_sha256"] != inspected("speech.tflite", folder)["origin"]["cases_sha256"]


def test_the_table_has_the_graph_and_the_metadata(folder: Path) -> None:
    run = toolkit("inspect", "speech.tflite", cwd=folder)
    text = " ".join(run.stdout.split())
    for word in (
        "left, right, none",
        "26 mel bands",
        "source sha256:",
        "conv_2d",
        "MACs",
        "×26×4 int8",
    ):
        assert word in text
    assert max(len(line) for line in run.stdout.splitlines()) <= 80


def test_what_cannot_be_read_is_refused(folder: Path) -> None:
    assert "unknown model" in refused(toolkit("inspect", "none", cwd=folder))
    (folder / "bad.tflite").write_bytes(b"\0" * 64)
    assert "not a .tflite" in refused(toolkit("inspect", "bad.tflite", cwd=folder))


@pytest.mark.parametrize("text", ["[]", "{", "3", '"x"', "[" * 100_000])
def test_an_origin_that_makes_no_sense_is_none(text: str, folder: Path) -> None:
    model = speech_model(labels=json.dumps(LABELS))
    model.metadata_props.add(key="toolkit.origin", value=text)
    onnx.save(model, folder / "odd.onnx")
    assert inspected("odd.onnx", folder)["origin"] is None


# --- float and uint8 ends -----------------------------------------------------------------------
def with_ends(data: bytes, kind: int, shared: bool = False) -> bytes:
    """The model with QUANTIZE behind its input and DEQUANTIZE (QUANTIZE) before its output."""
    model = schema.ModelT.InitFromPackedBuf(data, 0)
    (graph,) = model.subgraphs
    for name in ("QUANTIZE", "DEQUANTIZE"):
        code = getattr(schema.BuiltinOperator, name)
        model.operatorCodes.append(
            schema.OperatorCodeT(builtinCode=code, deprecatedBuiltinCode=code, version=1)
        )
    quantize_code, dequantize_code = len(model.operatorCodes) - 2, len(model.operatorCodes) - 1

    def outer(inner: int, name: bytes) -> int:
        have = graph.tensors[inner]
        quant = None
        if kind == EnumT.UINT8:
            quant = schema.QuantizationParametersT(
                scale=have.quantization.scale,
                zeroPoint=np.asarray(have.quantization.zeroPoint) + 128,
            )
        graph.tensors.append(
            schema.TensorT(
                name=name, shape=have.shape, type=kind, buffer=0, quantization=quant, hasRank=True
            )
        )
        return len(graph.tensors) - 1

    first, last = int(graph.inputs[0]), int(graph.outputs[0])
    entry, result = outer(first, b"samples"), outer(last, b"scores")
    back = quantize_code if kind == EnumT.UINT8 else dequantize_code
    head = schema.OperatorT(opcodeIndex=quantize_code, inputs=[entry], outputs=[first])
    tail = schema.OperatorT(opcodeIndex=back, inputs=[last], outputs=[result])
    graph.operators = [head, *graph.operators, tail]
    graph.inputs, graph.outputs = [entry], [result, last] if shared else [result]
    builder = flatbuffers.Builder(1 << 12)
    builder.Finish(model.Pack(builder), file_identifier=b"TFL3")
    return bytes(builder.Output())


@pytest.mark.parametrize("kind", [EnumT.FLOAT32, EnumT.UINT8])
def test_ends_are_taken_off_with_a_note(kind: int, folder: Path) -> None:
    data = with_ends((folder / "image.tflite").read_bytes(), kind)
    (folder / "ends.tflite").write_bytes(data)
    found = inspected("ends.tflite", folder)
    assert [t["name"] for t in (*found["inputs"], *found["outputs"])] == ["samples", "scores"]
    assert {t["dtype"] for t in (*found["inputs"], *found["outputs"])} == {"int8"}
    assert found["notes"] == [
        "int8 instead of float or uint8 at 'samples', 'scores': the device converts none"
    ]
    assert found["model"]["sha256"] == hashlib.sha256(data).hexdigest()
    inner = read_tflite((folder / "image.tflite").read_bytes(), "image")
    assert [n["op"] for n in found["nodes"]] == [n.op for n in inner.nodes]


def test_the_network_between_float_ends_is_the_same(folder: Path) -> None:
    """LiteRT runs the whole file, conversions included; numpy the int8 graph between them."""
    data = with_ends((folder / "image.tflite").read_bytes(), EnumT.FLOAT32)
    graph = read_tflite(data, "ends")
    entry, result = graph.tensors[graph.inputs[0]], graph.tensors[graph.outputs[0]]
    x = np.random.default_rng(0).standard_normal((5, *entry.shape)).astype(np.float32)
    (want,) = run_litert_reference(data, [x])
    assert entry.quant is not None and result.quant is not None
    (got,) = run_numpy(graph, [quantize(x, entry.quant, entry.dtype)])
    np.testing.assert_array_equal(dequantize(got, result.quant).reshape(want.shape), want)


def test_a_model_with_float_ends_builds(folder: Path) -> None:
    data = with_ends((folder / "image.tflite").read_bytes(), EnumT.FLOAT32)
    (folder / "ends.tflite").write_bytes(data)
    options = ("--target", "cortex-m4", "--out", "built", "--json")
    run: Run = toolkit("build", "ends.tflite", *options, cwd=folder)
    assert run.exit_code == 0, run
    assert "model.int8_ends" in [issue["code"] for issue in run.json["issues"]]
    assert not any(c["passed"] is False for c in run.json["checks"] if c["required"])


def test_an_end_that_others_read_stays_and_is_refused(folder: Path) -> None:
    data = with_ends((folder / "image.tflite").read_bytes(), EnumT.FLOAT32, shared=True)
    (folder / "shared.tflite").write_bytes(data)
    assert "DEQUANTIZE" in refused(toolkit("inspect", "shared.tflite", cwd=folder))
