"""Models with every kind of features, built and simulated: what travels in the model file runs."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import onnx
import pytest

from tests.support.cli import built, speech_model, toolkit, write_noise
from toolkit.features.spec import (
    KEYWORD_MFCC,
    MICRO_SPEECH,
    WAV2SMALL,
    WAV2SMALL_RUNNING,
    FeatureSpec,
    LevelSpec,
)

# The model takes rows of 26.
SPECS = {
    "centred": replace(WAV2SMALL_RUNNING, frame_samples=100, hop_samples=50, center=True),
    "sparse": replace(WAV2SMALL_RUNNING, hop_samples=100, power=1.0),
    "clip_level": replace(WAV2SMALL, flooring="add"),
    "mfcc": replace(KEYWORD_MFCC, n_mfcc=26),
    "micro_frontend": replace(MICRO_SPEECH, n_mels=26),
    "raw": FeatureSpec(16_000, 26, 26, kind="raw", level=LevelSpec("running")),
}


@pytest.mark.parametrize(
    ("name", "schedule"),
    [*((name, "stream") for name in SPECS), ("centred", "batch"), ("clip_level", "batch")],
)
def test_a_model_with_any_features_builds_and_matches(
    name: str, schedule: str, tmp_path: Path
) -> None:
    onnx.save(speech_model(SPECS[name].to_json()), tmp_path / "m.onnx")
    write_noise(tmp_path / "a.wav", 16_000, 1, "PCM_16", 0.3)
    options = ["--target", "cortex-m4", "--seconds", "0.3", "--audio", "a.wav", "--out", "out"]
    report = built(
        toolkit("build", "m.onnx", *options, "--schedule", schedule, "--json", cwd=tmp_path)
    )
    assert report["schedule"] == schedule
    figures = {m["name"]: m["value"] for m in report["measurements"]}
    assert figures["feature_identical_fraction"] >= 0.999
    assert figures["feature_max_error_steps"] <= 1
