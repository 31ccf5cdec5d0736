"""Audio of other forms is converted with a note, or refused in one line."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import pytest
import soundfile

from tests.support.cli import built, image_model, refused, speech_model, toolkit, tree, write_noise


def build_audio(folder: Path, audio: str, model: onnx.ModelProto | None = None) -> list[str]:
    """Notes of a build on ``audio`` that matched."""
    onnx.save(model or speech_model(), folder / "m.onnx")
    options = ["--target", "cortex-m4", "--seconds", "0.1", "--out", "out", "--json"]
    report = built(toolkit("build", "m.onnx", "--audio", audio, *options, cwd=folder))
    features = {m["name"]: m["value"] for m in report["measurements"]}
    assert features["feature_identical_fraction"] >= 0.999
    return [issue["message"] for issue in report["issues"] if issue["code"] == "audio"]


@pytest.mark.parametrize(
    ("rate_hz", "channels", "subtype", "notes"),
    [
        (8_000, 1, "PCM_16", ["resampled from 8000 Hz to 16000 Hz"]),
        (
            48_000,
            2,
            "FLOAT",
            ["mixed 2 channels down to one", "resampled from 48000 Hz to 16000 Hz"],
        ),
    ],
)
def test_other_forms_are_converted_with_a_note(
    tmp_path: Path, rate_hz: int, channels: int, subtype: str, notes: list[str]
) -> None:
    write_noise(tmp_path / "a.wav", rate_hz, channels, subtype)
    found = build_audio(tmp_path, "a.wav")
    assert found == [
        *(f"a.wav: {note}" for note in notes),
        "a.wav: cropped from 1.000 s to 0.100 s",
    ]


def test_a_short_clip_is_padded_with_a_note(tmp_path: Path) -> None:
    soundfile.write(tmp_path / "a.wav", np.zeros(100), 16_000)
    assert build_audio(tmp_path, "a.wav") == [
        "a.wav: nothing but digital silence",
        "a.wav: padded with silence from 0.006 s to 0.100 s",
    ]


def write_text(path: Path) -> None:
    path.write_text("this is no audio\n")


def write_empty(path: Path) -> None:
    soundfile.write(path, np.zeros(0), 16_000)


def write_header_only(path: Path) -> None:
    write_noise(path, 16_000, 1, "PCM_16")
    path.write_bytes(path.read_bytes()[:30])


def write_nan(path: Path) -> None:
    soundfile.write(path, np.full(4000, np.nan), 16_000, subtype="FLOAT")


def write_nothing(path: Path) -> None:
    path.touch()


@pytest.mark.parametrize(
    "write",
    [write_text, write_empty, write_header_only, write_nan, write_nothing, Path.mkdir, lambda p: p],
    ids=["text", "empty", "header only", "NaN", "no bytes", "directory", "absent"],
)
def test_unusable_audio(tmp_path: Path, write: object) -> None:
    write(tmp_path / "a.wav")  # type: ignore[operator]
    onnx.save(speech_model(), tmp_path / "m.onnx")
    before = tree(tmp_path)
    options = ["--target", "cortex-m4", "--out", "out", "--json"]
    assert "a.wav" in refused(
        toolkit("build", "m.onnx", "--audio", "a.wav", *options, cwd=tmp_path)
    )
    assert tree(tmp_path) == before


def test_audio_for_a_model_that_takes_none(tmp_path: Path) -> None:
    onnx.save(image_model(), tmp_path / "m.onnx")
    write_noise(tmp_path / "a.wav", 16_000, 1, "PCM_16")
    options = ["--target", "cortex-m4", "--out", "out"]
    run = toolkit("build", "m.onnx", "--audio", "a.wav", *options, cwd=tmp_path)
    assert "toolkit verify" in refused(run)
    assert sorted(tree(tmp_path)) == ["a.wav", "m.onnx"]


@pytest.mark.parametrize("labels", ["[" * 100_000, '[1, null, "[red]*/"]'])
def test_hostile_labels(tmp_path: Path, labels: str) -> None:
    onnx.save(speech_model(labels=labels), tmp_path / "m.onnx")
    options = ["--target", "cortex-m4", "--seconds", "0.1", "--out", "out", "--simulator", "host"]
    run = toolkit("build", "m.onnx", *options, "--toolchain", "zig", cwd=tmp_path)
    assert run.exit_code == 0, run
    assert "output[0]" in run.stdout or "[red]*/" in run.stdout


def test_calibration_audio_and_its_absence(tmp_path: Path) -> None:
    onnx.save(speech_model(), tmp_path / "m.onnx")
    options = ["-o", "m.tflite", "--seconds", "0.1", "--json"]
    (issue,) = toolkit("convert", "m.onnx", *options, cwd=tmp_path).json["issues"]
    assert "--calib" in issue["message"]
    (tmp_path / "clips").mkdir()
    run = toolkit("convert", "m.onnx", *options, "--calib", "clips", cwd=tmp_path)
    assert "holds no audio files" in refused(run)
    write_noise(tmp_path / "clips" / "a.wav", 16_000, 1, "PCM_16")
    run = toolkit("convert", "m.onnx", *options, "--calib", "clips", cwd=tmp_path)
    assert [issue["code"] for issue in run.json["issues"]] == ["calibration.data"]
