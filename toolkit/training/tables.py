"""Frozen dataclasses from TOML tables, strictly: an unknown key, a wrong type or a value out of
range is one line that says where."""

from __future__ import annotations

import difflib
import math
import os
import re
from collections.abc import Mapping
from dataclasses import MISSING, Field, field, fields, is_dataclass
from pathlib import Path
from typing import Any, TypeVar, get_args, get_origin, get_type_hints

T = TypeVar("T")


def number(default: float, low: float = 0.0, high: float = math.inf) -> Any:
    """A field that is a number in [low, high]."""
    return field(default=default, metadata={"low": low, "high": high})


def choice(default: str, *others: str) -> Any:
    """A field that is one of some words, the first of them by default."""
    return field(default=default, metadata={"choices": (default, *others)})


def read_table(cls: type[T], data: Mapping[str, Any], folder: Path, where: str = "") -> T:
    """``cls`` from a table; paths are relative to ``folder`` and may name ``$VARIABLES``.

    Raises ValueError, in words that name the key.
    """
    known = {f.name: f for f in fields(cls)}  # type: ignore[arg-type]
    for key in data:
        if key not in known:
            near = difflib.get_close_matches(key, known, n=1)
            meant = f"; did you mean '{near[0]}'?" if near else ""
            raise ValueError(f"'{where}{key}' is unknown{meant}")
    hints = get_type_hints(cls)
    values = {}
    for name, f in known.items():
        if name in data:
            values[name] = _value(hints[name], data[name], f, folder, f"{where}{name}")
        elif f.default is MISSING and f.default_factory is MISSING:
            raise ValueError(f"'{where}{name}' is missing")
    return cls(**values)


def _value(hint: Any, value: Any, f: Field[Any], folder: Path, name: str) -> Any:
    origin, arguments = get_origin(hint), get_args(hint)
    if is_dataclass(hint):
        if not isinstance(value, dict):
            raise ValueError(f"'{name}' must be a table; got {value!r}")
        return read_table(hint, value, folder, f"{name}.")  # type: ignore[arg-type]
    if origin is tuple:
        length = len(value) if arguments[-1] is ... and isinstance(value, list) else len(arguments)
        if not isinstance(value, list) or len(value) != length:
            count = "" if arguments[-1] is ... else f" of {len(arguments)}"
            raise ValueError(f"'{name}' must be a list{count}; got {value!r}")
        place = (
            f"{name} {n}" if is_dataclass(arguments[0]) else name for n in range(1, length + 1)
        )
        return tuple(
            _value(arguments[0], v, f, folder, p) for v, p in zip(value, place, strict=True)
        )
    if origin is not None:  # a Mapping
        if not isinstance(value, dict):
            raise ValueError(f"'{name}' must be a table; got {value!r}")
        if arguments[1] is Any:
            return value
        return {k: _value(arguments[1], v, f, folder, f"{name}.{k}") for k, v in value.items()}
    return _plain(hint, value, f, folder, name)


def _plain(hint: Any, value: Any, f: Field[Any], folder: Path, name: str) -> Any:
    if hint is float and isinstance(value, int) and not isinstance(value, bool):
        value = float(value)
    expected = str if hint is Path else hint
    if not isinstance(value, expected) or (expected is int and isinstance(value, bool)):
        words = {str: "text", int: "a whole number", float: "a number", bool: "true or false"}
        raise ValueError(f"'{name}' must be {words[expected]}; got {value!r}")
    low, high = f.metadata.get("low", -math.inf), f.metadata.get("high", math.inf)
    if isinstance(value, int | float) and not low <= value <= high:
        bounds = f"at least {low:g}" if high == math.inf else f"in {low:g}..{high:g}"
        raise ValueError(f"'{name}' must be {bounds}; got {value}")
    choices = f.metadata.get("choices")
    if choices and value not in choices:
        raise ValueError(f"'{name}' must be {' or '.join(choices)}; got {value!r}")
    return _path(value, folder, name) if hint is Path else value


def _path(text: str, folder: Path, name: str) -> Path:
    full = os.path.expandvars(text)
    if unset := re.search(r"\$\{?(\w+)", full):
        raise ValueError(f"'{name}' names ${unset[1]}, which is not set in the environment")
    return folder.absolute() / full
