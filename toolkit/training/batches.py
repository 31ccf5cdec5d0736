"""What a step of training sees: every draw comes from (seed, step), so any step can be redone."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from toolkit.errors import InputError
from toolkit.training.augment import augmented, decibels
from toolkit.training.cache import Features, cached_features
from toolkit.training.config import Config, Corpus
from toolkit.training.guide import make_guide
from toolkit.training.manifest import Recording, digest, load_manifest

#: Beta distribution of mixup's shares.
_MIXUP_BETA = 0.4


@dataclass(frozen=True, eq=False)
class Clips:
    """Recordings with their features, by speed; the first speed is that of the recording."""

    recordings: tuple[Recording, ...]
    features: tuple[tuple[Features, ...], ...]

    def of(self, split: str, corpus: str | None = None) -> Clips:
        """Those of one split, and of one corpus."""
        wanted = [
            i
            for i, r in enumerate(self.recordings)
            if r.split == split and corpus in (None, r.corpus)
        ]
        return Clips(
            tuple(self.recordings[i] for i in wanted), tuple(self.features[i] for i in wanted)
        )

    @property
    def clean(self) -> tuple[Features, ...]:
        """Features as recorded, [rows, bands] each."""
        return tuple(speeds[0] for speeds in self.features)

    @property
    def targets(self) -> Features:
        """[N, 3]."""
        return np.stack([r.target for r in self.recordings])


@dataclass(frozen=True, eq=False)
class Batch:
    """Features [N, 1, T, bands], targets [N, 3], class numbers [N] (-1: not known), weights [N];
    the teacher's embeddings and the directions asked for [N, width] (width 0 where no loss hears
    them), and weights [N] that are 0 where the teacher said nothing."""

    features: Tensor
    targets: Tensor
    classes: Tensor
    weights: Tensor
    embeddings: Tensor
    directions: Tensor
    guided: Tensor


def load_clips(config: Config, cache: Path) -> tuple[Clips, dict[str, str]]:
    """Everything a config names, and the digest of each corpus' recordings.

    Raises as `load_manifest` and `cached_features`; InputError where nothing is left to train on.
    """
    speeds = (1.0, *(speed for speed in config.augment.speeds if speed != 1.0))
    recordings: list[Recording] = []
    features: list[tuple[Features, ...]] = []
    digests = {}
    for corpus in config.corpus:
        found = load_manifest(corpus)
        digests[corpus.name] = digest(found)
        by_speed = [
            cached_features(found, digests[corpus.name], config.spec, speed, cache)
            for speed in speeds
        ]
        recordings += found
        features += zip(*by_speed, strict=True)
    if not any(r.split == "train" for r in recordings):
        raise InputError(
            f"{config.name}: no recording is in the split 'train'.",
            hint="docs/TRAINING.md says how recordings are split.",
        )
    return Clips(tuple(recordings), tuple(features)), digests


class Batches:
    """Draws the batches of a config."""

    def __init__(self, config: Config, clips: Clips) -> None:
        self.config, self.spec = config, config.spec
        self.clips = clips.of("train")
        self.classes = sorted({r.emotion for r in self.clips.recordings} - {""})
        self._guide = make_guide(self.clips.recordings, config.loss)
        self._pools = [_pools(config, corpus, self.clips.recordings) for corpus in config.corpus]
        shares = zip(config.corpus, self._pools, strict=True)
        self._counts = _counts(config.batch, [c.share if pools else 0.0 for c, pools in shares])

    @property
    def taught(self) -> int:
        """Width of the teacher's embeddings; 0 where no loss hears them."""
        return int(self._guide.embeddings.shape[1])

    def draw(self, step: int, part: slice = slice(None)) -> Batch:
        """The batch of a step, or the ``part`` of it that one process sees."""
        rng = np.random.default_rng((self.config.seed, step))
        chosen = [
            pick
            for pools, count in zip(self._pools, self._counts, strict=True)
            for pick in _picks(pools, count, rng)
        ]
        rows = self._rows(rng.uniform(*self.config.augment.crop_seconds))
        mixed = rng.random() < self.config.augment.mixup
        share, partner = float(rng.beta(_MIXUP_BETA, _MIXUP_BETA)), rng.permutation(len(chosen))
        numbers = range(len(chosen))[part]
        items = [self._item(chosen[n], rows, step, n) for n in numbers]
        targets = [self.clips.recordings[chosen[n]].target for n in numbers]
        if mixed:
            others = [self._item(chosen[partner[n]], rows, step, int(partner[n])) for n in numbers]
            items = [self._mix(a, b, share) for a, b in zip(items, others, strict=True)]
            second = [self.clips.recordings[chosen[partner[n]]].target for n in numbers]
            targets = [share * a + (1 - share) * b for a, b in zip(targets, second, strict=True)]
        taught = self._guide.of([chosen[n] for n in numbers])
        if mixed:
            taught = taught.mixed(self._guide.of([chosen[partner[n]] for n in numbers]), share)
        about = [self.clips.recordings[chosen[n]] for n in numbers]
        weights = torch.tensor([r.weight for r in about])
        known = [-1 if mixed or not r.emotion else self.classes.index(r.emotion) for r in about]
        return Batch(
            torch.from_numpy(np.stack(items))[:, None],
            torch.from_numpy(np.stack(targets).astype(np.float32)),
            torch.tensor(known),
            weights,
            torch.from_numpy(taught.embeddings),
            torch.from_numpy(taught.directions),
            weights * torch.from_numpy(taught.known),
        )

    def _rows(self, seconds: float) -> int:
        return max(8, round(seconds * self.spec.sample_rate_hz / self.spec.row_hop_samples))

    def _item(self, pick: int, rows: int, step: int, number: int) -> Features:
        rng = np.random.default_rng((self.config.seed, step, number + 1))
        speeds = self.clips.features[pick]
        clip = speeds[int(rng.integers(len(speeds)))]
        return augmented(clip, rows, self.spec, self.config.augment, rng)

    def _mix(self, a: Features, b: Features, share: float) -> Features:
        """Two clips heard at once: their powers added."""
        unit = decibels(self.spec) * 10 / np.log(10)
        power = share * np.exp(a / unit) + (1 - share) * np.exp(b / unit)
        return np.asarray(unit * np.log(np.maximum(power, 1e-12)), dtype=np.float32)


def _pools(config: Config, corpus: Corpus, recordings: Sequence[Recording]) -> list[list[int]]:
    """Numbers of a corpus' recordings; one list, or one a class."""
    pools: dict[str, list[int]] = defaultdict(list)
    for number, recording in enumerate(recordings):
        if recording.corpus == corpus.name:
            pools[recording.emotion if config.balance == "classes" else ""].append(number)
    return [pools[name] for name in sorted(pools)]


def _picks(pools: list[list[int]], count: int, rng: np.random.Generator) -> list[int]:
    """``count`` recordings, the pools equally often; none twice where there are enough."""
    first = int(rng.integers(len(pools))) if len(pools) > 1 else 0
    order = [*range(first, len(pools)), *range(first)]
    each = dict(zip(order, _counts(count, [1.0] * len(pools)), strict=True))
    return [
        int(pick)
        for number, pool in enumerate(pools)
        if each[number]
        for pick in rng.choice(pool, each[number], replace=each[number] > len(pool))
    ]


def _counts(total: int, shares: Sequence[float]) -> list[int]:
    """Whole numbers in proportion to ``shares``, with that sum."""
    ends = np.round(np.cumsum(shares) / np.sum(shares) * total).astype(int)
    return [int(count) for count in np.diff(ends, prepend=0)]
