"""Targets, splits, augmentation, metrics and the training loop."""

from __future__ import annotations

import csv
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import soundfile as sf

torch = pytest.importorskip("torch", reason="needs the extra `train`")

from toolkit.training.train import ccc_loss, train  # noqa: E402

from tests.support import outside  # noqa: E402
from toolkit.errors import InputError  # noqa: E402
from toolkit.features.extract import extract  # noqa: E402
from toolkit.features.kinds.mfcc import dct_matrix  # noqa: E402
from toolkit.features.spec import (  # noqa: E402
    KEYWORD_MFCC,
    MICRO_SPEECH,
    WAV2SMALL_RUNNING,
    FeatureSpec,
    LevelSpec,
)
from toolkit.metrics import concordance  # noqa: E402
from toolkit.training.augment import augmented_features  # noqa: E402
from toolkit.training.data import (  # noqa: E402
    EMODB_SPLIT,
    PAD_NORMS,
    load_emodb,
    load_emotale,
    of_speakers,
    pad_target,
)


def test_concordance_by_hand() -> None:
    x = np.array([1.0, 2.0, 3.0])
    assert concordance(x, x) == 1.0
    assert concordance(x, -x + 4.0) == -1.0
    # cov = var = 2/3, means differ by 1: 2 * 2/3 / (4/3 + 1) = 4/7
    assert concordance(x, x + 1.0) == pytest.approx(4 / 7)
    assert concordance(np.full(3, 0.5), x) == 0.0
    assert concordance(np.full(3, 0.5), np.full(3, 0.5)) == 0.0


def test_loss_is_one_minus_mean_concordance() -> None:
    rng = np.random.default_rng(0)
    x, y = rng.standard_normal((2, 40, 3))
    expected = 1.0 - np.mean([concordance(x[:, i], y[:, i]) for i in range(3)])
    loss = ccc_loss(torch.from_numpy(x), torch.from_numpy(y))
    assert loss.item() == pytest.approx(expected, abs=1e-12)


def test_targets_follow_the_norms() -> None:
    # Happiness: arousal .51, dominance .46, pleasure .81 on -1..1, in the order A, D, V on 0..1.
    np.testing.assert_allclose(pad_target("happiness"), [0.755, 0.73, 0.905], atol=1e-6)
    np.testing.assert_allclose(pad_target("neutral"), [0.5, 0.5, 0.5])
    assert all(0.0 <= pad_target(name).min() <= pad_target(name).max() <= 1.0 for name in PAD_NORMS)


def test_split_is_by_speaker() -> None:
    speakers = [name for part in EMODB_SPLIT.values() for name in part]
    assert len(speakers) == len(set(speakers)) == 10


@pytest.mark.parametrize("seconds", [0.5, 1.0, 2.5])
def test_augmented_features_have_their_shape_whatever_the_clip(seconds: float) -> None:
    rng = np.random.default_rng(1)
    samples = (3000 * rng.standard_normal(int(16_000 * seconds))).astype(np.int16)
    drawn = [
        augmented_features(samples, 499, WAV2SMALL_RUNNING, np.random.default_rng(seed))
        for seed in (5, 5, 6)
    ]
    assert drawn[0].shape == (499, 26)
    assert drawn[0].dtype == np.float32
    assert np.isfinite(drawn[0]).all()
    np.testing.assert_array_equal(drawn[0], drawn[1])
    assert not np.array_equal(drawn[0], drawn[2])


def drawn_features(spec: FeatureSpec, rows: int, seed: int = 3) -> np.ndarray:
    tone = 8000 * np.sin(0.2 * np.arange(40_000)) + np.random.default_rng(2).normal(0, 900, 40_000)
    rng = np.random.default_rng(seed)
    return augmented_features(tone.astype(np.int16), rows, spec, rng)


def test_cepstra_are_those_of_the_augmented_bands() -> None:
    for seed in range(10):
        bands = drawn_features(replace(KEYWORD_MFCC, kind="log_mel"), 49, seed)
        expected = bands @ dct_matrix(KEYWORD_MFCC).T
        found = drawn_features(KEYWORD_MFCC, 49, seed)
        np.testing.assert_allclose(found, expected, atol=1e-3)


def test_a_tilt_is_the_same_response_whatever_the_unit() -> None:
    """Decibels, natural logarithms of power and of magnitude: 10 / ln 10 and 20 / ln 10 apart."""
    decibels = drawn_features(WAV2SMALL_RUNNING, 400)
    nepers = drawn_features(replace(WAV2SMALL_RUNNING, log="ln"), 400)
    np.testing.assert_allclose(nepers * 10.0 / np.log(10.0), decibels, atol=1e-3)
    fine = replace(WAV2SMALL_RUNNING, power=1.0, floor=1e-8)
    decibels, nepers = drawn_features(fine, 400), drawn_features(replace(fine, log="ln"), 400)
    np.testing.assert_allclose(nepers * 20.0 / np.log(10.0), decibels, atol=1e-3)


@pytest.mark.parametrize(
    "spec",
    [MICRO_SPEECH, FeatureSpec(16_000, 320, 320, kind="raw", level=LevelSpec("fixed"))],
    ids=["micro_frontend", "raw"],
)
def test_what_is_no_logarithm_of_bands_is_not_tilted_or_masked(
    spec: FeatureSpec, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The features are those of a waveform: the one that was heard."""
    heard = []

    def record(samples: np.ndarray, spec: FeatureSpec) -> np.ndarray:
        heard.append(samples)
        return extract(samples, spec)

    monkeypatch.setitem(augmented_features.__globals__, "extract", record)
    features = drawn_features(spec, 49)
    assert features.shape == (49, spec.row_values)
    np.testing.assert_array_equal(features, extract(heard[0], spec))


def test_few_rows_and_bands_can_be_augmented() -> None:
    small = replace(WAV2SMALL_RUNNING, n_mels=2)
    assert drawn_features(small, 1).shape == (1, 2)


@pytest.fixture
def small_emodb(tmp_path: Path) -> Path:
    """A corpus in Emo-DB's layout: each speaker says each emotion once, as a tone in noise."""
    root = tmp_path / "emodb"
    (root / "audio").mkdir(parents=True)
    rng = np.random.default_rng(0)
    rows = []
    for speaker in (name for part in EMODB_SPLIT.values() for name in part):
        for i, emotion in enumerate(sorted(PAD_NORMS)):
            takes = 4 if speaker in EMODB_SPLIT["train"][:1] else 1
            for take in range(takes):
                name = f"{speaker}{emotion}{take}.flac"
                t = np.arange(32_000) / 16_000
                tone = np.sin(2 * np.pi * (300 + 400 * i) * t) + 0.3 * rng.standard_normal(len(t))
                sf.write(root / "audio" / name, 0.1 * tone, 16_000)
                rows.append({"file": name, "speaker": speaker, "emotion": emotion})
    with (root / "labels.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, ["file", "speaker", "emotion"])
        writer.writeheader()
        writer.writerows(rows)
    return root


def test_training_is_reproducible_and_writes_what_it_says(
    small_emodb: Path, tmp_path: Path
) -> None:
    runs = [tmp_path / "first", tmp_path / "second"]
    results = [train(small_emodb, run, seed=3, steps=2) for run in runs]
    assert results[0] == results[1]
    assert set(results[0]) == {"train", "validation", "test"}
    for name in ("model.onnx", "model.safetensors", "metrics.json"):
        assert (runs[0] / name).read_bytes() == (runs[1] / name).read_bytes(), name
    assert json.loads((runs[0] / "metrics.json").read_text()) == results[0]


def test_missing_corpus_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"labels\.csv': no such file"):
        train(tmp_path / "nowhere", tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_stereo_clip_is_refused(small_emodb: Path) -> None:
    name = next(iter((small_emodb / "audio").iterdir()))
    sf.write(name, np.zeros((1600, 2)), 16_000)
    with pytest.raises(InputError, match="must be mono at 16000 Hz"):
        load_emodb(small_emodb)


def test_real_corpora() -> None:
    root = outside.file(outside.DATA, "emodb/labels.csv").parents[1]
    clips = load_emodb(root / "emodb")
    assert len(clips) == 535
    parts = {part: of_speakers(clips, who) for part, who in EMODB_SPLIT.items()}
    assert sum(map(len, parts.values())) == 535
    assert all({c.emotion for c in part} == set(PAD_NORMS) for part in parts.values())
    rated = np.stack([clip.target for clip in load_emotale(root / "emotale")])
    assert rated.shape == (525, 3)
    assert 0.0 <= rated.min() < 0.2 < 0.8 < rated.max() <= 1.0
