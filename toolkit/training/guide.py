"""What a teacher's embeddings ask of a student: where to lie, and which way to point."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from toolkit.errors import InputError
from toolkit.training.config import Loss
from toolkit.training.manifest import Recording

Floats = NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class Guide:
    """Of N recordings: embeddings [N, width], directions of length 1 [N, width], and whether the
    teacher heard them [N], 1 or 0."""

    embeddings: Floats
    directions: Floats
    known: Floats

    def of(self, picks: Sequence[int]) -> Guide:
        """Those of some recordings."""
        chosen = list(picks)
        return Guide(self.embeddings[chosen], self.directions[chosen], self.known[chosen])

    def mixed(self, other: Guide, share: float) -> Guide:
        """Of recordings heard in pairs, ``share`` of them this one's; known where both are."""

        def mix(a: Floats, b: Floats) -> Floats:
            return np.asarray(share * a + (1 - share) * b, np.float32)

        directions = _unit(mix(self.directions, other.directions))
        embeddings = mix(self.embeddings, other.embeddings)
        return Guide(embeddings, directions, self.known * other.known)


def make_guide(recordings: Sequence[Recording], how: Loss) -> Guide:
    """The guide of training recordings; of width 0 where no loss hears it.

    Embeddings are centred on their mean over the recordings and brought, all together, to a mean
    square of 1: what all speech has in common has no direction to teach.  InputError where losses
    ask for embeddings that are not there, or not of one width.
    """
    count = len(recordings)
    there = [r.embedding for r in recordings if r.embedding is not None]
    if not how.guided:
        empty = np.zeros((count, 0), np.float32)
        return Guide(empty, empty, np.zeros(count, np.float32))
    widths = {len(e) for e in there}
    if len(widths) != 1:
        found = "none has one" if not widths else f"found widths {sorted(widths)}"
        raise InputError(
            f"'loss.features' and 'loss.nd' need embeddings of one teacher; {found}.",
            "`toolkit teach --embeddings` writes them.",
        )
    known = np.array([r.embedding is not None for r in recordings])
    embeddings = np.zeros((count, *widths), np.float32)
    embeddings[known] = _standardised(np.stack(there))
    directions = embeddings
    if how.direction == "bins":
        targets = np.stack([r.target for r in recordings])
        directions = _class_means(embeddings, known, binned(targets, known, how.bins))
    return Guide(embeddings, _unit(directions), known.astype(np.float32))


def binned(targets: Floats, known: NDArray[np.bool_], bins: int) -> NDArray[np.int64]:
    """A class [N] of targets [N, 3]: of each output which of ``bins`` equally full parts of the
    known ones it lies in, all three as one number."""
    edges = np.quantile(targets[known], np.arange(1, bins) / bins, axis=0)
    parts = (targets[:, None, :] > edges[None]).sum(axis=1)
    return np.asarray(parts @ (bins ** np.arange(targets.shape[1])))


def _class_means(
    embeddings: Floats, known: NDArray[np.bool_], classes: NDArray[np.int64]
) -> Floats:
    means = np.zeros_like(embeddings)
    for number in np.unique(classes):
        members = classes == number
        if (members & known).any():
            means[members] = embeddings[members & known].mean(axis=0)
    return means


def _standardised(embeddings: Floats) -> Floats:
    centred = embeddings - embeddings.mean(axis=0)
    return np.asarray(centred / max(float(centred.std()), 1e-8), np.float32)


def _unit(vectors: Floats) -> Floats:
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    return np.asarray(vectors / np.maximum(lengths, 1e-8), np.float32)
