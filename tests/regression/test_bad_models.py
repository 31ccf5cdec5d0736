"""Models that cannot be used: one clear line, exit code 2, nothing left on disk."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import numpy_helper

from tests.support.cli import image_model, refused, speech_model, toolkit, tree
from tests.support.onnx_models import ModelMaker
from tests.support.tflite_maker import TfliteMaker
from toolkit.features.spec import WAV2SMALL_RUNNING
from toolkit.resources import data_dir

SPEC = WAV2SMALL_RUNNING.to_json()


def build_refused(folder: Path, model: str | Path, *options: str) -> str:
    """The line that refuses to build ``model``; the folder must stay as it is."""
    before = tree(folder)
    out = folder / "new" / "firmware"
    run = toolkit("build", model, "--target", "cortex-m4", "--out", out, *options, cwd=folder)
    assert tree(folder) == before
    return refused(run)


@pytest.mark.parametrize("length", [0, 1, 7, 100, 0.5, 0.999, -1])
def test_truncated_onnx(tmp_path: Path, length: float) -> None:
    data = (data_dir("models") / "wav2small" / "model.onnx").read_bytes()
    size = int(length * len(data)) if 0 < length < 1 else int(length)
    (tmp_path / "cut.onnx").write_bytes(data[:size])
    assert "cut.onnx" in build_refused(tmp_path, "cut.onnx")


@pytest.mark.parametrize("content", [b"hello\n" * 100, bytes(range(256)) * 20, b"\x08\xff" * 50])
@pytest.mark.parametrize("suffix", ["onnx", "tflite", "safetensors"])
def test_garbage(tmp_path: Path, content: bytes, suffix: str) -> None:
    (tmp_path / f"junk.{suffix}").write_bytes(content)
    assert "junk.on" in build_refused(tmp_path, f"junk.{suffix}") or suffix != "onnx"


@pytest.mark.parametrize("share", [0.01, 0.3, 0.9, 0.999])
def test_truncated_tflite(tmp_path: Path, models_dir: Path, share: float) -> None:
    data = (models_dir / "mlperf_tiny_kws_int8.tflite").read_bytes()
    (tmp_path / "cut.tflite").write_bytes(data[: int(share * len(data))])
    assert "cut" in build_refused(tmp_path, "cut.tflite")


def test_partly_quantised_tflite_is_refused_with_the_remedy(tmp_path: Path) -> None:
    maker = TfliteMaker()
    main = maker.main
    x, real, out = main.tensor([1, 4]), main.tensor([1, 4], "float32"), main.tensor([1, 4])
    main.op("DEQUANTIZE", [x], [real])
    half = main.tensor([1, 4], "float32")
    main.op("LOGISTIC", [real], [half])
    main.op("QUANTIZE", [half], [out])
    (tmp_path / "m.tflite").write_bytes(maker.data([x], [out]))
    line = build_refused(tmp_path, "m.tflite")
    assert "only partly quantised" in line and "toolkit convert" in line


def test_missing_operators_are_named_with_their_nodes(tmp_path: Path) -> None:
    m = ModelMaker(1, 1, 8, 8)
    x = m.op("Hardmax", m.op("Det", m.op("Relu", "x")))
    onnx.save(m.model(x), tmp_path / "m.onnx")
    line = build_refused(tmp_path, "m.onnx")
    assert "Det (node 'Det_1')" in line and "Hardmax (node 'Hardmax_2')" in line


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_weights_that_are_no_numbers(tmp_path: Path, value: float) -> None:
    model = image_model()
    weights = numpy_helper.to_array(model.graph.initializer[0]).copy()
    weights.flat[5] = value
    model.graph.initializer[0].CopyFrom(numpy_helper.from_array(weights, "w0"))
    onnx.save(model, tmp_path / "m.onnx")
    line = build_refused(tmp_path, "m.onnx")
    assert "'w0' has 1 of 36 values NaN or infinite" in line


def test_weights_that_overflow_float(tmp_path: Path) -> None:
    model = image_model()
    weights = np.full((4, 1, 3, 3), 3e38, np.float32)
    model.graph.initializer[0].CopyFrom(numpy_helper.from_array(weights, "w0"))
    onnx.save(model, tmp_path / "m.onnx")
    assert "finite" in build_refused(tmp_path, "m.onnx")


def _tampered(**changes: object) -> str:
    import json

    return json.dumps({**json.loads(SPEC), **changes})


SPECS: dict[str, Callable[[], str]] = {
    "not JSON": lambda: "{'sample_rate_hz': 16000}",
    "empty": lambda: "",
    "null": lambda: "null",
    "list": lambda: "[1, 2]",
    "nothing in it": lambda: "{}",
    "nested": lambda: "[" * 100_000,
    "unknown key": lambda: _tampered(__class__="os.system"),
    "code": lambda: _tampered(window='*/ system("rm -rf /") /*'),
    "infinity": lambda: _tampered(f_max_hz=float("inf")),
    "huge integer": lambda: _tampered(floor=10**400),
    "zero hop": lambda: _tampered(hop_samples=0),
    "type": lambda: _tampered(frame_samples=[64]),
    "level": lambda: _tampered(level="loud"),
    "level keys": lambda: _tampered(level={"mode": {"a": 1}}),
    "bands": lambda: _tampered(n_mels=27),
}


@pytest.mark.parametrize("name", SPECS)
def test_hostile_feature_specification(tmp_path: Path, name: str) -> None:
    onnx.save(speech_model(SPECS[name]()), tmp_path / "m.onnx")
    line = build_refused(tmp_path, "m.onnx", "--seconds", "0.1")
    assert len(line) < 1000


@pytest.mark.parametrize("seconds", ["0", "-1", "nan", "inf", "-inf", "1e9", "1e-9", "61"])
def test_clip_length_out_of_range(tmp_path: Path, seconds: str) -> None:
    assert build_refused(tmp_path, "wav2small", f"--seconds={seconds}")


def test_a_clip_beyond_the_boards_memory(tmp_path: Path) -> None:
    line = build_refused(tmp_path, "wav2small", "--seconds", "60", "--schedule", "batch")
    assert "does not fit the simulated board's memory" in line


def test_unknown_zoo_name(tmp_path: Path) -> None:
    assert "Did you mean 'wav2small'?" in build_refused(tmp_path, "wav2smal")


@pytest.mark.parametrize("name", ["absent.onnx", "absent.tflite", "no/where.safetensors", ""])
def test_missing_file(tmp_path: Path, name: str) -> None:
    assert name in build_refused(tmp_path, name)


@pytest.mark.parametrize("name", ["folder.onnx", "folder"])
def test_directory_instead_of_a_file(tmp_path: Path, name: str) -> None:
    (tmp_path / name).mkdir()
    assert name in build_refused(tmp_path, name)


def test_links_in_a_circle_and_names_too_long(tmp_path: Path) -> None:
    (tmp_path / "a.onnx").symlink_to("a.onnx")
    assert "a.onnx" in build_refused(tmp_path, "a.onnx")
    assert "File name too long" in build_refused(tmp_path, f"{'a' * 300}.onnx")


def test_a_device_instead_of_a_file(tmp_path: Path) -> None:
    (tmp_path / "null.onnx").symlink_to(os.devnull)
    assert "null.onnx" in build_refused(tmp_path, "null.onnx")


@pytest.mark.parametrize("verb", ["convert", "profile", "verify"])
def test_other_verbs_refuse_alike(tmp_path: Path, verb: str) -> None:
    (tmp_path / "junk.onnx").write_bytes(b"junk")
    options = {
        "convert": ["-o", "new.tflite"],
        "profile": ["--json"],
        "verify": ["--target", "cortex-m4", "--json"],
    }[verb]
    run = toolkit(verb, "junk.onnx", *options, cwd=tmp_path)
    assert "junk.onnx" in refused(run)
    assert list(tree(tmp_path)) == ["junk.onnx"]
