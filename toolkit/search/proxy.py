"""Short trainings that tell genomes apart, by the loop of `toolkit train`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from toolkit.errors import InputError
from toolkit.features.spec import to_data
from toolkit.search.config import SearchConfig
from toolkit.search.genome import FEATURES, Genome

if TYPE_CHECKING:
    from toolkit.training.batches import Clips
    from toolkit.training.config import Config


def training_data(search: SearchConfig, genome: Genome) -> dict[str, Any]:
    """The keys of `toolkit train` for a genome of a search."""
    base = to_data(FEATURES)
    features = {key: value for key, value in to_data(genome.features).items() if base[key] != value}
    data = {**search.train, **genome.config}
    return {**data, "features": features} if features else data


def training_config(search: SearchConfig, genome: Genome) -> Config:
    """The config of a genome's training; InputError where `train` cannot be used."""
    from toolkit.training.config import parse_config

    data = {"name": genome.key, **training_data(search, genome)}
    return parse_config(data, search.folder / f"{search.name} [train]")


@dataclass
class Trainings:
    """Trains genomes of a search, see `toolkit.search.worker.Proxy`; recordings are read once for
    each front end, features lie in ``cache``."""

    search: SearchConfig
    cache: Path
    _clips: dict[str, Clips] = field(default_factory=dict)

    def clips(self, config: Config) -> Clips:
        """Its recordings; InputError where none validates."""
        from toolkit.training.batches import load_clips

        key = config.spec.to_json()
        if key not in self._clips:
            self._clips[key] = load_clips(config, self.cache)[0]
        if not self._clips[key].of("validation").recordings:
            raise InputError(
                f"{self.search.name}: no recording is in the split 'validation'.",
                "A search needs some: give 'train.corpus' a split that has it.",
            )
        return self._clips[key]

    def __call__(
        self,
        genome: Genome,
        parents: Sequence[Path],
        weights: Path,
        reached: Callable[[int, float], bool],
        alive: Callable[[], None],
    ) -> None:
        from toolkit.training.rungs import train_by_rungs

        config = training_config(self.search, genome)
        clips, rungs = self.clips(config), self.search.rungs
        train_by_rungs(config, clips, rungs, parents, reached, alive, weights)
