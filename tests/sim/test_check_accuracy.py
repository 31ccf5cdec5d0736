"""`toolkit check` measures accuracy itself: a coarser quantisation fails the budget with the layer
in its line, without it the budget holds; data that cannot be used are one line."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
import soundfile

from tests.support.cli import Run, speech_model, toolkit
from tests.support.gates import problem
from tests.support.onnx_models import ModelMaker, onnxruntime_output
from toolkit.features.audio import fit_clip, load_clip
from toolkit.features.extract import extract
from toolkit.features.spec import WAV2SMALL_RUNNING

NAMES = ("calm", "loud", "high")
RATE_HZ = 16_000
LAYERS = ("t1", "t3", "t5")


def deep_model(uneven: int | None = None) -> onnx.ModelProto:
    """Three convolutions, a pool and a dense layer on 1 x 1 x 8 x 8.

    The first channel of each convolution is not used.  With ``uneven`` that of one convolution is
    250 times larger: the same function, but that channel takes most of the layer's 256 steps.
    """
    m = ModelMaker(1, 1, 8, 8)
    widths, x = (1, 4, 4, 4), "x"
    for index in range(3):
        x = m.conv(x, widths[index : index + 2], (3, 3), pads=[1, 1, 1, 1])
        x = m.op("Relu", x)
    x = m.op("Flatten", m.op("GlobalAveragePool", x), axis=1)
    model = m.model(m.dense(x, 4, 3))
    arrays = [onnx.numpy_helper.to_array(w).copy() for w in model.graph.initializer]
    for layer in range(3):
        arrays[2 * layer + 2][:, 0] = 0
        for values in arrays[2 * layer : 2 * layer + 2]:
            values[0] *= 250 if layer == uneven else 1
    for tensor, values in zip(model.graph.initializer, arrays, strict=True):
        tensor.CopyFrom(onnx.numpy_helper.from_array(values, tensor.name))
    return model


def budget(folder: Path, text: str, mode: str = "profile") -> Path:
    path = folder / "toolkit.toml"
    start = f'version = 1\n[[budget]]\ntarget = "cortex-m4"\nmodel = "m.onnx"\nmode = "{mode}"\n'
    path.write_text(start + text, encoding="utf-8")
    return path


def verdict(run: Run, name: str, kind: str | None = None) -> dict[str, Any]:
    (gate,) = run.json["gates"]
    return next(v for v in gate["verdicts"] if v["name"] == name and kind in (None, v["kind"]))


@pytest.fixture
def images(tmp_path: Path) -> Path:
    """A folder with calibration data, and the same with 16 times the range."""
    cases = np.random.default_rng(1).standard_normal((16, 1, 1, 8, 8)).astype(np.float32)
    np.save(tmp_path / "calib.npy", cases)
    np.save(tmp_path / "wide.npy", 16 * cases)
    onnx.save(deep_model(), tmp_path / "m.onnx")
    return tmp_path


# --- planted regressions --------------------------------------------------------------------------

DATA = 'test = "calib.npy"\nbaseline = "b.json"\n'


@pytest.mark.parametrize(
    ("figure", "layer", "growth"),
    [("int8_snr_db", 0, 0.5), ("int8_snr_db", 1, 0.5), ("int8_ccc_to_float_output[0]", 1, 0.01)],
)
def test_a_coarser_layer_is_named(images: Path, figure: str, layer: int, growth: float) -> None:
    """Where the added error enters against the baseline, without one where the error does."""
    budget(images, f'{DATA}[budget.growth]\n"{figure}" = {growth}\n')
    assert toolkit("check", "--update", cwd=images).exit_code == 0
    baseline = (images / "b.json").read_bytes()
    assert toolkit("check", "--update", cwd=images).exit_code == 0
    assert (images / "b.json").read_bytes() == baseline, "same inputs, same bytes"
    value = next(m for m in json.loads(baseline)["figures"] if m[0] == figure)[1]

    onnx.save(deep_model(layer), images / "m.onnx")
    run = toolkit("check", "--json", cwd=images)
    assert run.exit_code == 1, run
    message = verdict(run, figure)["message"]
    assert f"most of the added error enters in layer '{LAYERS[layer]}' " in message, message

    limits = f'{DATA.replace("baseline", "#")}[budget.limits]\n"{figure}" = {value}\n'
    budget(images, limits)
    run = toolkit("check", "--json", cwd=images)
    assert run.exit_code == 1, run
    message = verdict(run, figure)["message"]
    assert f"most of the error enters in layer '{LAYERS[layer]}' " in message, message

    onnx.save(deep_model(), images / "m.onnx")
    assert toolkit("check", "--json", cwd=images).exit_code == 0


def test_a_coarser_calibration_fails(images: Path) -> None:
    """Calibrated for 16 times the range, activations have four bits less."""
    for calib, exit_code in (("calib.npy", 0), ("wide.npy", 1)):
        text = f'calib = "{calib}"\ntest = "calib.npy"\n[budget.limits]\nint8_snr_db = 20\n'
        budget(images, text)
        run = toolkit("check", "--json", cwd=images)
        assert run.exit_code == exit_code, run
    assert (
        "too little; most of the error enters in layer '" in verdict(run, "int8_snr_db")["message"]
    )


def test_figures_of_convert_join_those_of_a_profile(images: Path) -> None:
    budget(images, 'calib = "calib.npy"\n[budget.limits]\nint8_snr_db = 20\n')
    options = ("--calib", "calib.npy", "--test", "calib.npy", "--json")
    done = toolkit("convert", "m.onnx", "-o", "m.tflite", *options, cwd=images)
    (images / "accuracy.json").write_text(done.stdout, encoding="utf-8")
    run = toolkit("check", "m.onnx", "--report", "accuracy.json", "--json", cwd=images)
    assert run.exit_code == 0, run
    run = toolkit("check", "--json", cwd=images)
    assert "`test` in the budget" in verdict(run, "int8_snr_db")["message"]
    budget(images, f'calib = "calib.npy"\n{DATA}[budget.limits]\nint8_snr_db = 20\n')
    own = verdict(toolkit("check", "--json", cwd=images), "int8_snr_db")["value"]
    convert = next(m for m in done.json["measurements"] if m["name"] == "int8_snr_db")
    assert own["value"] == convert["value"], "the same model, measured the same way"


# --- against labels -------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def speech(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model of three named outputs, six clips, labels that are the float model's own answers."""
    folder = tmp_path_factory.mktemp("speech")
    model = speech_model(labels=json.dumps(NAMES))
    onnx.save(model, folder / "m.onnx")
    (folder / "clips").mkdir()
    generator = np.random.default_rng(0)
    lines = ["file," + ",".join(NAMES)]
    for index in range(6):
        path = folder / "clips" / f"{index}.wav"
        noise = 0.02 * (index + 1) * generator.standard_normal(RATE_HZ // 5)
        tone = 0.1 * np.sin(np.arange(noise.size) * (0.05 + 0.1 * index))
        soundfile.write(path, noise + tone, RATE_HZ, subtype="PCM_16")
        samples = load_clip(path, RATE_HZ).samples
        rows = extract(fit_clip(samples, WAV2SMALL_RUNNING, 99).samples, WAV2SMALL_RUNNING)
        values = onnxruntime_output(model, rows[None, None].astype(np.float32)).ravel()
        lines.append(f"{index}.wav," + ",".join(f"{value:.6f}" for value in values))
    (folder / "labels.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    return folder


def spoiled_labels(folder: Path, to: Path) -> Path:
    """The same labels, each of the recording after it."""
    head, *rows = (folder / "labels.csv").read_text(encoding="utf-8").splitlines()
    files = [row.partition(",")[0] for row in rows]
    values = [row.partition(",")[2] for row in rows]
    moved = [f"{f},{v}" for f, v in zip(files, values[1:] + values[:1], strict=True)]
    to.write_text("\n".join([head, *moved]) + "\n", encoding="utf-8")
    return to


def test_concordance_with_labels(speech: Path, tmp_path: Path) -> None:
    """The float model's own answers are met; coarse activations, or other labels, are not."""
    onnx.save(speech_model(labels=json.dumps(NAMES)), tmp_path / "m.onnx")
    data = f'labels = "{speech / "labels.csv"}"\naudio = "{speech / "clips"}"\nseconds = 0.2\n'
    data += f'calib = "{speech / "clips"}"\nbaseline = "b.json"\n'
    rules = "[budget.limits]\nccc_calm = 0.99\n[budget.growth]\nccc_calm = 0.01\nint8_snr_db = 1\n"
    budget(tmp_path, data + rules)
    run = toolkit("check", "--update", "--json", cwd=tmp_path)
    assert run.exit_code == 0, run
    assert verdict(run, "bit_match_recordings", "check")["outcome"] == "holds"
    assert "6 recordings" in verdict(run, "ccc_calm")["value"]["basis"]

    loud = np.concatenate([np.full((2, 1, 99, 26), value, np.float32) for value in (-900, 900)])
    np.save(tmp_path / "wide.npy", loud)
    budget(tmp_path, data.replace(str(speech / "clips") + '"\nbase', 'wide.npy"\nbase') + rules)
    run = toolkit("check", "--json", cwd=tmp_path)
    assert run.exit_code == 1, run
    for kind in ("limit", "growth"):
        found = verdict(run, "ccc_calm", kind)
        assert (
            found["fails"] and "most of the added error enters in layer 't" in found["message"]
        ), found

    moved = spoiled_labels(speech, tmp_path / "moved.csv")
    budget(tmp_path, data.replace(str(speech / "labels.csv"), str(moved)) + rules)
    run = toolkit("check", "--json", cwd=tmp_path)
    assert verdict(run, "ccc_calm", "limit")["fails"]
    assert "labels changed: " in problem(run)
    assert verdict(run, "int8_snr_db")["outcome"] == "not compared"


def test_a_build_holds_accuracy_too(speech: Path, tmp_path: Path) -> None:
    """All figures of one build: of the board, of `test` against float, of `labels`."""
    onnx.save(speech_model(labels=json.dumps(NAMES)), tmp_path / "m.onnx")
    clips = speech / "clips"
    text = f'test = "{clips}"\nlabels = "{speech / "labels.csv"}"\naudio = "{clips}"\n'
    text += f'calib = "{clips}"\nseconds = 0.2\n[budget.limits]\noutput_mismatches = 0\n'
    text += "int8_snr_db = 20\nint8_ccc_to_float_calm = 0.9\nc_ccc_to_float_calm = 0.9\n"
    budget(tmp_path, f"{text}ccc_calm = 0.9\n", mode="build")
    run = toolkit("check", "--json", cwd=tmp_path)
    assert run.exit_code == 0, run
    basis = verdict(run, "int8_snr_db")["value"]["basis"]
    assert basis == "6 cases of clips, integer reference against float"


# --- what cannot be used --------------------------------------------------------------------------


def test_a_tflite_has_no_float_form(images: Path) -> None:
    assert toolkit("convert", "m.onnx", "-o", "m.tflite", cwd=images).exit_code == 0
    budget(images, 'test = "calib.npy"\n[budget.limits]\nint8_snr_db = 20\n')
    text = (images / "toolkit.toml").read_text(encoding="utf-8").replace("m.onnx", "m.tflite")
    (images / "toolkit.toml").write_text(text, encoding="utf-8")
    line = problem(toolkit("check", "--json", cwd=images))
    assert "m.tflite: is an int8 .tflite; there is no float form" in line
    assert "Name the .onnx" in line


def test_a_tflite_can_have_labels(speech: Path, tmp_path: Path) -> None:
    """Its layers are not named: what they should give is not known."""
    options = ("--seconds", "0.2", "--calib", speech / "clips")
    file = tmp_path / "m.tflite"
    assert toolkit("convert", speech / "m.onnx", "-o", file, *options, cwd=tmp_path).exit_code == 0
    data = f'labels = "{speech / "labels.csv"}"\naudio = "{speech / "clips"}"\nseconds = 0.2\n'
    path = budget(tmp_path, f"{data}[budget.limits]\nccc_calm = 0.99\nccc_loud = 0.99\n")
    path.write_text(path.read_text(encoding="utf-8").replace("m.onnx", "m.tflite"))
    run = toolkit("check", "--json", cwd=tmp_path)
    assert not verdict(run, "ccc_calm")["fails"]
    assert verdict(run, "ccc_loud")["message"].endswith("too little")


@pytest.mark.parametrize(
    ("data", "words"),
    [
        ('test = "absent"', "test: 'absent' does not exist"),
        ('test = "empty"', "empty: holds no audio files"),
        ('test = "bad"', "x.wav"),
        ('test = "one"', "do not vary over 1 cases"),
        ('calib = "absent.npy"', "calib: 'absent.npy' does not exist"),
        ('labels = "absent.csv"', "labels: 'absent.csv' does not exist"),
        ('labels = "columns.csv"', "must have a column for every output"),
        ('labels = "nan.csv"\naudio = "one"', "line 2: 'loud' must be a number; found 'nan'"),
        ('labels = "nan.csv"', "1 of 1 recordings are not in"),
        ('audio = "one"', "audio needs labels"),
        ("labels = 'nan.csv'\nlabel_range = [5, 1]", "label_range must rise"),
        ("labels = 'nan.csv'\nlabel_range = 5", "must be [low, high]"),
        ("test = 5", "test must be text"),
        ("state = 'h=h_out'", "state must be a list of names"),
        ("state = ['h=h_out']", "--state h=h_out: the model has no input 'h'"),
    ],
)
def test_unusable_data_are_refused(speech: Path, tmp_path: Path, data: str, words: str) -> None:
    onnx.save(speech_model(labels=json.dumps(NAMES)), tmp_path / "m.onnx")
    for folder in ("empty", "bad", "one"):
        (tmp_path / folder).mkdir()
    (tmp_path / "bad" / "x.wav").write_bytes(b"no audio")
    (tmp_path / "one" / "0.wav").write_bytes((speech / "clips" / "0.wav").read_bytes())
    (tmp_path / "columns.csv").write_text("file,loud\none/0.wav,1\n", encoding="utf-8")
    (tmp_path / "nan.csv").write_text("file,calm,loud,high\n0.wav,1,nan,1\n", encoding="utf-8")
    budget(tmp_path, f"{data}\nseconds = 0.2\n[budget.limits]\nint8_snr_db = 20\n")
    run = toolkit("check", "--json", cwd=tmp_path)
    assert run.exit_code == 2 and words in problem(run)
