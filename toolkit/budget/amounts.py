"""Amounts of a rule as the user writes them: 64, "64 KiB", "2 %", "2 % and at least 64 B"."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from typing import Any

_AMOUNT = re.compile(r"([+-]?[0-9][0-9_]*(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?)\s*([A-Za-z%µ]*)")
_LEAST = re.compile(r"\s+(?:and|but)\s+at\s+least\s+|\s*,\s*at\s+least\s+")
#: What a unit is worth in the one that the figure has; keys are in upper case.
_BYTES: dict[str, float] = {"B": 1, "KB": 1000, "KIB": 1024, "MB": 1000**2, "MIB": 1024**2}
_SCALES: dict[str, dict[str, float]] = {
    "B": _BYTES,
    "ms": {"US": 1e-3, "MS": 1, "S": 1000},
    "uJ": {"UJ": 1, "MJ": 1000},
    "uW": {"UW": 1, "MW": 1000},
    "dB": {"DB": 1},
    "cycles": {"CYCLES": 1, "KCYCLES": 1e3, "MCYCLES": 1e6},
    "MACs": {"MACS": 1, "KMACS": 1e3, "MMACS": 1e6},
    "instructions": {"INSTRUCTIONS": 1},
    "frames": {"FRAMES": 1},
    "steps": {"STEPS": 1},
}
#: The unit of a figure by what its name has.
_UNITS = (
    ("_bytes", "B"),
    ("_ms", "ms"),
    ("_db", "dB"),
    ("_uj", "uJ"),
    ("_uw", "uW"),
    ("cycles", "cycles"),
    ("macs_", "MACs"),
    ("instructions", "instructions"),
    ("_frames", "frames"),
    ("_steps", "steps"),
)


@dataclass(frozen=True)
class Amount:
    """``value`` in the figure's unit or in ``percent``, but ``least`` in its unit at least."""

    value: float
    percent: bool = False
    least: float = 0.0


def parse_amount(value: Any, figure: str, what: str) -> Amount:
    """An amount of ``figure``; ``what`` names it in messages.

    Raises ValueError where it is no number, or in a unit that the figure does not have.
    """
    if not isinstance(value, str):
        return Amount(number(value, what))
    first, *least = _LEAST.split(value.strip(), maxsplit=1)
    amount, percent = _read(first, figure, what)
    if not least:
        return Amount(amount, percent)
    floor, also_percent = _read(least[0], figure, what)
    if not percent or also_percent:
        raise ValueError(f"{what}: must be like '2 % and at least 64 B'; got {value!r}")
    return Amount(amount, True, floor)


def number(value: Any, what: str) -> float:
    """A finite number; ValueError for anything else."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise ValueError(f"{what} must be a number; got {value!r}")
    return value


def unit_of(figure: str) -> str:
    """The unit that a figure of this name has; "" where it is a plain number."""
    return next((unit for part, unit in _UNITS if part in figure), "")


def _read(text: str, figure: str, what: str) -> tuple[float, bool]:
    """The number and whether it is a percentage."""
    found = _AMOUNT.fullmatch(text.strip())
    if found is None:
        raise ValueError(f"{what} must be a number, 'N %' or a number with its unit; got {text!r}")
    digits = found[1].replace("_", "")
    value = float(digits) if set(digits) & set(".eE") else int(digits)
    if not math.isfinite(value):
        raise ValueError(f"{what} must be a number; got {text!r}")
    if found[2] in ("", "%"):
        return value, found[2] == "%"
    unit = unit_of(figure)
    scale = _SCALES.get(unit, {}).get(found[2].replace("µ", "u").upper())
    if scale is None:
        known = ", ".join(_shown(unit)) or "no unit"
        raise ValueError(f"{what}: {figure} is in {known}; got {text!r}")
    scaled = value * scale
    return (int(scaled) if scaled == int(scaled) else scaled), False


def _shown(unit: str) -> tuple[str, ...]:
    if unit == "B":
        return ("B", "kB", "KiB", "MB", "MiB")
    return (unit,) if unit else ()
