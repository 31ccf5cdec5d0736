"""Many workers on one study: the figures of docs/SCALE.md on searching.

``python -m benchmarks.search_scale`` starts eight workers at once, each `toolkit search` of 40 very
short trainings on EmoTale, kills one of them, and asks the study what became of it; once on a
journal, once on SQLite.  Then it fills journals with made-up trials and times what a worker does
between trainings.  CPU seconds and wall clock of a shared workstation.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections import Counter
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.models import ROOT
from benchmarks.search import search_config
from toolkit.search import study as shared
from toolkit.search.config import SearchConfig, load_config
from toolkit.search.result import read_study
from toolkit.search.toml import toml_text

if TYPE_CHECKING:
    from optuna.trial import FrozenTrial

WORKERS, TRAININGS, STEPS = 8, 40, 20
FILLED = (1_000, 10_000)


@dataclass(frozen=True)
class Rehearsal:
    """Eight workers, one of them killed: trainings, genomes trained twice, trials that nobody
    ended, trials that failed; seconds from a worker's start to its first trial; writes a trial."""

    storage: str
    trained: int
    twice: int
    left: int
    failed: int
    join_s: tuple[float, ...]
    wall_s: float
    lines_a_trial: float


@dataclass(frozen=True)
class Between:
    """CPU milliseconds between trainings with as many trials in the journal: reading all of them,
    asking, telling; of a worker that is there, and to join."""

    trials: int
    read_ms: float
    ask_ms: float
    join_s: float


def config_file(folder: Path, storage: str) -> Path:
    """The search of `benchmarks.search`, much shorter."""
    data = dict(search_config("nsga2").train)
    space = {"stages": [2, 3], "widths": [8, 12, 16]}
    document = {
        "trainings": TRAININGS,
        "population": 10,
        "storage": storage,
        "space": space,
        "budget": [{"target": "hearing-aid"}],
        "train": {**data, "steps": STEPS},
    }
    path = folder / "rehearsal.toml"
    path.write_text(toml_text(document), encoding="utf-8")
    return path


def rehearse(storage: str) -> Rehearsal:
    """Start, kill one, wait, ask."""
    with tempfile.TemporaryDirectory(prefix="toolkit-") as scratch:
        folder = Path(scratch)
        address = "" if storage == "journal" else f"sqlite:///{folder}/study.db"
        config = load_config(config_file(folder, address))
        command = [sys.executable, "-m", "toolkit", "search", "rehearsal.toml", "--out", "out"]
        environment = {**os.environ, "PYTHONPATH": str(ROOT)}
        started, began = time.time(), {}
        workers = []
        for _ in range(WORKERS):
            workers.append(
                subprocess.Popen(
                    command, cwd=folder, env=environment, stdout=subprocess.DEVNULL,
                    stderr=subprocess.DEVNULL,
                )
            )  # fmt: skip
            began[workers[-1].pid] = time.time()
        _kill_one(workers, config, folder / "out")
        for worker in workers:
            worker.wait()
        wall = time.time() - started
        study, _ = shared.open_study(config, folder / "out")
        trials = shared.trials(study)
        found = read_study(config, study)
        keys = Counter(t.user_attrs[shared.GENOME] for t in trials if shared.was_trained(t))
        journal = folder / "out" / shared.JOURNAL
        lines = len(journal.read_bytes().splitlines()) if journal.is_file() else 0
        return Rehearsal(
            storage=storage,
            trained=found.trained,
            twice=sum(count > 1 for count in keys.values()),
            left=sum(map(shared.runs, trials)),
            failed=found.failed,
            join_s=tuple(sorted(_joined(trials, began))),
            wall_s=wall,
            lines_a_trial=lines / len(trials),
        )


def _kill_one(workers: list[subprocess.Popen[bytes]], config: SearchConfig, out: Path) -> None:
    """The first worker that is seen at a training."""
    pids = {worker.pid for worker in workers}
    while True:
        time.sleep(1)
        study, _ = shared.open_study(config, out)
        for trial in filter(shared.runs, shared.trials(study)):
            pid = int(trial.user_attrs.get(shared.OWNER, "0").rpartition(":")[2])
            if pid in pids and shared.TRAINING in trial.user_attrs:
                os.kill(pid, signal.SIGKILL)
                return


def _joined(trials: list[FrozenTrial], began: dict[int, float]) -> list[float]:
    """Seconds from the start of each process to its first trial."""
    first: dict[int, datetime] = {}
    for trial in trials:
        pid = int(trial.user_attrs.get(shared.OWNER, "0").rpartition(":")[2])
        first[pid] = min(first.get(pid, trial.datetime_start), trial.datetime_start)
    return [at.timestamp() - began[pid] for pid, at in first.items() if pid in began]


def between(count: int) -> Between:
    """What a worker does between trainings, ``count`` trials having been told."""
    import numpy as np
    from optuna.distributions import CategoricalDistribution
    from optuna.trial import TrialState, create_trial

    with tempfile.TemporaryDirectory(prefix="toolkit-") as scratch:
        out = Path(scratch)
        config = search_config("nsga2")
        study, _ = shared.open_study(config, out)
        rng = np.random.default_rng(0)
        kinds = {g: CategoricalDistribution(range(n)) for g, n in config.space.choices.items()}
        made = []
        for number in range(count):
            values = [float(v) for v in rng.random(4)]
            attrs = {shared.GENOME: str(number), shared.TRAINING: True}
            system = {"NSGAIISampler:generation": number // config.population}
            made.append(
                create_trial(
                    state=TrialState.COMPLETE, values=values, params=config.space.draw(rng),
                    distributions=kinds, user_attrs=attrs, system_attrs=system,
                )
            )  # fmt: skip
        study.add_trials(made)
        # As the sampler leaves it: parents of a generation are chosen once.
        last = count // config.population - 1
        parents = [t._trial_id for t in shared.trials(study)[-2 * config.population :]][:20]
        key = f"NSGAIISampler:parent:{last}"
        study._storage.set_study_system_attr(study._study_id, key, parents)
        started = time.process_time()
        joined, _ = shared.open_study(config, out)
        shared.trials(joined)
        join_s = time.process_time() - started
        reads, asks = [], []
        for _ in range(5):
            started = time.process_time()
            shared.trials(joined)
            reads.append(time.process_time() - started)
            started = time.process_time()
            shared.ask(joined, config.space.choices)
            asks.append(time.process_time() - started)
        return Between(
            count, 1e3 * statistics.median(reads), 1e3 * statistics.median(asks[1:]), join_s
        )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("what", nargs="*", default=["journal", "sqlite", "between"])
    for what in parser.parse_args().what:
        results = [between(n) for n in FILLED] if what == "between" else [rehearse(what)]
        for result in results:
            print(json.dumps(asdict(result)), flush=True)


if __name__ == "__main__":
    main()
