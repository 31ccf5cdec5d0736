"""Reads toolkit.toml (docs/CI.md), strictly: an unknown key or figure is an error."""

from __future__ import annotations

import difflib
import math
import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from toolkit.budget.model import Budget, Rule
from toolkit.errors import InputError
from toolkit.report.names import FAMILIES, FIGURES, figure

VERSION = 1
_HINT = "docs/CI.md shows one."
_CHOICES: Mapping[str, Sequence[str]] = {
    "missing": ("fail", "warn"),
    "mode": ("build", "profile"),
    "toolchain": ("zig", "gcc"),
    "schedule": ("auto", "batch", "stream"),
}
#: Files and folders beside the budget that a model is calibrated and measured on.
_DATA = ("calib", "test", "labels", "audio")
_TEXTS = ("target", "model", "baseline", *_DATA, *_CHOICES)
_KEYS = (*_TEXTS, "label_range", "seconds", "checks", "limits", "growth")


def load_budgets(path: Path) -> tuple[Budget, ...]:
    """The budgets of a file, in its order; paths in it are relative to its folder.

    Raises InputError where it cannot be read or says what it must not.
    """
    try:
        data = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise InputError(f"{path}: cannot be read: {error.strerror}.", hint=_HINT) from None
    except ValueError as error:
        raise InputError(f"{path}: is no TOML: {error}.", hint=_HINT) from None
    try:
        return _budgets(data, path.parent)
    except ValueError as error:
        end = "" if str(error).endswith("?") else "."
        raise InputError(f"{path}: {error}{end}", hint=_HINT) from None


def _budgets(data: dict[str, Any], folder: Path) -> tuple[Budget, ...]:
    _require_known(data, ("version", "missing", "budget"), "the file")
    if data.get("version") != VERSION:
        raise ValueError(f"version must be {VERSION}; got {data.get('version')!r}")
    tables = data.get("budget")
    if not isinstance(tables, list) or not tables:
        raise ValueError("it must hold at least one [[budget]]")
    defaults = {"missing": data["missing"]} if "missing" in data else {}
    return tuple(
        _budget({**defaults, **table}, folder, f"budget {number}")
        for number, table in enumerate(tables, 1)
    )


def _budget(table: dict[str, Any], folder: Path, where: str) -> Budget:
    _require_known(table, _KEYS, where)
    for key in _TEXTS:
        if key in table and not isinstance(table[key], str):
            raise ValueError(f"{where}: {key} must be text; got {table[key]!r}")
    for key, choices in _CHOICES.items():
        if key in table and table[key] not in choices:
            raise ValueError(f"{where}: {key} must be {' or '.join(choices)}; got {table[key]!r}")
    if "target" not in table:
        raise ValueError(f"{where}: target is missing")
    checks = table.get("checks", [])
    if not isinstance(checks, list) or not all(isinstance(name, str) for name in checks):
        raise ValueError(f"{where}: checks must be a list of names; got {checks!r}")
    rules = (*_limits(table, where), *_growth(table, where))
    if not rules and not checks:
        raise ValueError(f"{where}: it demands nothing: no limits, no growth, no checks")
    if any(rule.kind == "growth" for rule in rules) and "baseline" not in table:
        raise ValueError(f"{where}: growth needs a baseline")
    options: dict[str, Any] = {key: table[key] for key in _CHOICES if key in table}
    if "seconds" in table:
        options["seconds"] = _number(table["seconds"], f"{where}: seconds")
    return Budget(
        target=table["target"],
        rules=rules,
        model=_model(table["model"], folder) if "model" in table else None,
        baseline=folder / table["baseline"] if "baseline" in table else None,
        checks=tuple(checks),
        **options,
        **_data(table, folder, where),
    )


def _data(table: dict[str, Any], folder: Path, where: str) -> dict[str, Any]:
    """Where the data lie that the model is calibrated and measured on."""
    data: dict[str, Any] = {key: folder / table[key] for key in _DATA if key in table}
    for key in ("audio", "label_range"):
        if key in table and "labels" not in table:
            raise ValueError(f"{where}: {key} needs labels")
    if "labels" in data:
        data.setdefault("audio", data["labels"].parent)
    if "label_range" in table:
        ends = table["label_range"]
        if not isinstance(ends, list) or len(ends) != 2:
            raise ValueError(f"{where}: label_range must be [low, high]; got {ends!r}")
        low, high = (_number(end, f"{where}: label_range") for end in ends)
        if not low < high:
            raise ValueError(f"{where}: label_range must rise; got {ends!r}")
        data["label_range"] = (low, high)
    return data


def _model(text: str, folder: Path) -> str:
    """A zoo name as it is, a file relative to the budget."""
    return str(folder / text) if Path(text).suffix else text


def _limits(table: dict[str, Any], where: str) -> list[Rule]:
    rules = []
    for name, value in _section(table, "limits", where).items():
        rules.append(Rule(name, "limit", _number(value, f"{where}: limits.{name}")))
    return rules


def _growth(table: dict[str, Any], where: str) -> list[Rule]:
    rules = []
    for name, value in _section(table, "growth", where).items():
        what = f"{where}: growth.{name}"
        percent = isinstance(value, str) and value.strip().endswith("%")
        if percent:
            try:
                value = float(value.strip().removesuffix("%"))
            except ValueError:
                raise ValueError(f"{what} must be a number or 'N %'; got {value!r}") from None
        amount = _number(value, what)
        if amount < 0:
            raise ValueError(f"{what} must not be negative; got {amount:g}")
        rules.append(Rule(name, "growth", amount, percent))
    return rules


def _section(table: dict[str, Any], key: str, where: str) -> dict[str, Any]:
    section = table.get(key, {})
    if not isinstance(section, dict):
        raise ValueError(f"{where}: {key} must be a table; got {section!r}")
    for name in section:
        if not figure(name).better:
            near = difflib.get_close_matches(name, FIGURES, n=1)
            meant = f"did you mean '{near[0]}'?" if near else f"see {', '.join(FAMILIES)}..."
            raise ValueError(f"{where}: {key}: no figure is called '{name}'; {meant}")
    return section


def _number(value: Any, what: str) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise ValueError(f"{what} must be a number; got {value!r}")
    return value


def _require_known(table: Mapping[str, Any], known: Sequence[str], where: str) -> None:
    for key in table:
        if key not in known:
            near = difflib.get_close_matches(key, known, n=1)
            meant = f"did you mean '{near[0]}'?" if near else f"it has {', '.join(known)}"
            raise ValueError(f"{where}: unknown key '{key}'; {meant}")
