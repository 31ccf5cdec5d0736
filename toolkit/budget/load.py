"""Reads toolkit.toml (docs/CI.md), strictly: an unknown key or figure is an error of its budget."""

from __future__ import annotations

import difflib
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

from toolkit.budget.amounts import number
from toolkit.budget.lines import Lines, find_lines
from toolkit.budget.model import Budget, Problem, Subject
from toolkit.budget.names import distinct, own_name
from toolkit.budget.rules import read_rules
from toolkit.errors import InputError, reading

VERSION = 1
_HINT = "docs/CI.md shows one."
_CHOICES: Mapping[str, Sequence[str]] = {
    "missing": ("fail", "warn"),
    "level": ("fail", "warn"),
    "mode": ("build", "profile"),
    "toolchain": ("zig", "gcc"),
    "simulator": ("unicorn", "qemu", "host"),
    "schedule": ("auto", "batch", "stream"),
    "optimize": ("size", "balanced", "speed"),
    "arithmetic": ("auto", "float32", "fixed"),
    "hot_code": ("flash", "ram"),
    "weights": ("flash", "ram"),
}
#: Files and folders beside the budget: what is judged, and what it is calibrated and measured on.
_PATHS = ("calib", "test", "labels", "audio", "clip", "elf", "map")
_NUMBERS = ("seconds", "max_seconds", "hop_out", "window")
_TEXTS = ("name", "target", "model", "baseline", "policy", "features", *_PATHS, *_CHOICES)
_OTHERS = ("time_axis", "label_range", "state", "checks", "tighten", "limits", "growth")
_KEYS = (*_TEXTS, *_NUMBERS, *_OTHERS)
#: What a budget that cannot be used is still known by.
_NAMES = ("name", "target")
_SUBJECT = frozenset(f.name for f in fields(Subject))
#: Checks of reports: a name near to one of these is a slip of the pen.
_CHECKS = (
    "bit_match",
    "features_match",
    "tflm_match",
    "import_match",
    "import_match_other_lengths",
    "device_near_float",
    "stack_within_bound",
    "plan_linked",
    "fits_flash",
    "fits_ram",
    "fits_stack",
    "real_time",
    "bit_match_recordings",
)


def load_budgets(path: Path, model: str | None = None) -> tuple[Budget, ...]:
    """The budgets of a file, in its order; paths in it are relative to its folder.

    ``model`` is what those take that name none.  A budget whose table says what it must not has a
    ``problem``; InputError where the file as a whole cannot be read.
    """
    if not path.exists():
        raise InputError(
            f"'{path}' does not exist.",
            hint="`toolkit init MODEL` writes one; docs/CI.md shows more.",
        )
    with reading(path, "TOML with budgets", _HINT):
        text = path.read_text(encoding="utf-8")
        return parse_budgets(tomllib.loads(text), path, find_lines(text), model)


def parse_budgets(
    data: Mapping[str, Any], path: Path, lines: Lines, model: str | None = None
) -> tuple[Budget, ...]:
    """The budgets of TOML already read, which stood in ``path``; as `load_budgets`."""
    try:
        _require_known(data, ("version", "missing", "defaults", "budget"), "the file")
        if data.get("version") != VERSION:
            raise ValueError(f"version must be {VERSION}; got {data.get('version')!r}")
        tables, defaults = data.get("budget"), data.get("defaults", {})
        if not isinstance(tables, list) or not tables:
            raise ValueError("it must hold at least one [[budget]]")
        if not isinstance(defaults, dict):
            raise ValueError(f"defaults must be a table; got {defaults!r}")
        _require_known(defaults, tuple(k for k in _KEYS if k != "name"), "defaults")
    except ValueError as error:
        raise InputError(f"{path}: {error}{_stop(error)}", hint=_HINT) from None
    if "missing" in data:
        defaults = {"missing": data["missing"], **defaults}
    found = []
    for place, table in enumerate(tables, 1):
        where, line = f"budget {place}", lines.budget(place)
        try:
            budget = _budget(_with(table, defaults), path.parent, (place, lines), model)
        except ValueError as error:
            message = f"{path}:{line}: {where}: {error}{_stop(error)} {_HINT}"
            name, target = (v if isinstance(v, str) else "" for v in map(table.get, _NAMES))
            subject = Subject(target)
            budget = Budget(name or where, subject, line=line, problem=Problem(message))
        found.append(budget)
    return _baselines_apart(distinct(found), path)


def _stop(error: ValueError) -> str:
    return "" if str(error).endswith("?") else "."


def _with(table: Any, defaults: Mapping[str, Any]) -> dict[str, Any]:
    """A budget's table over the defaults; rules are merged one by one."""
    if not isinstance(table, dict):
        raise InputError(f"each [[budget]] must be a table; got {table!r}.", hint=_HINT)
    merged = {**defaults, **table}
    for key in ("limits", "growth"):
        both = (defaults.get(key), table.get(key))
        if all(isinstance(section, dict) for section in both):
            merged[key] = {**defaults[key], **table[key]}
    return merged


def _budget(
    table: dict[str, Any], folder: Path, place: tuple[int, Lines], model: str | None
) -> Budget:
    _require_known(table, _KEYS)
    for key in _TEXTS:
        if key in table and not isinstance(table[key], str):
            raise ValueError(f"{key} must be text; got {table[key]!r}")
    for key, choices in _CHOICES.items():
        if key in table and table[key] not in choices:
            raise ValueError(f"{key} must be {' or '.join(choices)}; got {table[key]!r}")
    if "target" not in table:
        raise ValueError("target is missing")
    rules = read_rules(table, *place)
    checks = _checks(table)
    if not rules and not checks:
        raise ValueError("it demands nothing: no limits, no growth, no checks")
    subject = _subject(table, folder)
    return Budget(
        name=table.get("name") or own_name(table.get("model"), model, subject),
        subject=subject if subject.model or subject.elf else replace(subject, model=model),
        rules=rules,
        baseline=folder / table["baseline"] if "baseline" in table else None,
        checks=checks,
        missing=table.get("missing", "fail"),
        line=place[1].budget(place[0]),
    )


def _checks(table: dict[str, Any]) -> tuple[str, ...]:
    checks = _names(table, "checks")
    for name in checks:
        near = difflib.get_close_matches(name, _CHECKS, n=1, cutoff=0.75)
        if near and name not in _CHECKS:
            raise ValueError(f"checks: no check is called '{name}'; did you mean '{near[0]}'?")
    return checks


def _names(table: dict[str, Any], key: str) -> tuple[str, ...]:
    names = table.get(key, [])
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        raise ValueError(f"{key} must be a list of names; got {names!r}")
    return tuple(names)


def _subject(table: dict[str, Any], folder: Path) -> Subject:
    options = {key: table[key] for key in table if key in _SUBJECT and key not in _PATHS}
    options |= {key: folder / table[key] for key in _PATHS if key in table}
    options |= {key: number(table[key], key) for key in _NUMBERS if key in table}
    if "model" in table:  # a zoo name as it is, a file relative to the budget
        options["model"] = (
            str(folder / table["model"]) if Path(table["model"]).suffix else (table["model"])
        )
    if Path(table.get("features", "")).suffix:  # a preset as it is, a file relative to the budget
        options["features"] = str(folder / table["features"])
    options["state"] = _names(table, "state")
    axis = table.get("time_axis")
    if "time_axis" in table and (isinstance(axis, bool) or not isinstance(axis, int)):
        raise ValueError(f"time_axis must be a whole number; got {axis!r}")
    for key in ("audio", "label_range"):
        if key in table and "labels" not in table:
            raise ValueError(f"{key} needs labels")
    if "labels" in options:
        options.setdefault("audio", options["labels"].parent)
    if "label_range" in table:
        options["label_range"] = _range(table["label_range"])
    if "elf" in table or "map" in table:
        if "mode" in table:
            raise ValueError("mode must be left out where elf or map names the firmware")
        options["mode"] = "firmware"
    return Subject(**options)


def _range(ends: Any) -> tuple[float, float]:
    if not isinstance(ends, list) or len(ends) != 2:
        raise ValueError(f"label_range must be [low, high]; got {ends!r}")
    low, high = (number(end, "label_range") for end in ends)
    if not low < high:
        raise ValueError(f"label_range must rise; got {ends!r}")
    return low, high


def _baselines_apart(budgets: Sequence[Budget], path: Path) -> tuple[Budget, ...]:
    """The same; one that names another's baseline has a problem: each would overwrite it."""
    owners: dict[Path, str] = {}
    found = []
    for budget in budgets:
        if budget.baseline is not None and budget.problem is None:
            owner = owners.setdefault(budget.baseline.resolve(), budget.name)
            if owner != budget.name:
                message = (
                    f"{path}:{budget.line}: '{budget.name}' and '{owner}' name the same baseline "
                    f"'{budget.baseline}'. Give each its own."
                )
                budget = replace(budget, problem=Problem(message))
        found.append(budget)
    return tuple(found)


def _require_known(table: Mapping[str, Any], known: Sequence[str], where: str = "") -> None:
    for key in table:
        if key not in known:
            near = difflib.get_close_matches(key, known, n=1)
            meant = f"did you mean '{near[0]}'?" if near else f"it has {', '.join(known)}"
            raise ValueError(f"{where}{': ' if where else ''}unknown key '{key}'; {meant}")
