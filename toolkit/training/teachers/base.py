"""What a teacher is: something that rates clips of speech, and says what its last layer saw."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray
from torch import nn

SAMPLE_RATE_HZ = 16_000
#: A longer clip is heard in pieces.
LONGEST_SECONDS = 30.0
#: A teacher hears at least so much of a clip; what is missing is silence.
_SHORTEST_SAMPLES = 1600

Samples = NDArray[np.int16]
Floats = NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class Rated:
    """What a teacher says of N clips: arousal, dominance, valence [N, 3], as it says them (not
    clipped to 0..1), and what its last layer saw [N, width]."""

    outputs: Floats
    embeddings: Floats


class Teacher(Protocol):
    """Rates clips of 16 kHz int16 samples [n], of any lengths up to ``LONGEST_SECONDS``.

    ``name`` is for people; ``sha256`` is of whatever decides its answers.
    """

    @property
    def name(self) -> str: ...
    @property
    def sha256(self) -> str: ...
    def rate(self, clips: Sequence[Samples]) -> Rated: ...


@dataclass(frozen=True)
class Together:
    """Several teachers as one: the mean of what they say, what they see side by side.

    A pair of Wav2Vec2 and WavLM is the teacher of the Wav2Small paper; several runs of `toolkit
    train` are an ensemble.
    """

    members: tuple[Teacher, ...]

    @property
    def name(self) -> str:
        return " + ".join(member.name for member in self.members)

    @property
    def sha256(self) -> str:
        return hashlib.sha256(" ".join(m.sha256 for m in self.members).encode()).hexdigest()

    def rate(self, clips: Sequence[Samples]) -> Rated:
        rated = [member.rate(clips) for member in self.members]
        outputs = np.stack([r.outputs for r in rated]).mean(axis=0)
        return Rated(outputs, np.concatenate([r.embeddings for r in rated], axis=1))


def rate_whole(teacher: Teacher, clips: Sequence[Samples]) -> Rated:
    """Ratings of clips of any length: of a long one the mean over equal pieces."""
    pieces = [_pieces(clip) for clip in clips]
    rated = teacher.rate([piece for cut in pieces for piece in cut])
    ends = np.cumsum([len(cut) for cut in pieces])[:-1]
    outputs, embeddings = (
        np.stack([part.mean(axis=0) for part in np.split(values, ends)])
        for values in (rated.outputs, rated.embeddings)
    )
    return Rated(outputs, embeddings)


def digest_of(module: nn.Module, *facts: str) -> str:
    """SHA-256 over every tensor of a module, and over facts beside them."""
    total = hashlib.sha256("\n".join(facts).encode())
    for name, tensor in sorted(module.state_dict().items()):
        total.update(name.encode())
        total.update(tensor.detach().cpu().contiguous().numpy().tobytes())
    return total.hexdigest()


def fractions(clip: Samples) -> Floats:
    """Samples as fractions of full scale, long enough to be heard."""
    missing = max(0, _SHORTEST_SAMPLES - len(clip))
    return np.pad(clip.astype(np.float32) / 32768.0, (0, missing))


def _pieces(clip: Samples) -> list[Samples]:
    count = max(1, -(-len(clip) // round(LONGEST_SECONDS * SAMPLE_RATE_HZ)))
    return np.array_split(clip, count)
