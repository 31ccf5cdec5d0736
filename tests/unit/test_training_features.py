"""The features in torch against the numpy reference."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from toolkit.errors import UnsupportedError  # noqa: E402
from toolkit.features.extract import extract as in_numpy  # noqa: E402
from toolkit.features.presets import PRESETS  # noqa: E402
from toolkit.features.spec import (  # noqa: E402
    KEYWORD_MFCC,
    MICRO_SPEECH,
    WAV2SMALL,
    LevelSpec,
    Raw,
)
from toolkit.training.features import extract as in_torch  # noqa: E402

SPECS = {
    "log_mel": WAV2SMALL,
    "centred_magnitude": replace(
        WAV2SMALL, frame_samples=400, hop_samples=500, center=True, power=1.0, flooring="add"
    ),
    "mfcc": KEYWORD_MFCC,
    "kaldi": PRESETS["kaldi-mfcc"].spec,
    "whisper": PRESETS["whisper"].spec,
    "rows": replace(KEYWORD_MFCC, deltas=2, normalise="clip", stack=3, stack_step=2),
    "raw": Raw(16_000, 160, 160),
}


@pytest.mark.parametrize("mode", ["clip", "running", "fixed"])
@pytest.mark.parametrize("name", SPECS)
def test_equals_numpy_clip_by_clip(name: str, mode: str) -> None:
    spec = replace(SPECS[name], level=LevelSpec(mode, time_constant_s=0.02, gain=3.0))
    rng = np.random.default_rng(4)
    clips = 0.02 + rng.normal(size=(3, 4000)) * np.array([[0.001], [0.1], [0.0]])
    clips[:, :2000] *= 0.1
    features = in_torch(torch.from_numpy(clips), spec).numpy()
    expected = np.stack([in_numpy(clip, spec) for clip in clips])
    assert features.shape == expected.shape
    np.testing.assert_allclose(features, expected, rtol=1e-6, atol=1e-5)


def test_an_emphasised_clip_equals_numpy() -> None:
    clip = 0.1 * np.random.default_rng(0).normal(size=4000)
    spec = PRESETS["nemo"].spec
    found = in_torch(torch.from_numpy(clip)[None], spec).numpy()[0]
    np.testing.assert_allclose(found, in_numpy(clip, spec), rtol=1e-6, atol=1e-5)


def test_gradients_reach_the_samples() -> None:
    samples = torch.randn(1, 2000, dtype=torch.float64, requires_grad=True)
    spec = replace(WAV2SMALL, level=LevelSpec("running", time_constant_s=0.05))
    in_torch(samples, spec).sum().backward()
    assert torch.isfinite(samples.grad).all()
    assert samples.grad.abs().max() > 0


def test_integer_features_are_refused() -> None:
    with pytest.raises(UnsupportedError, match="micro_frontend"):
        in_torch(torch.zeros(1, 16_000), MICRO_SPEECH)
