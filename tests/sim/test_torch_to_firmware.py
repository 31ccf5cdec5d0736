"""From a torch model with torchaudio's features to running firmware, in three commands."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from tests.support.cli import built, toolkit  # noqa: E402
from tests.unit.test_features_presets import torchaudio_mel  # noqa: E402
from toolkit.features.audio import load_clip  # noqa: E402
from toolkit.features.extract import extract  # noqa: E402
from toolkit.features.quantise import quantise_features  # noqa: E402
from toolkit.features.text import read_spec  # noqa: E402
from toolkit.model.source import demo_clip  # noqa: E402

nn = torch.nn


class Net(nn.Module):  # type: ignore[misc, name-defined]
    """[batch, 128 bands, rows] to three scores."""

    def __init__(self) -> None:
        super().__init__()
        self.body = nn.Sequential(
            nn.Conv1d(128, 24, 5, stride=2), nn.ReLU(), nn.Conv1d(24, 24, 3), nn.ReLU()
        )
        self.head = nn.Linear(24, 3)

    def forward(self, mel: torch.Tensor) -> torch.Tensor:
        return self.head(self.body(mel / 40.0).mean(-1))


def test_features_and_outputs_are_torch_s(tmp_path: Path) -> None:
    torch.manual_seed(1)
    net = Net().eval()
    (tmp_path / "calib").mkdir()
    (tmp_path / "calib" / "speech.wav").write_bytes(demo_clip().read_bytes())

    # 1
    torch.onnx.export(
        net,
        (torch.zeros(1, 128, 81),),
        tmp_path / "model.onnx",
        input_names=["mel"],
        dynamic_axes={"mel": {0: "batch", 2: "time"}},
        dynamo=False,
    )
    # 2
    made = toolkit(
        *("features", "init", "model.onnx", "--preset", "torchaudio", "-o", "spec.toml"),
        cwd=tmp_path,
    )
    assert made.exit_code == 0
    # 3
    options = ("--target", "cortex-m4", "--calib", "calib", "--out", "firmware", "--json")
    report = built(
        toolkit("build", "model.onnx", "--features", "spec.toml", *options, cwd=tmp_path)
    )

    checks = {check["name"]: check for check in report["checks"]}
    assert checks["features_match"]["passed"]
    assert checks["device_near_float"]["passed"]
    samples = load_clip(demo_clip(), 16_000).samples
    mel = torchaudio_mel(samples).astype(np.float32)
    features = extract(samples, read_spec(tmp_path / "spec.toml"))
    steps = np.abs(quantise_features(features, 0.5, 0).astype(int) - quantise_features(mel, 0.5, 0))
    assert steps.max() <= 1
    with torch.no_grad():
        expected = net(torch.from_numpy(mel.T.copy())[None])[0].numpy()
    given = {p["label"]: p for p in report["predictions"]}
    in_float = np.array([p["float"] for p in given.values()])
    np.testing.assert_allclose(in_float, expected, atol=1e-4)  # torch's own, from its own features
    off = np.abs(np.array([p["device"] for p in given.values()]) - expected)
    print(expected, off)
    assert off.max() <= 0.05 * np.ptp(expected)
