"""``toolkit features show | check | plot``: what they print, write and refuse."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import onnx
import pytest
import soundfile

from tests.support.cli import image_model, refused, toolkit, tree, write_noise
from toolkit.features.front_end import FrontEnd
from toolkit.features.spec import KEYWORD_MFCC, MICRO_SPEECH, WAV2SMALL, WAV2SMALL_RUNNING, Raw
from toolkit.features.text import from_toml, to_toml

SPECS = {
    "log_mel": replace(WAV2SMALL, frame_samples=400, hop_samples=160, center=True),
    "mfcc": KEYWORD_MFCC,
    "micro_frontend": MICRO_SPEECH,
    "raw": Raw(16_000, 160, 160),
}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A specification of every kind, and a clip."""
    for name, spec in SPECS.items():
        (tmp_path / f"{name}.toml").write_text(to_toml(spec))
    write_noise(tmp_path / "a.wav", 16_000, 1, "PCM_16", 0.2)
    return tmp_path


def figures(run_json: dict[str, list[dict[str, object]]]) -> dict[str, object]:
    return {m["name"]: m["value"] for m in run_json["measurements"]}  # type: ignore[misc]


def test_show_of_the_zoo_model_has_its_figures(tmp_path: Path) -> None:
    run = toolkit("features", "show", "--json", cwd=tmp_path)
    assert run.exit_code == 0
    assert run.json["feature_spec"] == json.loads(WAV2SMALL_RUNNING.to_json())
    found = figures(run.json)
    expected = {"frame_ms": 4, "hop_ms": 2, "frames_per_second": 500, "row_values": 26}
    assert found.items() >= {**expected, "feature_latency_ms": 2}.items()
    words = toolkit("features", "show", cwd=tmp_path).stdout
    assert "running mean and mean square, time constant 3 s" in words
    assert "500 1/s" in words


@pytest.mark.parametrize("arithmetic", ["float32", "fixed"])
@pytest.mark.parametrize("name", SPECS)
def test_show_of_a_specification(name: str, arithmetic: str, folder: Path) -> None:
    options = ("--arithmetic", arithmetic, "--json")
    run = toolkit("features", "show", f"{name}.toml", *options, cwd=folder)
    found = figures(run.json)
    assert found["row_values"] == SPECS[name].row_values
    assert found["feature_state_bytes"] > 2 * SPECS[name].frame_samples  # type: ignore[operator]
    clip_level = SPECS[name].level.mode == "clip"
    assert any("endless" in issue["message"] for issue in run.json["issues"]) == clip_level
    written = toolkit("features", "show", f"{name}.toml", "--toml", cwd=folder).stdout
    assert from_toml(written) == SPECS[name]


@pytest.mark.parametrize(
    ("arithmetic", "least", "most"), [("float32", 0.999, 1), ("fixed", 0.98, 2)]
)
@pytest.mark.parametrize("name", SPECS)
def test_check_compares_the_c_with_numpy(
    name: str, arithmetic: str, least: float, most: int, folder: Path
) -> None:
    options = ("--audio", "a.wav", "--arithmetic", arithmetic, "--json")
    run = toolkit("features", "check", f"{name}.toml", *options, cwd=folder)
    assert run.exit_code == 0, run
    found = figures(run.json)
    assert found["feature_identical_fraction"] >= least  # type: ignore[operator]
    assert found["feature_max_error_steps"] <= most  # type: ignore[operator]
    rows = SPECS[name].rows_for_samples(3200)
    assert found["feature_values"] == rows * SPECS[name].row_values


def test_check_takes_a_folder_of_audio_and_a_model(folder: Path) -> None:
    write_noise(folder / "b.wav", 48_000, 2, "PCM_24", 0.1)
    run = toolkit("features", "check", "wav2small", "--audio", ".", "--json", cwd=folder)
    assert run.exit_code == 0
    assert figures(run.json)["feature_values"] == (99 + 49) * 26
    assert [issue["message"] for issue in run.json["issues"]] == [
        "b.wav: mixed 2 channels down to one",
        "b.wav: resampled from 48000 Hz to 16000 Hz",
    ]


def test_check_names_a_floor_that_fixed_point_does_not_resolve(folder: Path) -> None:
    (folder / "low.json").write_text(replace(WAV2SMALL_RUNNING, floor=1e-15).to_json())
    options = ("features", "check", "low.json", "--audio", "a.wav", "--json")
    notes = {
        arithmetic: [
            issue["message"]
            for issue in toolkit(*options, "--arithmetic", arithmetic, cwd=folder).json["issues"]
            if "resolves no floor below" in issue["message"]
        ]
        for arithmetic in ("float32", "fixed")
    }
    assert (len(notes["float32"]), len(notes["fixed"])) == (0, 1)


def test_check_fails_where_the_c_differs(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from toolkit.verbs.features import emit_features_only as emit

    def emit_louder(front_end: FrontEnd) -> object:
        return emit(replace(front_end, scale=front_end.scale * 1.02))

    monkeypatch.setattr("toolkit.verbs.features.emit_features_only", emit_louder)
    run = toolkit("features", "check", "log_mel.toml", "--audio", "a.wav", "--json", cwd=folder)
    assert run.exit_code == 1
    (check,) = run.json["checks"]
    assert (check["name"], check["passed"]) == ("features_match", False)


@pytest.mark.parametrize("suffix", [".png", ".svg"])
def test_plot_writes_an_image(suffix: str, folder: Path) -> None:
    pytest.importorskip("matplotlib")
    run = toolkit(
        *("features", "plot", "log_mel.toml", "--audio", "a.wav", "-o", f"f{suffix}"), cwd=folder
    )
    assert (run.exit_code, run.stdout) == (0, f"wrote f{suffix}\n")
    head = (folder / f"f{suffix}").read_bytes()[:8]
    assert head == b"\x89PNG\r\n\x1a\n" if suffix == ".png" else head.startswith(b"<?xml")


def test_plot_without_matplotlib(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import sys

    for name in [n for n in sys.modules if n.split(".")[0] == "matplotlib"]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "matplotlib", None)  # type: ignore[arg-type]
    run = toolkit("features", "plot", "mfcc.toml", "--audio", "a.wav", "-o", "f.png", cwd=folder)
    assert "pip install 'hearing-aid-toolkit[plot]'" in refused(run, exit_code=3)


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["show", "image.onnx"], "image.onnx: the model carries no feature specification."),
        (["show", "missing.toml"], "missing.toml: cannot be read: No such file"),
        (["show", "bad.toml"], "bad.toml: feature spec: must be TOML;"),
        (["show", "wrong.json"], "wrong.json: feature spec: kind must be"),
        (["show", "wav2smal"], "Did you mean 'wav2small'?"),
        (["check", "mfcc.toml", "--audio", "missing.wav"], "missing.wav: no such audio file."),
        (["check", "mfcc.toml", "--audio", "empty"], "empty: holds no audio files."),
        (["check", "mfcc.toml", "--audio", "short.wav"], "short.wav: too short: 100 samples"),
        (["plot", "mfcc.toml", "--audio", "a.wav", "-o", "f.txt"], "f.txt: a plot's suffix must"),
        (["plot", "mfcc.toml", "--audio", ".", "-o", "f.png"], "--audio must be one file"),
        (["plot", "mfcc.toml", "--audio", "a.wav", "-o", "no/f.png"], "no/f.png: cannot be"),
    ],
)
def test_refusals(arguments: list[str], expected: str, folder: Path) -> None:
    onnx.save(image_model(), folder / "image.onnx")
    (folder / "bad.toml").write_text("frame_samples =")
    (folder / "wrong.json").write_text(
        '{"kind": "cqt", "sample_rate_hz": 8000, "frame_samples": 64, "hop_samples": 1}'
    )
    (folder / "empty").mkdir()
    soundfile.write(folder / "short.wav", np.ones(100) * 0.1, 16_000)
    before = tree(folder)
    assert expected in refused(toolkit("features", *arguments, cwd=folder))
    assert tree(folder) == before
