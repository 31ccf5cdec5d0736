"""The study that workers share: an Optuna study in a journal or a database, and who is alive.

Optuna is imported here and nowhere else.  Workers meet in the storage alone: every rule below
decides by what lies there, and the lower number of two trials goes first.
"""

from __future__ import annotations

import os
import socket
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from toolkit.errors import InputError, ToolMissingError, one_line
from toolkit.search.config import SearchConfig
from toolkit.search.rank import OBJECTIVES

if TYPE_CHECKING:
    from optuna import Study
    from optuna.storages import BaseStorage
    from optuna.trial import FrozenTrial, Trial

JOURNAL = "study.journal"

#: What is written beside a trial's genes.
GENOME, OWNER, BEAT = "genome", "owner", "beat"
TRAINING, REJECTED, COPY_OF, SCREENED, RUNG = "training", "rejected", "copy_of", "screened", "rung"
#: Of the study: the config that it is of.
CONFIG = "config"

#: How often a database is tried, and seconds in between.
_ATTEMPTS, _BETWEEN_ATTEMPTS_S = 4, 0.5


def require_optuna() -> None:
    """ToolMissingError without the search extra."""
    if find_spec("optuna") is None:
        raise ToolMissingError(
            "searching needs the extra `search` (optuna is missing).",
            "pip install 'hearing-aid-toolkit[search,train]' -c constraints.txt",
        )


def open_study(config: SearchConfig, out: Path) -> tuple[Study, bool]:
    """The study of a config, begun where it is not there yet, and whether it was.

    InputError where the storage cannot be used or holds the study of another config.
    """
    require_optuna()
    import optuna

    optuna.logging.set_verbosity(optuna.logging.ERROR)
    for left in reversed(range(_ATTEMPTS)):
        try:
            study, begun = _begun_or_found(config, out)
            break
        except Exception as error:  # whatever a database's driver raises
            if left and config.storage:  # two that begin at once make the same tables
                time.sleep(_BETWEEN_ATTEMPTS_S)
                continue
            raise InputError(
                f"{config.name}: the storage cannot be used ({one_line(error)}).",
                "Give 'storage' a database's address that SQLAlchemy takes, or leave it out.",
            ) from error
    if study.user_attrs.get(CONFIG, config.sha256) != config.sha256:
        raise InputError(
            f"{config.name}: the storage holds a search of another config.",
            "Give another 'name', or another --out.",
        )
    seed = config.seed if begun else None  # a worker that joins must not ask what others ask
    study.sampler = optuna.samplers.NSGAIISampler(population_size=config.population, seed=seed)
    return study, begun


def _begun_or_found(config: SearchConfig, out: Path) -> tuple[Study, bool]:
    import optuna

    storage = _storage(config, out)
    directions = ["maximize", *("minimize" for _ in OBJECTIVES[1:])]
    try:
        study = optuna.create_study(study_name=config.name, storage=storage, directions=directions)
    except optuna.exceptions.DuplicatedStudyError:
        return optuna.load_study(study_name=config.name, storage=storage), False
    study.set_user_attr(CONFIG, config.sha256)
    return study, True


def has_study(config: SearchConfig, out: Path) -> bool:
    """Whether the study of a config was begun."""
    import optuna

    return config.name in optuna.get_all_study_names(_storage(config, out))


def _storage(config: SearchConfig, out: Path) -> BaseStorage | str:
    from optuna.storages import JournalStorage
    from optuna.storages.journal import JournalFileBackend, JournalFileOpenLock

    if config.storage:
        return config.storage
    out.mkdir(parents=True, exist_ok=True)
    path = str((out / JOURNAL).absolute())  # its lock is found from wherever it is looked for
    return JournalStorage(JournalFileBackend(path, JournalFileOpenLock(path)))


def ask(study: Study, choices: Mapping[str, int]) -> Trial:
    """A trial with all its genes, one that waits first."""
    from optuna.distributions import CategoricalDistribution

    return study.ask({gene: CategoricalDistribution(range(n)) for gene, n in choices.items()})


def lost() -> type[Exception]:
    """What writing to a trial raises that others have given up meanwhile."""
    from optuna.exceptions import UpdateFinishedTrialError

    found: type[Exception] = UpdateFinishedTrialError
    return found


def enqueue(study: Study, genes: Mapping[str, int], notes: Mapping[str, Any]) -> None:
    """Let some worker try these genes."""
    study.enqueue_trial(dict(genes), user_attrs=dict(notes))


def tell(study: Study, number: int, values: tuple[float, ...] | None) -> bool:
    """End a trial: its values, or None for one that failed; False where others have given it up."""
    from optuna.trial import TrialState

    state = TrialState.FAIL if values is None else TrialState.COMPLETE
    try:
        study.tell(number, values, state=state)
    except (ValueError, lost()):
        return False
    return True


def trials(study: Study) -> list[FrozenTrial]:
    """All of them, in order."""
    return list(study.get_trials(deepcopy=False))


def waits(trial: FrozenTrial) -> bool:
    """Whether nobody has begun it."""
    return bool(trial.state.name == "WAITING")


def runs(trial: FrozenTrial) -> bool:
    """Whether somebody is, or was, at it."""
    return bool(trial.state.name == "RUNNING")


def is_done(trial: FrozenTrial) -> bool:
    """Whether it has values."""
    return bool(trial.state.name == "COMPLETE")


def was_trained(trial: FrozenTrial) -> bool:
    """Whether its values come of a training of its own."""
    return is_done(trial) and TRAINING in trial.user_attrs


def genes_of(trial: FrozenTrial) -> dict[str, int]:
    """Its genes, also of one that waits."""
    found: dict[str, int] = trial.system_attrs.get("fixed_params") or trial.params
    return found


def me() -> str:
    """This process among all of all machines."""
    boot = Path("/proc/sys/kernel/random/boot_id")
    machine = boot.read_text(encoding="ascii")[:8] if boot.is_file() else ""
    return f"{socket.gethostname()}:{machine}:{os.getpid()}"


@dataclass(frozen=True)
class _Heard:
    beat: Any
    at_s: float


class Watch:
    """Who is dead: a process of this machine that is gone, or one that did not move a trial for
    ``dead_after_s`` by this process' clock."""

    def __init__(self, dead_after_s: float) -> None:
        self.dead_after_s = dead_after_s
        self._heard: dict[int, _Heard] = {}
        self._me = me()

    def dead(self, found: list[FrozenTrial]) -> Iterator[FrozenTrial]:
        """Trials that nobody is at any more."""
        now = time.monotonic()
        for trial in filter(runs, found):
            owner = trial.user_attrs.get(OWNER, "")
            if owner == self._me:
                continue
            beat = trial.user_attrs.get(BEAT)
            heard = self._heard.get(trial.number)
            if heard is None or heard.beat != beat:
                heard = self._heard[trial.number] = _Heard(beat, now)
            if _is_gone(owner, self._me) or now - heard.at_s > self.dead_after_s:
                yield trial


def _is_gone(owner: str, here: str) -> bool:
    """Whether it is a process of this machine that has ended, waited for by its parent or not."""
    machine, _, pid = owner.rpartition(":")
    if not pid.isdigit() or machine != here.rpartition(":")[0]:
        return False
    processes = Path("/proc")
    if (processes / "self" / "stat").is_file():
        try:
            state = (processes / pid / "stat").read_text().rpartition(")")[2].split()[0]
        except OSError:
            return True
        return state in "ZX"
    try:
        os.kill(int(pid), 0)
    except OSError as error:
        return isinstance(error, ProcessLookupError)
    return False
