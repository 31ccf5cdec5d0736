"""``--features`` and ``toolkit features init``: models that say nothing of their audio hear it."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import onnx
import pytest

from tests.support.cli import built, refused, toolkit
from tests.support.onnx_models import ModelMaker, onnxruntime_output
from toolkit.features.audio import load_clip
from toolkit.features.extract import extract
from toolkit.features.metadata import feature_spec
from toolkit.features.presets import PRESETS
from toolkit.features.spec import to_data
from toolkit.features.text import from_toml
from toolkit.model.source import demo_clip
from toolkit.tflite.read import load_tflite


def network(rows: str | int, values: int) -> onnx.ModelProto:
    """A small network on 1 x 1 x rows x values, without any metadata."""
    m = ModelMaker(1, 1, rows, values)
    x = m.op("Relu", m.conv("x", (1, 4), (3, 3), pads=[1, 1, 1, 1]))
    x = m.op("Flatten", m.op("GlobalAveragePool", x), axis=1)
    return m.model(m.dense(x, 4, 3))


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("features-option")
    onnx.save(network("rows", 80), path / "open.onnx")
    onnx.save(network(101, 40), path / "fixed.onnx")
    (path / "calib").mkdir()
    (path / "calib" / "speech.wav").write_bytes(demo_clip().read_bytes())
    text = toolkit("features", "init", "open.onnx", "--preset", "whisper", cwd=path).stdout
    (path / "limited.toml").write_text(text)
    return path


def test_init_writes_every_field_of_the_preset_with_what_it_means(folder: Path) -> None:
    text = (folder / "limited.toml").read_text()
    assert from_toml(text) == PRESETS["whisper"].spec
    assert "open.onnx, whose input is" in text
    assert "top_db = 80.0" in text
    assert "# pre_emphasis = 0.0" in text
    assert "needs the clip" in toolkit("features", "presets", cwd=folder).stdout


@pytest.mark.parametrize("name", PRESETS)
def test_init_s_text_is_the_preset(name: str, folder: Path) -> None:
    run = toolkit("features", "init", "open.onnx", "--preset", name, cwd=folder)
    spec = PRESETS[name].spec
    data = to_data(from_toml(run.stdout))
    changed = {key for key, value in to_data(spec).items() if data.get(key) != value}
    fits = spec.row_values == 80
    assert changed <= (set() if fits else {"n_mels", "n_mfcc"})


def test_init_fits_the_bands_to_the_model(folder: Path) -> None:
    run = toolkit(
        "features", "init", "fixed.onnx", "--preset", "nemo", "-o", "fitted.toml", cwd=folder
    )
    assert run.exit_code == 0
    # 101 x 40: two axes that rows could lie on; the shorter is taken, and said.
    assert "n_mels = 40" in (folder / "fitted.toml").read_text()
    assert "A row has 40 values instead of the preset's 80" in run.stderr


@pytest.mark.parametrize(
    "features", [pytest.param("whisper-streamed", marks=pytest.mark.exhaustive), "limited.toml"]
)
def test_build_hears_what_onnxruntime_hears(features: str, folder: Path) -> None:
    out = f"out-{Path(features).stem}"
    options = ("--target", "cortex-m4", "--calib", "calib", "--out", out, "--json")
    report = built(toolkit("build", "open.onnx", "--features", features, *options, cwd=folder))
    checks = {check["name"]: check["passed"] for check in report["checks"]}
    assert checks["features_match"]
    assert checks["device_near_float"]
    # The .tflite carries them on: it builds and hears without the option.
    model = folder / out / "open_net" / "open_net.tflite"
    spec = feature_spec(load_tflite(model))
    assert spec is not None
    samples = load_clip(demo_clip(), 16_000).samples
    rows = extract(samples, spec)
    expected = onnxruntime_output(onnx.load(folder / "open.onnx"), rows[None, None])
    assert np.isfinite(expected).all()


def test_a_foreign_tflite_takes_them_and_nothing_else_in_it_changes(folder: Path) -> None:
    convert = ("convert", "fixed.onnx", "--calib")
    np.save(folder / "x.npy", np.random.default_rng(0).normal(size=(4, 1, 101, 40)))
    assert toolkit(*convert, "x.npy", "-o", "bare.tflite", cwd=folder).exit_code == 0
    (folder / "spec.toml").write_text(
        "frame_samples = 400\nhop_samples = 160\nsample_rate_hz = 16000\nn_mels = 40\n"
        "f_max_hz = 8000.0\nn_fft = 400\ncenter = true\nmean = -50.0\ndeviation = 20.0\n"
        '[level]\nmode = "fixed"\n'
    )
    options = ("--target", "cortex-m4", "--out", "out-bare", "--json", "--simulator", "host")
    report = built(toolkit("build", "bare.tflite", "--features", "spec.toml", *options, cwd=folder))
    assert report["schedule"] == "stream"
    made = folder / "out-bare" / "bare" / "bare.tflite"
    bare, heard = load_tflite(folder / "bare.tflite"), load_tflite(made)
    assert [node.op for node in bare.nodes] == [node.op for node in heard.nodes]
    assert set(heard.metadata) - set(bare.metadata) == {"toolkit.feature_spec"}
    for name, tensor in bare.tensors.items():
        assert heard.tensors[name].shape == tensor.shape
        assert heard.tensors[name].quant == tensor.quant


@pytest.mark.parametrize("verb", ["profile", "convert", "eval"])
def test_the_other_verbs_take_them_too(verb: str, folder: Path) -> None:
    (folder / "labels.csv").write_text("file,label\nspeech.wav,0\n")
    options = {
        "profile": ("--target", "cortex-m4", "--json"),
        "convert": ("-o", "made.tflite", "--json"),
        "eval": ("--data", "labels.csv", "--audio", "calib", "--json"),
    }
    run = toolkit(verb, "open.onnx", "--features", "whisper-streamed", *options[verb], cwd=folder)
    assert run.exit_code == 0, run
    assert json.loads(run.stdout)["model"]["name"] == "open"


def test_a_specification_of_the_model_s_own_is_replaced_with_a_note(folder: Path) -> None:
    spec = toolkit("features", "show", "wav2small", "--toml", cwd=folder).stdout
    (folder / "louder.toml").write_text(
        spec.replace("time_constant_s = 3.0", "time_constant_s = 1")
    )
    options = ("--target", "cortex-m4", "--json", "--features")
    run = toolkit("profile", "wav2small", *options, "louder.toml", cwd=folder)
    assert "features.replaced" in {issue["code"] for issue in run.json["issues"]}
    same = toolkit("profile", "wav2small", *options, "wav2small", cwd=folder)
    assert "features.replaced" not in {issue["code"] for issue in same.json["issues"]}


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--features", "wisper"), "'wisper' is neither a preset nor"),
        (("--features", "kaldi-mfcc"), "rows of 13 values do not fit the model's inputs"),
        ((), "has dynamic dimensions"),
    ],
)
def test_what_cannot_be_is_refused(arguments: tuple[str, ...], words: str, folder: Path) -> None:
    run = toolkit("build", "open.onnx", *arguments, "--target", "cortex-m4", cwd=folder)
    line = refused(run)
    assert words in line
    assert "preset" in line.lower() or "number of bands" in line


def test_audio_for_a_model_without_features_says_how_to_attach_them(folder: Path) -> None:
    run = toolkit(
        *("build", "fixed.onnx", "--audio", "calib/speech.wav", "--target", "cortex-m4"), cwd=folder
    )
    assert "Attach one with --features spec.toml" in refused(run)


@pytest.mark.parametrize("channel", [False, True])
def test_rows_may_be_the_last_axis_of_a_picture(channel: bool, tmp_path: Path) -> None:
    """A Conv2d on [1, bands, rows] or [1, 1, bands, rows], as torchaudio lays features out."""
    torch = pytest.importorskip("torch")

    class Net(torch.nn.Module):  # type: ignore[misc, name-defined]
        def __init__(self) -> None:
            super().__init__()
            self.conv, self.head = torch.nn.Conv2d(1, 4, 3, stride=2), torch.nn.Linear(4, 2)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            x = x if channel else x.unsqueeze(1)
            return self.head(torch.relu(self.conv(x)).mean((2, 3)))

    shape = (1, 1, 64, 51) if channel else (1, 64, 51)
    torch.manual_seed(0)
    torch.onnx.export(Net().eval(), (torch.zeros(shape),), tmp_path / "m.onnx", dynamo=False)
    options = ("features", "init", "m.onnx", "--preset", "torchaudio", "-o", "s.toml")
    assert toolkit(*options, cwd=tmp_path).exit_code == 0
    run = toolkit(
        *("build", "m.onnx", "--features", "s.toml", "--target", "cortex-m4", "--json"),
        *("--simulator", "host"),
        cwd=tmp_path,
    )
    assert run.exit_code == 0, run.stderr
    checks = {row["name"]: row["passed"] for row in run.json["checks"]}
    assert checks["bit_match"] and checks["import_match"]
