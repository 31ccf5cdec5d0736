"""A worker: asks for genomes, rejects, copies or trains them, until enough were trained.

Any number of them share a study.  No genome is trained twice: of two trials with the same genome
the lower number has it, and the other takes its values, or fails where there are none yet.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import numpy as np

from toolkit.search import study as shared
from toolkit.search.config import SearchConfig
from toolkit.search.genome import Genome
from toolkit.search.rank import OBJECTIVES, Values, goes_on
from toolkit.search.screen import Judged, judge, require_any, screen

if TYPE_CHECKING:
    from optuna.trial import FrozenTrial, Trial

#: CCC of what was not trained, or came to no number: the worst there is.
UNTRAINED = -1.0
#: How long another worker may take to say which genome it has.
_NAMING_S = 2.0


class Proxy(Protocol):
    """Trains a genome, at most to its last step: ``reached`` hears steps and validation CCC at each
    rung and says whether to go on, ``alive`` is called now and then.  ``parents`` are files of
    weights, the nearest genome's first."""

    def __call__(
        self,
        genome: Genome,
        parents: Sequence[Path],
        weights: Path,
        reached: Callable[[int, float], bool],
        alive: Callable[[], None],
    ) -> None: ...


@dataclass(frozen=True)
class Told:
    """What became of a trial: trained, rejected, copied, failed."""

    number: int
    what: str
    genome: Genome
    values: Values


class Worker:
    """One process at a study; weights of what was trained lie in ``out``."""

    def __init__(
        self, config: SearchConfig, out: Path, proxy: Proxy, tell: Callable[[Told], None]
    ) -> None:
        self.study, begun = shared.open_study(config, out)
        self.config, self.proxy, self.tell = config, proxy, tell
        self.weights = out / "weights" / config.name
        self.weights.mkdir(parents=True, exist_ok=True)
        self.me = shared.me()
        self._salt = 0 if begun else time.time_ns()
        self._watch = shared.Watch(config.dead_after_seconds)
        self._wanted = config.trainings
        self._idle = 0  # trials in a row of which none was trained

    def run(self, trainings: int | None = None) -> int:
        """Work until ``trainings`` (the config's) were made or no further genome is found; returns
        those of this process.

        VerificationError where no genome keeps the budgets.
        """
        self._wanted = self.config.trainings if trainings is None else trainings
        trained = 0
        while True:
            self._give_up_dead()
            if self._claimed(shared.trials(self.study)) >= self._wanted:
                return trained
            if self._wants_draw() and not self._draw():
                return trained
            try:
                told = self._one(shared.ask(self.study, self.config.space.choices))
            except shared.lost():
                continue
            self._idle = 0 if told.what == "trained" else self._idle + 1
            trained += told.what == "trained"
            self.tell(told)

    def _give_up_dead(self) -> None:
        """Fail the trials of dead workers and let their genes be tried again, once."""
        for trial in self._watch.dead(shared.trials(self.study)):
            if shared.tell(self.study, trial.number, None) and self._is_whole(trial):
                shared.enqueue(self.study, shared.genes_of(trial), {})

    def _is_whole(self, trial: FrozenTrial) -> bool:
        return shared.genes_of(trial).keys() == self.config.space.choices.keys()

    def _claimed(self, found: Sequence[FrozenTrial], below: int | None = None) -> int:
        """Trainings done and under way, of trials before number ``below``."""
        return sum(
            shared.TRAINING in trial.user_attrs
            for trial in found[:below]
            if shared.is_done(trial) or shared.runs(trial)
        )

    def _wants_draw(self) -> bool:
        """Whether the next genome is one drawn and screened: all of a random search, the first
        population, and where breeding has brought nothing new for long."""
        found = shared.trials(self.study)
        if any(map(shared.waits, found)):
            return False
        if self.config.sampler == "random" or self._idle >= self.config.population:
            return True
        drawn = sum(shared.SCREENED in trial.user_attrs for trial in found)
        return drawn < self.config.population

    def _draw(self) -> bool:
        """Enqueue a new genome that keeps the budgets; False where the space has no further."""
        found = shared.trials(self.study)
        known = {self._key(trial) for trial in found}
        rng = np.random.default_rng((self.config.seed, len(found), self._salt))
        drawn = screen(
            self.config.space, self.config.budget, 1, self.config.screen, rng, known.__contains__
        )
        if not any(shared.TRAINING in trial.user_attrs for trial in found):
            require_any(drawn)
        for genes in drawn.kept:
            notes = {shared.SCREENED: {"drawn": drawn.drawn, "rejected": dict(drawn.rejected)}}
            shared.enqueue(self.study, genes, notes)
        return bool(drawn.kept)

    def _genome(self, trial: FrozenTrial) -> Genome:
        return self.config.space.genome(shared.genes_of(trial))

    def _key(self, trial: FrozenTrial) -> str | None:
        """That of its genome; None where it has not said yet which it has."""
        named: str | None = trial.user_attrs.get(shared.GENOME)
        return self._genome(trial).key if named is None and self._is_whole(trial) else named

    def _one(self, trial: Trial) -> Told:
        """What becomes of a trial."""
        genome = self.config.space.genome(trial.params)
        trial.set_user_attr(shared.OWNER, self.me)
        trial.set_user_attr(shared.GENOME, genome.key)
        judged = judge(genome, self.config.budget)
        costs = _costs(judged)
        found = self._named(trial.number)
        if found[trial.number].user_attrs[shared.OWNER] != self.me:  # two took what waited
            return Told(trial.number, "failed", genome, ())
        for excess in judged.excesses:
            trial.set_constraint(excess.name, excess.share)
        if judged.broken:
            trial.set_user_attr(shared.REJECTED, [excess.name for excess in judged.broken])
            return self._end(trial, "rejected", genome, (UNTRAINED, *costs))
        same = [t for t in found if self._key(t) == genome.key]
        for other in filter(shared.was_trained, same):
            trial.set_user_attr(shared.COPY_OF, other.number)
            return self._end(trial, "copied", genome, tuple(other.values))
        before = [other for other in same if other.number < trial.number]
        if any(shared.waits(other) or shared.runs(other) for other in before):
            return self._end(trial, "failed", genome, None)
        trial.set_user_attr(shared.TRAINING, True)
        found = shared.trials(self.study)
        if self._claimed(found, trial.number) >= self._wanted:
            return self._end(trial, "failed", genome, None)
        return self._train(trial, genome, costs)

    def _end(self, trial: Trial, what: str, genome: Genome, values: Values | None) -> Told:
        told = shared.tell(self.study, trial.number, values)
        return Told(trial.number, what if told else "failed", genome, values or ())

    def _named(self, number: int) -> list[FrozenTrial]:
        """All trials, when those before ``number`` that run have said what genome they have."""
        until = time.monotonic() + _NAMING_S
        while True:
            found = shared.trials(self.study)
            unnamed = (t for t in found[:number] if self._key(t) is None)
            if not any(map(shared.runs, unnamed)) or time.monotonic() > until:
                return found
            time.sleep(0.01)

    def _train(self, trial: Trial, genome: Genome, costs: Values) -> Told:
        values: list[Values] = []

        def reached(steps: int, ccc: float) -> bool:
            ccc = ccc if math.isfinite(ccc) else UNTRAINED
            values.append((ccc, *costs))
            trial.set_user_attr(f"{shared.RUNG}{steps}", values[-1])
            if steps not in self.config.rungs:
                return False
            others = self._at_rung(steps, trial.number)
            return goes_on(values[-1], others, self.config.promote)

        beats = iter(range(1 << 62))
        self.proxy(
            genome,
            self._parents(genome) if self.config.inherit else (),
            self.weights / f"{genome.key}.safetensors",
            reached,
            lambda: trial.set_user_attr(shared.BEAT, next(beats)),
        )
        return self._end(trial, "trained", genome, values[-1])

    def _at_rung(self, steps: int, but: int) -> list[Values]:
        """Values of the other trainings when they had come to a rung."""
        found = shared.trials(self.study)
        others = (t.user_attrs.get(f"{shared.RUNG}{steps}") for t in found if t.number != but)
        return [tuple(values) for values in others if values is not None]

    def _parents(self, genome: Genome) -> tuple[Path, ...]:
        """Weights of the nearest genome that was trained, where there is one."""
        trained = [self._genome(t) for t in filter(shared.was_trained, shared.trials(self.study))]
        there = [g for g in trained if (self.weights / f"{g.key}.safetensors").is_file()]
        nearest = sorted(there, key=lambda other: (distance(genome, other), other.key))[:1]
        return tuple(self.weights / f"{g.key}.safetensors" for g in nearest)


def _costs(judged: Judged) -> Values:
    """What the first target is asked for."""
    found = (judged.costs[0].find(name) for name in OBJECTIVES[1:])
    return tuple(float(m.value) for m in found if m is not None)


def distance(a: Genome, b: Genome) -> int:
    """How many choices tell two genomes apart."""
    pairs = zip(a.layers, b.layers, strict=False)
    names = ("width", "kernel", "stride", "kind", "reduce")
    layers = sum(bool(getattr(x, name) != getattr(y, name)) for x, y in pairs for name in names)
    missing = abs(len(a.layers) - len(b.layers)) * len(names)
    return layers + missing + int(a.pool != b.pool) + int(a.features != b.features)
