"""A corpus of tones to train on, and the config that does."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import soundfile

RATE_HZ = 16_000
SPEAKERS = {"train": ("a", "b"), "validation": ("c",), "test": ("d",)}
CLASSES = ("anger", "boredom", "happiness", "sadness")


def write_corpus(root: Path, seconds: float = 1.2) -> Path:
    """Every speaker says every class three times, as a tone in noise; returns ``labels.csv``."""
    (root / "audio").mkdir(parents=True)
    rng = np.random.default_rng(0)
    rows = []
    for split, speakers in SPEAKERS.items():
        for speaker in speakers:
            for number, emotion in enumerate(CLASSES):
                for take in range(3):
                    name = f"{speaker}_{emotion}_{take}.flac"
                    t = np.arange(round(seconds * RATE_HZ)) / RATE_HZ
                    tone = np.sin(2 * np.pi * (300 + 500 * number) * t)
                    noise = 0.3 * rng.standard_normal(len(t))
                    soundfile.write(root / "audio" / name, 0.1 * (tone + noise), RATE_HZ)
                    ratings = 1 + 4 * np.array([number / 3, 1 - number / 3, number % 2])
                    rows.append([name, speaker, split, emotion, *ratings.round(3)])
    labels = root / "labels.csv"
    with labels.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["file", "speaker", "split", "emotion", "A", "D", "V"])
        writer.writerows(rows)
    return labels


def config_text(labels: Path, top: str = "", corpus: str = "", rest: str = "") -> str:
    """A config of a few steps for `write_corpus`."""
    return f"""net = "wav2small_ha"
steps = 4
batch = 8
validate_every = 2
{top}
[[corpus]]
name = "tones"
manifest = "{labels}"
audio = "audio"
scale = [1, 5]
{corpus}
[features]
hop_samples = 256
[augment]
crop_seconds = [0.5, 0.8]
{rest}
"""


def search_text(labels: Path, top: str = "", space: str = "", limits: str = "") -> str:
    """A search of a few trainings of a few steps on `write_corpus`."""
    return f"""trainings = 3
population = 2
rungs = [2]
{top}
[space]
stages = [1, 2]
layers = [1]
widths = [4, 8]
kernels = [[3, 3], [1, 3]]
{space}
[[budget]]
target = "hearing-aid"
[budget.limits]
flash_bytes = "64 KiB"
{limits}
[train]
steps = 4
batch = 8
[train.augment]
crop_seconds = [0.5, 0.8]
[[train.corpus]]
name = "tones"
manifest = "{labels}"
audio = "audio"
scale = [1, 5]
"""
