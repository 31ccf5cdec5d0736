"""Speech corpora with arousal, dominance and valence, split by speaker.

Emo-DB (Burkhardt et al., "A Database of German Emotional Speech", Interspeech 2005) names only
the acted emotion.  Its targets are the mean ratings of that emotion word by Russell & Mehrabian,
"Evidence for a three-factor theory of emotions", J. Research in Personality 11 (1977) 273-294,
on scales of -1..1 for pleasure, arousal and dominance.  The numbers below were taken from
secondary sources that agree with one another (PAD tables in public affective-computing software,
and Mehrabian's own page www.kaaj.com/psych/scales/emotion.html as those cite it); the article
itself was not at hand.  Every clip of a class has the same target: it says what was acted, not
what was heard.
"""

from __future__ import annotations

import csv
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import soundfile as sf
from numpy.typing import NDArray

from toolkit.errors import InputError

SAMPLE_RATE_HZ = 16_000

#: Emo-DB's class to (pleasure, arousal, dominance) of the word in the comment; -1..1.
PAD_NORMS = {
    "anger": (-0.51, 0.59, 0.25),  # angry
    "boredom": (-0.65, -0.62, -0.33),  # bored
    "disgust": (-0.60, 0.35, 0.11),  # disgusted
    "fear": (-0.64, 0.60, -0.43),  # fearful
    "happiness": (0.81, 0.51, 0.46),  # happy
    "neutral": (0.0, 0.0, 0.0),  # no word of the norms: the scales' origin
    "sadness": (-0.63, -0.27, -0.33),  # sad
}

#: Emo-DB's speakers; one woman and one man each for validation and test.
EMODB_SPLIT = {
    "train": ("03", "08", "10", "11", "13", "14"),
    "validation": ("09", "12"),
    "test": ("15", "16"),
}

Row = dict[str, str]


@dataclass(frozen=True)
class Clip:
    """One utterance: int16 samples at 16 kHz, and target [3] = A, D, V in 0..1."""

    name: str
    speaker: str
    emotion: str
    samples: NDArray[np.int16]
    target: NDArray[np.float32]


def pad_target(emotion: str) -> NDArray[np.float32]:
    """A, D, V in 0..1 of an Emo-DB class: its norms, (x + 1) / 2."""
    pleasure, arousal, dominance = PAD_NORMS[emotion]
    return (np.array([arousal, dominance, pleasure], dtype=np.float32) + 1.0) / 2.0


def load_emodb(root: Path) -> list[Clip]:
    """All clips of Emo-DB in ``root`` (labels.csv, audio/), targets by published norms."""
    return _load(root, lambda row: pad_target(row["emotion"]))


def load_emotale(root: Path) -> list[Clip]:
    """All clips of EmoTale in ``root``; targets are the raters' means, (x - 1) / 4."""

    def rated(row: Row) -> NDArray[np.float32]:
        ratings = [float(row[name]) for name in ("arousal", "dominance", "valence")]
        return (np.array(ratings, dtype=np.float32) - 1.0) / 4.0

    return _load(root, rated)


def of_speakers(clips: list[Clip], speakers: tuple[str, ...]) -> list[Clip]:
    """The clips spoken by ``speakers``, in their order."""
    return [clip for clip in clips if clip.speaker in speakers]


def _load(root: Path, target: Callable[[Row], NDArray[np.float32]]) -> list[Clip]:
    labels = root / "labels.csv"
    if not labels.is_file():
        raise InputError(f"'{labels}': no such file.", "Give the corpus folder with --data.")
    with labels.open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    return [
        Clip(row["file"], row["speaker"], row["emotion"], _read(root / "audio" / row["file"]), t)
        for row, t in ((row, target(row)) for row in rows)
    ]


def _read(path: Path) -> NDArray[np.int16]:
    samples, sample_rate_hz = sf.read(path, dtype="int16")
    if sample_rate_hz != SAMPLE_RATE_HZ or samples.ndim != 1:
        raise InputError(f"'{path}': must be mono at {SAMPLE_RATE_HZ} Hz; is {sample_rate_hz} Hz.")
    return np.asarray(samples, dtype=np.int16)
