"""What budgets are compared with: their own baselines, those of a git commit, of a folder, or one
file."""

from __future__ import annotations

import json
import os
import subprocess
import tomllib
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

from toolkit.budget.baseline import Baseline, read_base
from toolkit.budget.judge import Base
from toolkit.budget.lines import Lines
from toolkit.budget.load import parse_budgets
from toolkit.budget.model import Budget, Problem
from toolkit.budget.names import slug
from toolkit.errors import InputError, ToolkitError, ToolMissingError

#: What --save calls the baseline of a budget beside its report.
SAVED = ".baseline.json"


@dataclass(frozen=True)
class Bases:
    """Finds the base of every budget of ``file``.

    ``against`` is a git commit, a folder (a checkout of the base, or what --save left of its
    build), a file, or None: the budget's own baseline.  ``update`` tells that baselines will be
    written, so that those that do not exist yet are no error.
    """

    file: Path
    against: str | None = None
    loosened: frozenset[str] = frozenset()
    update: bool = False

    def of(self, budget: Budget) -> Base:
        """The base of a budget, read and checked; a problem where it cannot be used."""
        try:
            own = self.own(budget)
            own_problem = None
        except ToolkitError as error:
            own, own_problem = None, Problem(str(error), error.exit_code)
        if self.against is None:
            base = self._of_own(budget, own, own_problem)
        else:
            base = self._of_other(budget, own)
            if own_problem is not None and not self.update:
                base = replace(base, facts=None, problem=own_problem)
        return replace(base, loosened=self.loosened)

    @property
    def label(self) -> str:
        """What it is compared with, for people; "" for the budgets' own baselines."""
        if self.against is None:
            return ""
        if self._path is not None:
            return self.against
        return f"{self.against} ({self.commit[:12]})"

    def own(self, budget: Budget) -> Baseline | None:
        """The budget's own baseline; None where it has none yet."""
        if budget.baseline is None or not budget.baseline.exists():
            return None
        return read_base(_text(budget.baseline), str(budget.baseline))

    def gone(self, names: Collection[str]) -> tuple[str, ...]:
        """Budgets that the commit has, and that are not of these names."""
        if self.against is None or self._path is not None:
            return ()
        return tuple(name for name in self._then if name not in names)

    def require_any(self, found: Iterable[Base]) -> None:
        """Raise InputError where ``found``, those of all budgets, come from a folder that holds
        nothing of them: it is another folder than was meant."""
        bases = list(found)
        nothing = all(base.facts is None and base.problem is None for base in bases)
        if bases and nothing and self._path is not None and self._path.is_dir():
            raise InputError(
                f"--against {self.against}: holds no baseline and no report of these budgets.",
                hint="Give a checkout of the base, or what --save left of its build.",
            )

    def _of_own(self, budget: Budget, own: Baseline | None, problem: Problem | None) -> Base:
        if problem is None and own is None and budget.grows and not self.update:
            what = (
                f"no baseline yet. Run `toolkit check --update` and commit '{budget.baseline}', "
                "which it writes."
                if budget.baseline is not None
                else "growth needs a baseline, or --against."
            )
            problem = Problem(f"{budget.name}: {what}")
        return Base(None if own is None else own.facts, problem)

    def _of_other(self, budget: Budget, own: Baseline | None) -> Base:
        try:
            found = self._other(budget)
        except ToolkitError as error:
            return Base(problem=Problem(str(error), error.exit_code))
        if found is None:
            return Base()
        accepted = {} if own is None else own.accepted
        fresh = {key: v for key, v in accepted.items() if found.accepted.get(key) != v}
        return Base(found.facts, accepted=fresh)

    @cached_property
    def _path(self) -> Path | None:
        path = None if self.against is None else Path(self.against)
        return path if path is not None and path.exists() else None

    def _other(self, budget: Budget) -> Baseline | None:
        path = self._path
        if path is None:
            return self._of_commit(budget)
        if path.is_file():
            return read_base(_text(path), str(path))
        folder = path.resolve()
        names = [f"{slug(budget.name)}{SAVED}"]
        if budget.baseline is not None:
            names.append(_relative(budget.baseline, self.file.parent))
            names.append(_relative(budget.baseline, Path()))
            names.append(budget.baseline.name)
        for name in names:
            if (folder / name).is_file():
                return read_base(_text(folder / name), str(path / name))
        if (folder / f"{slug(budget.name)}.json").is_file():
            return read_base(_text(folder / f"{slug(budget.name)}.json"), str(path))
        return None

    # --- a commit of the repository that the budgets lie in ---------------------------------------

    @cached_property
    def commit(self) -> str:
        """The hash of the commit; InputError where the repository does not have it."""
        done = git(self._folder, "rev-parse", "--verify", "--quiet", f"{self.against}^{{commit}}")
        if done is None:
            raise InputError(
                f"--against {self.against}: is no file, no folder and no commit of this "
                "repository.",
                hint="A job that fetches one commit only must fetch it: `git fetch --depth=1 "
                "origin main`, then --against FETCH_HEAD.",
            )
        return done.strip()

    def _of_commit(self, budget: Budget) -> Baseline | None:
        """The baseline that the budget of that name had; None where there was none."""
        name = self._then.get(budget.name) or budget.baseline
        if name is None:
            raise InputError(
                f"{budget.name}: growth against a commit needs a baseline in the file."
            )
        path = _relative(name, self.file.parent)
        text = git(self._folder, "show", f"{self.commit}:./{path}")
        return None if text is None else read_base(text, f"{self.against}:{path}")

    @cached_property
    def _then(self) -> Mapping[str, Path | None]:
        """Baselines by the names of the budgets as the commit has them: one may have moved."""
        text = git(self._folder, "show", f"{self.commit}:./{self.file.name}")
        try:
            found = parse_budgets(tomllib.loads(text or ""), self.file, Lines())
        except (InputError, ValueError):
            return {}
        return {b.name: b.baseline for b in found}

    @property
    def _folder(self) -> Path:
        return self.file.resolve().parent


def git(folder: Path, *arguments: str) -> str | None:
    """What git prints in ``folder``, None where it fails; ToolMissingError without git."""
    try:
        done = subprocess.run(
            ["git", *arguments],
            cwd=folder,
            capture_output=True,
            check=False,
            stdin=subprocess.DEVNULL,
        )
    except FileNotFoundError:
        raise ToolMissingError(
            "git is not installed.", hint="--against takes a folder too."
        ) from None
    return done.stdout.decode("utf-8", "replace") if done.returncode == 0 else None


def head_commit(folder: Path) -> str:
    """The commit that is judged: as the CI service says, else as git does; "" where neither."""
    commit = _pull_request() or os.environ.get("CI_COMMIT_SHA") or os.environ.get("GITHUB_SHA")
    if commit:
        return commit
    try:
        found = git(folder, "rev-parse", "--verify", "--quiet", "HEAD")
    except ToolMissingError:
        return ""
    return (found or "").strip()


def _pull_request() -> str:
    """The head of the pull request: what GitHub checks out is its merge into the base."""
    path = os.environ.get("GITHUB_EVENT_PATH")
    try:
        event = json.loads(Path(path).read_text(encoding="utf-8")) if path else {}
        return str(event["pull_request"]["head"]["sha"])
    except (OSError, ValueError, KeyError, TypeError):
        return ""


def _relative(path: Path, folder: Path) -> str:
    return Path(os.path.relpath(path.resolve(), folder.resolve())).as_posix()


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except OSError as error:
        raise InputError(
            f"{path}: cannot be read: {error.strerror}.", hint="Check the path and its permissions."
        ) from None
    except UnicodeDecodeError:
        raise InputError(
            f"{path}: is no baseline: it is not text.", hint="`toolkit check --update` writes one."
        ) from None
