"""A training that may end early, and begin with the weights of another network."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import numpy as np
from torch import Tensor

from toolkit.training.batches import Clips
from toolkit.training.checkpoint import load_checkpoint, save_checkpoint
from toolkit.training.config import LABELS, Config
from toolkit.training.loop import Trainer, concordances
from toolkit.training.parallel import world

#: Steps from one sign of life to the next.
ALIVE_EVERY = 20


def train_by_rungs(
    config: Config,
    clips: Clips,
    rungs: Sequence[int],
    parents: Sequence[Path],
    reached: Callable[[int, float], bool],
    alive: Callable[[], None],
    weights: Path,
) -> None:
    """Train to each of the ``rungs`` in turn and on to the last step, while ``reached`` says so,
    which hears steps and the validation CCC, a mean over labels.

    ``parents`` are checkpoints whose weights it begins with, one over the other; ``alive`` is
    called now and then.  The averaged weights are left in ``weights``.
    """
    validation = clips.of("validation")
    with world(config.device) as here:
        trainer = Trainer(config, clips, here)
        for parent in parents:
            net, spec = load_checkpoint(parent)
            same_rows = spec.row_values == config.spec.row_values
            for mine in (trainer.learner.net, trainer.average):
                mine.load_state_dict(inherited(mine.state_dict(), net.state_dict(), same_rows))
        for rung in (*rungs, config.steps):
            while trainer.step < rung:
                trainer.advance()
                if trainer.step % ALIVE_EVERY == 0:
                    alive()
            found = concordances(trainer.average, validation)
            if not reached(rung, float(np.mean([found[label] for label in LABELS]))):
                break
        save_checkpoint(trainer.finished(), config.spec, weights)


def inherited(
    mine: Mapping[str, Tensor], theirs: Mapping[str, Tensor], same_rows: bool
) -> dict[str, Tensor]:
    """``mine`` with ``theirs`` where they overlap: the first of each dimension.  The last layer
    counts channels times bands: it is taken whole or not at all, and on ``same_rows`` only."""
    found = dict(mine)
    for name, other in theirs.items():
        value = mine.get(name)
        if value is None or other.dim() != value.dim():
            continue
        if name.startswith("adv.") and not (same_rows and other.shape == value.shape):
            continue
        both = tuple(slice(min(a, b)) for a, b in zip(value.shape, other.shape, strict=True))
        found[name] = value.clone()
        found[name][both] = other[both]
    return found
