"""Models with every kind of features, built and simulated: what travels in the model file runs."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import onnx
import pytest

from tests.support.cli import built, speech_model, toolkit, write_noise
from toolkit.features.spec import (
    KEYWORD_MFCC,
    MICRO_SPEECH,
    WAV2SMALL,
    WAV2SMALL_RUNNING,
    LevelSpec,
    Raw,
)
from toolkit.features.tables import state_bytes

# The model takes rows of 26.
SPECS = {
    "centred": replace(WAV2SMALL_RUNNING, frame_samples=100, hop_samples=50, center=True),
    "sparse": replace(WAV2SMALL_RUNNING, hop_samples=100, power=1.0),
    "clip_level": replace(WAV2SMALL, flooring="add"),
    "mfcc": replace(KEYWORD_MFCC, n_mfcc=26),
    "micro_frontend": replace(MICRO_SPEECH, n_mels=26),
    "raw": Raw(16_000, 26, 26, level=LevelSpec("running")),
}


def figures_of(
    name: str, folder: Path, schedule: str, arithmetic: str = "auto"
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Measurements and checks of a build for a core with floating point, by name."""
    onnx.save(speech_model(SPECS[name].to_json()), folder / "m.onnx")
    write_noise(folder / "a.wav", 16_000, 1, "PCM_16", 0.3)
    options = ["--target", "cortex-m4", "--seconds", "0.3", "--audio", "a.wav", "--out", "out"]
    options += ["--schedule", schedule, "--arithmetic", arithmetic, "--json"]
    report = built(toolkit("build", "m.onnx", *options, cwd=folder))
    assert report["schedule"] == schedule
    measurements = {m["name"]: m for m in report["measurements"]}
    return measurements, {check["name"]: check for check in report["checks"]}


@pytest.mark.parametrize(
    ("name", "schedule"),
    [*((name, "stream") for name in SPECS), ("centred", "batch"), ("clip_level", "batch")],
)
def test_a_model_with_any_features_builds_and_matches(
    name: str, schedule: str, tmp_path: Path
) -> None:
    figures, checks = figures_of(name, tmp_path, schedule)
    assert figures["feature_identical_fraction"]["value"] >= 0.999
    assert figures["feature_max_error_steps"]["value"] <= 1
    arithmetic = "integer" if name == "micro_frontend" else "float32"
    assert f"in {arithmetic} arithmetic" in figures["feature_max_error_steps"]["basis"]
    assert checks["features_match"]["passed"] and not checks["features_match"]["required"]


@pytest.mark.parametrize("name", ["centred", "mfcc", "raw"])
def test_a_core_with_floating_point_computes_features_in_fixed_point_when_asked(
    name: str, tmp_path: Path
) -> None:
    figures, checks = figures_of(name, tmp_path, "stream", "fixed")
    assert figures["feature_identical_fraction"]["value"] >= 0.98
    assert figures["feature_max_error_steps"]["value"] <= 2
    assert "in fixed arithmetic" in figures["feature_max_error_steps"]["basis"]
    assert checks["features_match"]["passed"]
    assert checks["plan_linked"]["passed"]  # its state is another
    planned = state_bytes(SPECS[name], "fixed")
    assert f"features {planned:,} B" in checks["plan_linked"]["detail"]
    names = {path.name for path in (tmp_path / "out" / "m_net" / "src").iterdir()}
    assert "m_net_tk_level_q.c" in names and "m_net_tk_level.c" not in names
