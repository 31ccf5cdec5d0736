"""The denoiser of benchmarks/denoiser.py: its arithmetic, and a small one from training to rows."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("torch", reason="needs the extra `train`")

from benchmarks.denoiser import (
    SPEC,
    Size,
    coloured_noise,
    ideal_mask,
    masked,
    measure,
    mix,
    si_sdr_db,
    table,
)
from toolkit.features.audio import load_clip
from toolkit.model.source import demo_clip

SPEECH = load_clip(demo_clip(), SPEC.sample_rate_hz).samples
INNER = slice(SPEC.frame_samples, -SPEC.frame_samples)


def test_a_mask_of_ones_changes_nothing() -> None:
    mixture = mix(SPEECH, np.random.default_rng(0), 0.0)
    same = masked(mixture.noisy, np.ones_like(ideal_mask(mixture)))
    assert np.allclose(same[INNER], mixture.noisy[INNER] / 32768.0, atol=1e-6)


def test_the_ratio_is_that_of_the_mixture_and_the_ideal_mask_raises_it() -> None:
    mixture = mix(SPEECH, np.random.default_rng(0), 3.0)
    noisy = si_sdr_db(mixture.speech, mixture.noisy / 32768.0)
    assert noisy == pytest.approx(3.0, abs=1.0)  # the ends are left out, chance correlates
    assert si_sdr_db(mixture.speech, 0.1 * mixture.noisy) == pytest.approx(noisy)
    assert si_sdr_db(mixture.speech, masked(mixture.noisy, ideal_mask(mixture))) > noisy + 3.0


def test_noise_is_the_same_for_the_same_seed() -> None:
    first, second, other = (coloured_noise(np.random.default_rng(s), 4000) for s in (1, 1, 2))
    assert np.array_equal(first, second) and not np.array_equal(first, other)


@pytest.mark.exhaustive
def test_a_small_denoiser_from_training_to_rows(data_dir: Path) -> None:
    """Every byte of the mask is right, and a row is there with its own frame of 32 ms."""
    outcome = measure(data_dir / "emodb", Size(clips=32, steps=20, seconds=5))
    rows = SPEC.rows_for_samples(5 * SPEC.sample_rate_hz)
    assert outcome.device_mask.shape == (rows, SPEC.n_mels)
    words = table(outcome)
    assert f"| 0 of {rows * SPEC.n_mels:,} | measured |" in words
    assert "| algorithmic delay | 0 frames, 32 ms | estimated |" in words
    assert np.abs(outcome.device_mask - outcome.float_mask).mean() < 0.02
