"""The rules of a budget's table: ``limits`` and ``growth``, each figure with what it may be."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from typing import Any, Literal

from toolkit.budget.amounts import parse_amount
from toolkit.budget.lines import Lines
from toolkit.budget.model import Kind, Rule
from toolkit.report.names import FAMILIES, FIGURES, figure

#: Where a figure lies in the part: what a limit in percent is a part of.
REGIONS: Mapping[str, str] = {
    "flash_bytes": "flash",
    "weights_bytes": "flash",
    "ram_static_bytes": "ram",
    "arena_bytes": "ram",
    "state_bytes": "ram",
    "stack_bound_bytes": "stack",
    "stack_painted_bytes": "stack",
    "library_flash_bytes": "flash",
    "library_ram_bytes": "ram",
}
_KEYS = ("amount", "level", "tighten")


def read_rules(table: Mapping[str, Any], number: int, lines: Lines) -> tuple[Rule, ...]:
    """The rules of the table of budget ``number``; ValueError for what cannot be one."""
    kinds: dict[str, Kind] = {"limits": "limit", "growth": "growth"}
    rules = []
    for key, kind in kinds.items():
        section = table.get(key, {})
        if not isinstance(section, dict):
            raise ValueError(f"{key} must be a table; got {section!r}")
        for name, value in section.items():
            _require_figure(name, key)
            given = value if isinstance(value, dict) else {"amount": value}
            line = lines.of(number, f"{key}.{name}")
            rules.append(_rule(name, kind, {**_levels(table), **given}, line))
    return tuple(rules)


def _levels(table: Mapping[str, Any]) -> dict[str, Any]:
    """What the budget says of all its rules."""
    return {key: table[key] for key in ("level", "tighten") if key in table}


def _rule(name: str, kind: Kind, given: Mapping[str, Any], line: int) -> Rule:
    what = f"{'limits' if kind == 'limit' else kind}.{name}"
    for key in given:
        if key not in _KEYS:
            raise ValueError(f"{what}: unknown key '{key}'; it has {', '.join(_KEYS)}")
    if "amount" not in given:
        raise ValueError(f"{what}: amount is missing")
    level = given.get("level", "fail")
    if level not in ("fail", "warn"):
        raise ValueError(f"{what}: level must be fail or warn; got {level!r}")
    amount = parse_amount(given["amount"], name, what)
    if kind == "growth" and min(amount.value, amount.least) < 0:
        raise ValueError(f"{what} must not be negative; got {amount.value:g}")
    if kind == "limit":
        if amount.least:
            raise ValueError(f"{what}: 'at least' is for growth; got {given['amount']!r}")
        if amount.percent and name not in REGIONS:
            raise ValueError(f"{what}: a part has no {name}; percentages are of {_regions()}")
    tighten = _tighten(given.get("tighten", False), what) if kind == "growth" else ""
    return Rule(name, kind, amount.value, amount.percent, amount.least, level, tighten, line)


def _tighten(value: Any, what: str) -> Literal["", "warn", "fail"]:
    if isinstance(value, bool):
        return "warn" if value else ""
    if value in ("warn", "fail"):
        return "warn" if value == "warn" else "fail"
    raise ValueError(f"{what}: tighten must be true, 'warn' or 'fail'; got {value!r}")


def _regions() -> str:
    return ", ".join(REGIONS)


def _require_figure(name: str, key: str) -> None:
    if not figure(name).better:
        near = difflib.get_close_matches(name, FIGURES, n=1)
        meant = f"did you mean '{near[0]}'?" if near else f"see {', '.join(FAMILIES)}..."
        raise ValueError(f"{key}: no figure is called '{name}'; {meant}")
