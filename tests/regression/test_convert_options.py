"""``toolkit convert``: recipes, int16 by search and by name, and the report of layers."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import onnx
import pytest

from tests.support import onnx_models
from tests.support.cli import Run, image_model, refused, speech_model, toolkit, write_noise
from toolkit.ir import DType
from toolkit.model.reference import run_case
from toolkit.tflite.oracle import run_tflm, tflm_available
from toolkit.tflite.read import load_tflite, read_tflite

CLIPS = Path(__file__).parents[2] / "ci" / "test_clips"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    onnx.save(image_model(), tmp_path / "m.onnx")
    onnx.save(onnx_models.resnet(), tmp_path / "resnet.onnx")
    rng = np.random.default_rng(0)
    np.save(tmp_path / "calib.npy", rng.normal(0, 1, (20, 1, 1, 8, 8)).astype(np.float32))
    np.savez(tmp_path / "test.npz", x=rng.normal(0, 1, (10, 1, 1, 8, 8)).astype(np.float32))
    return tmp_path


def convert(folder: Path, *options: str | Path) -> Run:
    return toolkit("convert", "m.onnx", "-o", "m.tflite", *options, cwd=folder)


def figures(run: Run) -> dict[str, float]:
    assert (run.exit_code, run.stderr) == (0, "")
    return {row["name"]: row["value"] for row in run.json["measurements"]}


def test_every_recipe_gives_another_model_and_the_same_one_twice(folder: Path) -> None:
    recipes: list[tuple[str, ...]] = [
        ("--no-bias-correction",),
        (),
        ("--calibration", "percentile"),
        ("--calibration", "mse"),
        ("--mixed", "auto", "--target-snr-db", "80"),
    ]
    files = []
    for recipe in recipes:
        for _ in range(2):
            run = convert(folder, "--calib", "calib.npy", *recipe, "--json")
            assert (run.exit_code, run.stderr) == (0, "")
            files.append((folder / "m.tflite").read_bytes())
    assert files[::2] == files[1::2]
    assert len(set(files)) >= len(recipes) - 1, "percentile may keep all of so little data"


def test_the_ratio_of_an_npz(folder: Path) -> None:
    """Means of noise hardly vary from case to case: there is little signal to lose."""
    values = figures(convert(folder, "--calib", "calib.npy", "--test", "test.npz", "--json"))
    assert 15 < values["int8_snr_db"] < 60


@pytest.mark.skipif(not tflm_available(), reason="tflite-micro is not installed")
def test_tflm_runs_what_convert_writes_unless_asked_for_one_operator(tmp_path: Path) -> None:
    run = toolkit("convert", "-o", "m.tflite", "--test", CLIPS, "--json", cwd=tmp_path)
    values = figures(run)
    assert min(values["int8_snr_db"], values["all_int8_snr_db"]) > 30  # three clips
    assert (values["activations"], values["int16_activations"]) == (25, 10)
    written = (tmp_path / "m.tflite").read_bytes()
    result = run_tflm(written, [np.zeros((1, 1, 499, 26, 1), np.int8)])
    (expected,) = run_case(read_tflite(written, "m"), [np.zeros((1, 499, 26, 1), np.int8)])
    assert np.array_equal(result.outputs[0][0], expected)
    fused = toolkit("convert", "-o", "f.tflite", "--attention", "fused", "--json", cwd=tmp_path)
    (issue,) = (row for row in fused.json["issues"] if row["code"] == "file.custom_operators")
    assert "tk.attention_pool" in issue["message"]


def test_a_search_states_what_it_found_and_what_it_costs(folder: Path) -> None:
    auto = ("--calib", "calib.npy", "--mixed", "auto", "--json", "--target-snr-db")
    values = figures(convert(folder, *auto, "5"))
    assert values["mixed_snr_db"] == values["head_snr_db"] == values["all_int8_snr_db"] > 6
    assert "int16_ram_bytes" not in values
    run = convert(folder, *auto, "99")
    (issue,) = (row for row in run.json["issues"] if row["code"] == "mixed.unreached")
    assert "99 dB" in issue["message"]


def test_int16_by_name(folder: Path) -> None:
    convert(folder, "--calib", "calib.npy", "--report", "names.json")
    names = [row["name"] for row in json.loads((folder / "names.json").read_text())["tensors"]]
    run = convert(folder, "--calib", "calib.npy", "--mixed", names[1], "--json")
    values = figures(run)
    assert values["int16_ram_bytes"] > 0 and values["int16_cycles"] > 0
    graph = load_tflite(folder / "m.tflite")
    (node,) = (n for n in graph.nodes if n.op == "conv_2d")
    assert graph.tensors[node.outputs[0]].dtype is DType.INT16


def test_a_name_that_is_none(folder: Path) -> None:
    message = refused(convert(folder, "--calib", "calib.npy", "--mixed", "nothing"))
    assert "the model computes no such tensor" in message


@pytest.mark.parametrize("suffix", [".txt", ".json", ".html"])
def test_reports_of_layers(folder: Path, suffix: str) -> None:
    path = folder / f"layers{suffix}"
    run = convert(folder, "--calib", "calib.npy", "--test", "test.npz", "--report", path)
    assert (run.exit_code, run.stderr) == (0, "")
    assert "10 cases of test.npz" in path.read_text(encoding="utf-8")


def test_no_model_is_written_when_the_report_cannot_be(folder: Path) -> None:
    refused(convert(folder, "--calib", "calib.npy", "--report", "layers.pdf"))
    assert not (folder / "m.tflite").exists()


def test_bias_correction_without_data_falls_back_with_a_note(folder: Path) -> None:
    run = convert(folder, "--bias-correction", "--json")
    assert [row["code"] for row in run.json["issues"]] == ["calibration.fallback"]


def test_a_folder_of_audio_and_made_up_speech(tmp_path: Path) -> None:
    onnx.save(speech_model(), tmp_path / "s.onnx")
    (tmp_path / "clips").mkdir()
    for name in "ab":
        write_noise(tmp_path / "clips" / f"{name}.wav", 16_000, 1, "PCM_16")
    options = ("-o", "s.tflite", "--seconds", "0.2", "--json")
    run = toolkit("convert", "s.onnx", *options, "--calib", "clips", cwd=tmp_path)
    (heard,) = run.json["issues"]
    assert heard == {
        "code": "calibration.data",
        "message": "clips: 10 windows of 0.2 s from 2 files",
    }
    (note,) = toolkit("convert", "s.onnx", *options, cwd=tmp_path).json["issues"]
    assert "synthesised speech-like sound" in note["message"]


def test_the_zoo_searches_on_made_up_speech_with_a_note(tmp_path: Path) -> None:
    options = ("-o", "w.tflite", "--seconds", "0.1", "--mixed", "auto", "--json")
    run = toolkit("convert", "wav2small", *options, cwd=tmp_path)
    (note,) = run.json["issues"]
    assert note["message"].startswith("measured on 8 clips of synthesised")
    message = refused(toolkit("convert", "wav2small", *options, "--equalize", cwd=tmp_path))
    assert "--equalize changes what stored ranges describe" in message


def test_a_target_that_is_no_number(folder: Path) -> None:
    message = refused(convert(folder, "--mixed", "auto", "--target-snr-db", "nan"))
    assert "must be finite" in message
