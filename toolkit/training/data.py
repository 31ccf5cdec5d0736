"""Emo-DB and EmoTale as they lie in a data folder, for tests and benchmarks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from toolkit.features.audio import load_clip
from toolkit.training.config import Corpus
from toolkit.training.manifest import load_manifest

SAMPLE_RATE_HZ = 16_000

#: Emo-DB's speakers; one woman and one man each for validation and test.
EMODB_SPLIT = {
    "train": ("03", "08", "10", "11", "13", "14"),
    "validation": ("09", "12"),
    "test": ("15", "16"),
}
EMOTALE_SPEAKERS = ("001", "003", "004", "005", "006", "007", "010", "011", "012", "013", "015")
EMOTALE_CLASSES = {
    "A": "anger",
    "B": "boredom",
    "H": "happiness",
    "N": "neutral",
    "S": "sadness",
}


@dataclass(frozen=True)
class Clip:
    """One utterance: int16 samples at 16 kHz, and target [3] = A, D, V in 0..1."""

    name: str
    speaker: str
    emotion: str
    samples: NDArray[np.int16]
    target: NDArray[np.float32]


def load_emodb(root: Path) -> list[Clip]:
    """All clips of Emo-DB in ``root`` (labels.csv, audio/), targets by published norms."""
    return _load(Corpus(root / "labels.csv", "emodb", "audio", targets="norms", split=EMODB_SPLIT))


def load_emotale(root: Path) -> list[Clip]:
    """All clips of EmoTale in ``root``; targets are the raters' means, (x - 1) / 4."""
    split = {"test": EMOTALE_SPEAKERS}
    return _load(
        Corpus(
            root / "labels.csv",
            "emotale",
            "audio",
            scale=(1.0, 5.0),
            classes=EMOTALE_CLASSES,
            split=split,
        )
    )


def of_speakers(clips: Sequence[Clip], speakers: Sequence[str]) -> list[Clip]:
    """The clips spoken by ``speakers``, in their order."""
    return [clip for clip in clips if clip.speaker in speakers]


def _load(corpus: Corpus) -> list[Clip]:
    return [
        Clip(r.path.name, r.speaker, r.emotion, load_clip(r.path, SAMPLE_RATE_HZ).samples, r.target)
        for r in load_manifest(corpus)
    ]
