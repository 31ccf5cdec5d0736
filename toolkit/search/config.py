"""A search as its CONFIG.toml states it (docs/TRAINING.md#search)."""

from __future__ import annotations

import hashlib
import json
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from toolkit.errors import InputError
from toolkit.search.budget import Budget
from toolkit.search.space import Space
from toolkit.training.tables import number, read_table

_HINT = "docs/TRAINING.md#search lists the keys."
#: Keys of `toolkit train` that a genome decides.
DECIDED = ("net", "shape", "features")


@dataclass(frozen=True)
class SearchConfig:
    """Everything that decides a search; ``train`` are the keys of `toolkit train`, corpora
    included, with recordings in the split validation.

    ``trainings`` is how many genomes are trained; ``screen`` how many are drawn at most to find a
    first population that keeps every budget.  At each of the ``rungs``, in steps, a training goes
    on if it is among the ``promote`` of those that came there, by non-dominated rank.
    ``inherit``: begin with the weights of the nearest genome that was trained.  ``storage`` is a
    journal beside the search or a database's address.  A worker that was not heard of for
    ``dead_after_seconds`` is given up, and its genome is tried again.  No keys: the ``sampler``,
    nsga2 or random, and the config's own ``folder``, from which paths start.
    """

    train: Mapping[str, Any]
    budget: tuple[Budget, ...]
    space: Space = field(default_factory=Space)
    name: str = ""
    seed: int = number(0)
    trainings: int = number(100, 1)
    population: int = number(20, 2)
    screen: int = number(1000, 1)
    rungs: tuple[int, ...] = field(default=(), metadata={"low": 1})
    promote: float = number(0.5, 0.05, 1)
    inherit: bool = True
    sampler: str = "nsga2"
    storage: str = ""
    dead_after_seconds: float = number(300.0, 1)
    folder: Path = Path()

    @property
    def steps(self) -> int:
        """Of a whole training."""
        return int(self.train.get("steps", 500))

    @property
    def sha256(self) -> str:
        """Of what decides the outcome: not of where it is kept."""
        data = asdict(replace(self, storage="", folder=Path(), trainings=1))
        return hashlib.sha256(json.dumps(data, sort_keys=True, default=str).encode()).hexdigest()


def load_config(path: Path, overrides: Mapping[str, Any] | None = None) -> SearchConfig:
    """Read a CONFIG.toml; ``overrides`` replace keys at its top.  InputError, one line, when it
    cannot be used."""
    try:
        data = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise InputError(f"{path}: cannot be read: {error.strerror}.", _HINT) from None
    except ValueError as error:
        raise InputError(f"{path}: is no TOML: {error}.", _HINT) from None
    return parse_config({**data, **(overrides or {})}, path)


def parse_config(data: Mapping[str, Any], path: Path) -> SearchConfig:
    """A config from TOML already read, which stood in ``path``; as `load_config`."""
    try:
        if own := [key for key in ("folder", "sampler") if key in data]:
            raise ValueError(f"'{own[0]}' is unknown")
        config = read_table(SearchConfig, data, path.parent)
        for problem in _violations(config):
            raise ValueError(problem)
    except ValueError as error:
        stop = "" if str(error).endswith(("?", ".")) else "."
        raise InputError(f"{path}: {error}{stop}", _HINT) from None
    return replace(config, name=config.name or path.stem, folder=path.parent)


def _violations(config: SearchConfig) -> Iterator[str]:
    if decided := [key for key in DECIDED if key in config.train]:
        yield f"'train.{decided[0]}' is what the search chooses; leave it out"
    if not config.budget:
        yield "it must hold at least one [[budget]]"
    for budget in config.budget:
        try:
            _ = budget.part
        except InputError as error:
            yield f"'budget.target': {error.message}"
        yield from budget.violations()
    targets = [budget.target for budget in config.budget]
    if len(set(targets)) < len(targets):
        yield "each [[budget]] must have a target of its own"
    yield from config.space.violations()
    if not isinstance(config.train.get("steps", 500), int):
        yield f"'train.steps' must be a whole number; got {config.train['steps']!r}"
    elif list(config.rungs) != sorted({*config.rungs}) or any(
        rung >= config.steps for rung in config.rungs
    ):
        yield f"'rungs' must rise and stay below 'train.steps'; got {list(config.rungs)}"
