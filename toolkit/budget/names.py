"""Names of budgets: each its own, whatever the model files are called."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import fields, replace
from pathlib import Path

from toolkit.budget.model import Budget, Subject

#: What two budgets of one model and target are told apart by.
_OPTIONS = tuple(f.name for f in fields(Subject) if f.name not in ("model", "target"))


def own_name(written: str | None, model: str | None, subject: Subject) -> str:
    """The name of a budget that states none: its model as the file has it (else that of the
    command), without the suffix, and its target."""
    firmware = subject.elf or subject.map
    if firmware is not None:
        return f"{firmware.name} on {subject.target}"
    text = written or model or "any model"
    what = text if written else Path(text).name
    return f"{Path(what).with_suffix('').as_posix()} on {subject.target}"


def distinct(budgets: Sequence[Budget]) -> list[Budget]:
    """The same, with names that all differ: those of one model and target by the options that
    differ, else by number."""
    groups: dict[str, list[int]] = defaultdict(list)
    for index, budget in enumerate(budgets):
        groups[budget.name].append(index)
    found = list(budgets)
    for indices in groups.values():
        if len(indices) > 1:
            differing = [
                key
                for key in _OPTIONS
                if len({str(getattr(budgets[i].subject, key)) for i in indices}) > 1
            ]
            for index in indices:
                found[index] = _told_apart(budgets[index], differing)
    often = Counter(budget.name for budget in found)
    seen: Counter[str] = Counter()
    for index, budget in enumerate(found):
        if often[budget.name] > 1:
            seen[budget.name] += 1
            found[index] = replace(budget, name=f"{budget.name} #{seen[budget.name]}")
    return found


def _told_apart(budget: Budget, keys: Sequence[str]) -> Budget:
    values = ((key, getattr(budget.subject, key)) for key in keys)
    words = [f"{key}={v.name if isinstance(v, Path) else v}" for key, v in values if v is not None]
    return replace(budget, name=f"{budget.name} ({', '.join(words)})") if words else budget


def slug(name: str) -> str:
    """A name as that of a file: letters, digits and what stands between them."""
    text = "".join(c if c.isascii() and (c.isalnum() or c in "._") else "-" for c in name)
    return "-".join(part for part in text.split("-") if part) or "budget"
