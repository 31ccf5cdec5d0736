"""`toolkit eval`: figures against labels of our own making, and every unusable label file."""

from __future__ import annotations

import importlib.util
import json
from pathlib import Path

import numpy as np
import onnx
import pytest
import soundfile

from tests.support.cli import Run, refused, speech_model, toolkit
from tests.support.onnx_models import onnxruntime_output
from tests.support.row_models import row_model
from toolkit.features.audio import fit_clip, load_clip
from toolkit.features.extract import extract
from toolkit.features.quantise import quantise_features
from toolkit.features.spec import WAV2SMALL_RUNNING
from toolkit.ir.tensor import dequantize
from toolkit.metrics import concordance
from toolkit.model.labels import load_labels
from toolkit.tflite.oracle import run_tflm, tflm_available
from toolkit.tflite.read import load_tflite

NAMES = ("calm", "loud", "high")
RATE_HZ = 16_000
CLIPS = 6


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model with three named outputs and six clips of noise, each louder than the last."""
    path = tmp_path_factory.mktemp("eval")
    onnx.save(speech_model(labels=json.dumps(NAMES)), path / "model.onnx")
    (path / "audio").mkdir()
    generator = np.random.default_rng(0)
    for index in range(CLIPS):
        seconds = 0.2 + 0.05 * index
        noise = 0.02 * (index + 1) * generator.standard_normal(round(seconds * RATE_HZ))
        tone = 0.1 * np.sin(np.arange(noise.size) * (0.05 + 0.1 * index))
        soundfile.write(path / "audio" / f"{index}.wav", noise + tone, RATE_HZ, subtype="PCM_16")
    return path


def float_predictions(folder: Path) -> np.ndarray:
    """What onnxruntime makes of the clips, whole."""
    model = onnx.load(folder / "model.onnx")
    rows = []
    for index in range(CLIPS):
        samples = load_clip(folder / "audio" / f"{index}.wav", RATE_HZ).samples
        features = extract(samples, WAV2SMALL_RUNNING).astype(np.float32)
        rows.append(onnxruntime_output(model, features[None, None]).ravel())
    return np.stack(rows)


def write_labels(folder: Path, text: str, name: str = "labels.csv") -> Path:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


def regression_labels(folder: Path, values: np.ndarray) -> Path:
    lines = [f"{i}.wav,x,{','.join(f'{v:.6f}' for v in row)}" for i, row in enumerate(values)]
    return write_labels(folder, "\n".join(["file,speaker," + ",".join(NAMES), *lines]) + "\n")


def evaluate(folder: Path, labels: Path, *options: str) -> Run:
    return toolkit("eval", "model.onnx", "--data", labels, "--audio", "audio", *options, cwd=folder)


def figures(run: Run) -> dict[str, float]:
    return {m["name"]: m["value"] for m in run.json["measurements"]}


def test_float_figures_are_those_of_onnxruntime(folder: Path) -> None:
    predictions = float_predictions(folder)
    targets = predictions + np.linspace(-1, 1, predictions.size).reshape(predictions.shape)
    run = evaluate(folder, regression_labels(folder, targets), "--json")
    assert run.exit_code == 0
    found = figures(run)
    for index, name in enumerate(NAMES):
        want = concordance(predictions[:, index], targets[:, index])
        assert found[f"float_ccc_{name}"] == pytest.approx(want, abs=1e-4)
    assert 0 < found["c_mean_deviation"] < found["c_max_deviation"]
    assert [c["name"] for c in run.json["checks"] if c["passed"]] == ["bit_match"]


@pytest.mark.skipif(not tflm_available(), reason="tflite-micro is not installed")
def test_int8_figures_are_those_of_tflm(folder: Path) -> None:
    seconds, targets = ("--seconds", "0.2"), np.random.default_rng(1).uniform(0, 1, (CLIPS, 3))
    file = folder / "short.tflite"
    assert toolkit("convert", "model.onnx", "-o", file, *seconds, cwd=folder).exit_code == 0
    graph = load_tflite(file)
    entry, result = graph.tensors[graph.inputs[0]], graph.tensors[graph.outputs[0]]
    rows = []
    for index in range(CLIPS):
        samples = load_clip(folder / "audio" / f"{index}.wav", RATE_HZ).samples
        fitted = fit_clip(samples, WAV2SMALL_RUNNING, entry.shape[1]).samples
        rows.append(
            quantise_features(extract(fitted, WAV2SMALL_RUNNING), entry.scale, entry.zero_point)
        )
    (outputs,) = run_tflm(file.read_bytes(), [np.stack(rows).reshape(CLIPS, *entry.shape)]).outputs
    assert result.quant is not None
    real = dequantize(outputs, result.quant).reshape(CLIPS, 3)
    found = figures(evaluate(folder, regression_labels(folder, targets), *seconds, "--json"))
    for index, name in enumerate(NAMES):
        want = concordance(real[:, index], targets[:, index])
        assert found[f"int8_ccc_{name}"] == pytest.approx(want, abs=2e-6)


def test_a_label_range_maps_onto_zero_to_one(folder: Path) -> None:
    targets = float_predictions(folder)
    labels = regression_labels(folder, 1 + 4 * targets)
    found = figures(evaluate(folder, labels, "--label-range", "1", "5", "--json"))
    assert all(found[f"float_ccc_{name}"] == pytest.approx(1.0, abs=1e-4) for name in NAMES)


def test_labels_on_another_scale_are_noted(folder: Path) -> None:
    run = evaluate(folder, regression_labels(folder, 100 + float_predictions(folder)), "--json")
    assert [i["code"] for i in run.json["issues"] if "scale" in i["code"]] == ["evaluation.scale"]


def test_classes_by_name_and_number(folder: Path) -> None:
    classes = float_predictions(folder).argmax(axis=1)
    wrong = (classes[0] + 1) % 3
    lines = [f"0.wav,{wrong}", *(f"{i}.wav,{NAMES[c]}" for i, c in enumerate(classes) if i)]
    run = evaluate(folder, write_labels(folder, "file,label\n" + "\n".join(lines)), "--json")
    assert figures(run)["float_accuracy"] == pytest.approx((CLIPS - 1) / CLIPS, abs=1e-6)
    assert not any(name.startswith("ccc_") for name in figures(run))


def test_the_table_has_all_three_forms(folder: Path) -> None:
    run = evaluate(folder, regression_labels(folder, float_predictions(folder)), "--seconds", "0.2")
    assert run.exit_code == 0
    for word in ("float", "int8 reference", "generated C", "CCC calm", "largest deviation"):
        assert word in run.stdout
    assert "of 6 recordings 5 cropped" in " ".join(run.stdout.split())


def test_an_int8_file_has_no_float_form(folder: Path) -> None:
    assert toolkit("convert", "model.onnx", "-o", "int8.tflite", cwd=folder).exit_code == 0
    labels = regression_labels(folder, float_predictions(folder))
    run = toolkit("eval", "int8.tflite", "--data", labels, "--audio", "audio", "--json", cwd=folder)
    names = figures(run)
    assert "ccc_calm" in names and "int8_ccc_calm" in names
    assert not any("float" in name or "deviation" in name for name in names)


@pytest.mark.parametrize("suffix", [".png", ".svg"])
def test_a_plot_is_written(folder: Path, suffix: str) -> None:
    pytest.importorskip("matplotlib")
    labels = regression_labels(folder, float_predictions(folder))
    run = evaluate(folder, labels, "--plot", f"plot{suffix}", "--json")
    assert run.exit_code == 0
    start = (folder / f"plot{suffix}").read_bytes()[:8]
    assert start == b"\x89PNG\r\n\x1a\n" if suffix == ".png" else start.startswith(b"<?xml")


def test_a_plot_without_matplotlib_is_refused_at_once(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = importlib.util.find_spec

    def absent(name: str, package: str | None = None) -> object:
        return None if name == "matplotlib" else real(name, package)

    monkeypatch.setattr(importlib.util, "find_spec", absent)
    labels = regression_labels(folder, float_predictions(folder))
    line = refused(evaluate(folder, labels, "--plot", "plot.png"), exit_code=3)
    assert "matplotlib is not installed" in line and "[plot]" in line


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("name,label\n0.wav,1\n", ("must have a column 'file'", "'name', 'label'")),
        ("", ("must have a column 'file'", "none")),
        ("file,label\n", ("holds no recordings",)),
        ("file,label\n0.wav,1\nno.wav,1\n", ("1 of 2 recordings are not in audio", "'no.wav'")),
        ("file,calm,loud\n0.wav,1,2\n", ("column for every output", "'high'")),
        ("file,calm,loud,high\n0.wav,1,2,x\n", ("line 2", "'high' must be a number", "'x'")),
        ("file,calm,loud,high\n0.wav,1,2\n", ("line 2", "'high' must be a number")),
        ("file,calm,loud,high\n0.wav,1,2,nan\n", ("line 2", "must be a number")),
        ("file,label\n0.wav,3\n", ("line 2", "'label' must be one of", "'3'")),
        ("file,label\n0.wav,angry\n", ("line 2", "'calm', 'loud', 'high'", "'angry'")),
        ("file,label\n\0\xff", ("",)),
    ],
)
def test_unusable_labels_are_refused_in_one_line(
    text: str, words: tuple[str, ...], folder: Path
) -> None:
    line = refused(evaluate(folder, write_labels(folder, text, "bad.csv")))
    assert all(word in line for word in words), line


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("--label-range", "5", "1"), "must be finite and rising"),
        (("--seconds", "0"), "--seconds must be above 0"),
        (("--plot", "no/such/folder/plot.png"), "cannot write"),
        (("--plot", "plot.xyz"), "cannot write"),
    ],
)
def test_unusable_options_are_refused(folder: Path, options: tuple[str, ...], words: str) -> None:
    labels = regression_labels(folder, float_predictions(folder))
    assert words in refused(evaluate(folder, labels, *options))


def test_missing_files_and_models_without_audio_are_refused(folder: Path) -> None:
    assert "cannot be read" in refused(evaluate(folder, folder / "none.csv"))
    model = onnx.load(folder / "model.onnx")
    del model.metadata_props[:]
    model.graph.input[0].type.tensor_type.shape.dim[2].dim_value = 20
    onnx.save(model, folder / "bare.onnx")
    labels = write_labels(folder, "file,label\n0.wav,1\n")
    run = toolkit("eval", "bare.onnx", "--data", labels, "--audio", "audio", cwd=folder)
    assert "no feature specification" in refused(run)


def test_an_output_with_time_counts_by_the_means_of_its_rows(folder: Path) -> None:
    """Clips of six lengths; labels that are onnxruntime's means plus something."""
    model = row_model(WAV2SMALL_RUNNING, json.dumps(NAMES))
    onnx.save(model, folder / "rows.onnx")
    means = []
    for index in range(CLIPS):
        samples = load_clip(folder / "audio" / f"{index}.wav", RATE_HZ).samples
        features = extract(samples, WAV2SMALL_RUNNING).astype(np.float32)
        means.append(onnxruntime_output(model, features[None])[0].mean(1))
    targets = np.stack(means) + np.linspace(0, 0.1, 3 * CLIPS).reshape(CLIPS, 3)
    labels = regression_labels(folder, targets)
    run = toolkit(
        *("eval", "rows.onnx", "--data", labels, "--audio", "audio", "--json"), cwd=folder
    )
    assert run.exit_code == 0, run
    found = figures(run)
    for place, name in enumerate(NAMES):
        wanted = concordance(targets[:, place], np.stack(means)[:, place])
        assert found[f"float_ccc_{name}"] == pytest.approx(wanted, abs=1e-4)
    (check,) = (c for c in run.json["checks"] if c["name"] == "bit_match")
    assert check["passed"]


def test_semicolons_between_columns_and_commas_in_numbers(folder: Path) -> None:
    """As spreadsheets of half of Europe write them."""
    rows = [[f"{index}.wav", f"0,{index}", "0,5", "0,25"] for index in range(CLIPS)]
    text = "\n".join(";".join(row) for row in [["file", *NAMES], *rows]) + "\n"
    found = load_labels(write_labels(folder, text, "european.csv"), folder / "audio", NAMES)
    np.testing.assert_allclose(found.values[:, 0], np.arange(CLIPS) / 10)
    np.testing.assert_allclose(found.values[:, 2], 0.25)
