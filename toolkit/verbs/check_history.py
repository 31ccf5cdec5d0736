"""``toolkit check history``: figures over commits, or over results."""

from __future__ import annotations

import os
from pathlib import Path

from toolkit.budget.baseline import read_base
from toolkit.budget.history import HistoryState, Key
from toolkit.budget.load import load_budgets
from toolkit.budget.outputs import read_result
from toolkit.errors import InputError
from toolkit.measurement import Measurement
from toolkit.verbs.check_base import git


def history_of_commits(budget: Path, commits: str, most: int) -> list[HistoryState]:
    """The figures of the baselines at the last ``most`` commits that changed one, oldest first.

    Raises InputError where there is no such history.
    """
    folder = budget.resolve().parent
    baselines = {
        b.name: Path(os.path.relpath(b.baseline.resolve(), folder)).as_posix()
        for b in load_budgets(budget)
        if b.baseline is not None
    }
    if not baselines:
        raise InputError(
            f"{budget}: no budget names a baseline.", hint="docs/CI.md shows a budget with one."
        )
    log = git(
        folder,
        "log",
        f"-n{most}",
        "--format=%H%x09%cI%x09%s",
        "--end-of-options",
        commits,
        "--",
        *baselines.values(),
    )
    if log is None:
        raise InputError(
            f"'{commits}' is no range of commits of the repository of {budget}.",
            hint="Give one as git does, such as main~20..main.",
        )
    lines = [line.split("\t", 2) for line in log.splitlines()]
    states = []
    for commit, date, subject in reversed(lines):
        figures: dict[Key, Measurement] = {}
        for name, path in baselines.items():
            text = git(folder, "show", f"{commit}:./{path}")
            figures |= _figures(name, text, f"{commit[:12]}:{path}")
        states.append(HistoryState(commit[:12], subject, date, figures))
    if not states:
        raise InputError(
            f"no commit of '{commits}' has a baseline of {budget}.", hint="Give a longer range."
        )
    return states


def _figures(name: str, text: str | None, where: str) -> dict[Key, Measurement]:
    """What a baseline says; nothing where it was not there, or cannot be read."""
    if text is None:
        return {}
    try:
        facts = read_base(text, where).facts
    except InputError:
        return {}
    found: dict[Key, Measurement] = {}
    for m in facts.figures:
        found.setdefault((name, m.name), m)
    return found


def history_of_results(folder: Path) -> list[HistoryState]:
    """The figures of the results in a folder, in the order of their names; InputError where there
    are none."""
    files = sorted(folder.rglob("*.json")) if folder.is_dir() else [folder]
    if not files:
        raise InputError(
            f"{folder}: holds no results.", hint="`toolkit check --result` writes one."
        )
    states = []
    for file in files:
        result = read_result(file)
        figures = {
            (gate.name, v.name): v.value
            for gate in result.gates
            for v in gate.verdicts
            if v.value is not None
        }
        label = result.commit[:12] or file.stem
        states.append(HistoryState(label, result.title or file.stem, "", figures))
    return states
