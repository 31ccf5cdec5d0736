"""A training from its config to its weights: validation, log, and a state that a kill leaves."""

from __future__ import annotations

import csv
import io
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from toolkit.errors import InputError
from toolkit.training.batches import Clips, load_clips
from toolkit.training.checkpoint import save_checkpoint, write_whole
from toolkit.training.config import LABELS, SPLITS, Config
from toolkit.training.loop import Trainer, concordances
from toolkit.training.nets import make_net
from toolkit.training.nets.base import Student
from toolkit.training.parallel import world
from toolkit.training.qat import Rounded, save_rounded, train_rounded

WEIGHTS = "model.safetensors"
#: The weights and scales after training with rounding.
ROUNDED = "rounded.safetensors"
LOG = "log.csv"
STATE = "state.pt"

#: Whole training clips that give roundings their first ranges.
ROUNDING_CLIPS = 100

Row = dict[str, float]


@dataclass(frozen=True, eq=False)
class Outcome:
    """What a training gave: the net, the same with the device's rounding where it was asked for,
    the recordings, their digests, CCC by split and label (of the net without rounding), the log,
    and the seconds of this process."""

    net: Student
    rounded: Rounded | None
    clips: Clips
    digests: Mapping[str, str]
    metrics: Mapping[str, Mapping[str, float]]
    log: tuple[Row, ...]
    cpu_seconds: float


def train(
    config: Config, out: Path, cache: Path, resume: bool, tell: Callable[[Row], None]
) -> Outcome | None:
    """Train, and write weights, log and state to ``out``; None in a process that only helps.

    ``tell`` hears of every validation.  On one CPU process the same config gives the same bytes,
    killed and resumed or not.  Raises InputError for a config, corpus or state that cannot be used.
    """
    started = time.process_time()
    with world(config.device) as here:
        if config.batch % here.size:
            raise InputError(
                f"{config.name}: {here.size} processes do not divide {config.batch}, 'batch'.",
                hint="Choose a batch that they divide.",
            )
        clips, digests = load_clips(config, cache)
        trainer = Trainer(config, clips, here)
        log = _resumed(trainer, out / STATE) if resume else []
        validation = clips.of("validation")
        losses: list[float] = []
        board = Board(out) if here.leads else None
        while trainer.step < config.steps:
            losses.append(trainer.advance())
            if trainer.step % config.validate_every and trainer.step < config.steps:
                continue
            if not here.leads:
                continue
            row: Row = {"step": trainer.step, "loss": sum(losses) / len(losses)}
            losses.clear()
            if validation.recordings:
                row |= concordances(trainer.average, validation)
                trainer.note_score(sum(row[label] for label in LABELS))
            log.append(row)
            _write_log(log, out / LOG)
            _write_state(trainer, log, out / STATE)
            if board is not None:
                board.write(row)
            tell(row)
        if not here.leads:
            return None
        net = trainer.finished()
    save_checkpoint(net, config.spec, out / WEIGHTS)
    rounded = None
    if config.quantise.steps:
        rounded = _taught_rounding(config, net, trainer)
        save_rounded(rounded, out / ROUNDED)
    parts = {split: clips.of(split) for split in SPLITS}
    metrics = {name: concordances(net, part) for name, part in parts.items() if part.recordings}
    seconds = time.process_time() - started
    return Outcome(net, rounded, clips, digests, metrics, tuple(log), seconds)


def _taught_rounding(config: Config, net: Student, trainer: Trainer) -> Rounded:
    """The finished net after its steps with rounding, on batches that it has not seen."""
    clean = trainer.batches.clips.clean
    looked_at = clean[:: -(-len(clean) // ROUNDING_CLIPS)]
    return train_rounded(
        net,
        [torch.from_numpy(clip)[None, None] for clip in looked_at],
        lambda step: trainer.batches.draw(config.steps + step).features,
        config.quantise.steps,
        config.quantise.learning_rate,
    )


def versions() -> dict[str, str]:
    """Of what decides the bits besides the config."""
    return {"torch": str(torch.__version__), "numpy": np.__version__}


def average_of(config: Config, out: Path) -> Student:
    """The averaged weights in a run's state, finished or not."""
    net = make_net(config.net, config.spec, config.shape)
    net.load_state_dict(_read_state(out / STATE)["average"])
    net.eval()
    return net


def _resumed(trainer: Trainer, path: Path) -> list[Row]:
    if not path.is_file():
        return []
    state = _read_state(path)
    if state["config"] != trainer.config.sha256:
        raise InputError(
            f"{path}: is the state of another config.", "Give another --out, or that config."
        )
    trainer.restore(state)
    log: list[Row] = state["log"]
    return log


def _read_state(path: Path) -> dict[str, Any]:
    try:
        state: dict[str, Any] = torch.load(path, weights_only=True)
    except Exception as error:  # whatever a damaged archive makes of its reader
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise InputError(
            f"{path}: is no state of a training: {reason}.",
            hint="Begin in a new folder, or give the one of that training.",
        ) from None
    return state


def _write_state(trainer: Trainer, log: list[Row], path: Path) -> None:
    buffer = io.BytesIO()
    torch.save({**trainer.state(), "log": log}, buffer)
    write_whole(path, buffer.getvalue())


def _write_log(log: list[Row], path: Path) -> None:
    text = io.StringIO()
    writer = csv.DictWriter(text, list(log[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows({k: f"{v:.6g}" for k, v in row.items()} for row in log)
    write_whole(path, text.getvalue().encode())


class Board:
    """TensorBoard's log, where that package is installed."""

    def __init__(self, out: Path) -> None:
        try:
            from torch.utils.tensorboard import SummaryWriter
        except ImportError:
            self._writer = None
        else:
            self._writer = SummaryWriter(str(out / "tensorboard"))

    def write(self, row: Row) -> None:
        if self._writer is not None:
            for name, value in row.items():
                self._writer.add_scalar(name, value, int(row["step"]))
            self._writer.flush()
