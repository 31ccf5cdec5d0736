"""Our own networks as teachers: one of them, or several together as an ensemble."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
import torch

from toolkit.features.extract import extract
from toolkit.features.spec import FeatureSpec
from toolkit.training.checkpoint import load_checkpoint
from toolkit.training.nets.base import Student
from toolkit.training.teachers.base import Floats, Rated, Samples, digest_of


@dataclass(frozen=True, eq=False)
class StudentTeacher:
    """A trained net and its features, in evaluation mode."""

    name: str
    sha256: str
    net: Student
    spec: FeatureSpec

    def rate(self, clips: Sequence[Samples]) -> Rated:
        rated = [self._rate(clip) for clip in clips]
        outputs, embeddings = (np.concatenate(part) for part in zip(*rated, strict=True))
        return Rated(outputs, embeddings)

    def _rate(self, clip: Samples) -> tuple[Floats, Floats]:
        rows = torch.from_numpy(_rows(clip.tobytes(), self.spec))
        with torch.inference_mode():
            embedded = self.net.embed(rows[None, None])
            return self.net.adv(embedded).numpy(), embedded.numpy()


@lru_cache(maxsize=64)
def _rows(samples: bytes, spec: FeatureSpec) -> Floats:
    """Features [rows, bands] of a clip's int16 samples, which the members of an ensemble share."""
    clip = np.frombuffer(samples, np.int16)
    short = spec.samples_for_rows(1) - len(clip)
    return extract(np.pad(clip, (0, max(0, short))), spec)


def open_student(path: Path) -> StudentTeacher:
    """A ``.safetensors`` of `toolkit train`; ModelError as `load_checkpoint`."""
    net, spec = load_checkpoint(path)
    name = path.parent.name or path.stem
    return StudentTeacher(name, digest_of(net, spec.to_json()), net, spec)
