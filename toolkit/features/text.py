"""A feature specification as TOML, for people, and as a file of either form; both read strictly."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Iterator, Sequence
from dataclasses import fields, is_dataclass
from pathlib import Path
from typing import Any

from toolkit.errors import InputError
from toolkit.features.about import ABOUT
from toolkit.features.spec import FeatureSpec, from_data, from_json, to_data


def to_toml(spec: FeatureSpec) -> str:
    """TOML, plain values first and then one table for the level and one for ``micro``."""
    data = to_data(spec)
    tables = {name: data.pop(name) for name in ("level", "micro") if name in data}
    lines = [_toml_line(*item) for item in data.items()]
    for name, table in tables.items():
        lines += ["", f"[{name}]", *(_toml_line(*item) for item in table.items())]
    return "\n".join(lines) + "\n"


def commented_toml(spec: FeatureSpec, heading: Sequence[str]) -> str:
    """TOML below a ``heading`` that says of every field what it means; what has its default is
    there as a comment."""
    lines = [*(f"# {line}" for line in heading), "", f'kind = "{spec.kind}"']
    tables = []
    for f in fields(spec):
        value = getattr(spec, f.name)
        if is_dataclass(value):
            tables += ["", f"[{f.name}]", *_commented(value)]
        else:
            lines += _commented(spec, f.name)
    return "\n".join([*lines, *tables]) + "\n"


def _commented(part: Any, only: str | None = None) -> Iterator[str]:
    for f in fields(part):
        if only in (None, f.name):
            value = getattr(part, f.name)
            left_out = "# " if f.metadata.get("younger") and value == f.default else ""
            shown = list(value) if isinstance(value, tuple) else value
            line = f"{left_out}{_toml_line(f.name, shown)}"
            about = ABOUT.get(f.name)
            yield f"{line:<34}# {about}" if about else line


def from_toml(text: str) -> FeatureSpec:
    """Read TOML; InputError when it cannot be."""
    try:
        data = tomllib.loads(text)
    except (ValueError, RecursionError) as error:
        raise InputError(f"feature spec: must be TOML; {error}.") from None
    return from_data(data)


def read_spec(path: Path) -> FeatureSpec:
    """Read a .toml or .json file; InputError naming it when it cannot be used."""
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise InputError(
            f"{path}: cannot be read: {error.strerror}.", hint="Check the path and its permissions."
        ) from None
    except UnicodeDecodeError:
        raise InputError(f"{path}: must be UTF-8 text.") from None
    try:
        return from_json(text) if path.suffix.lower() == ".json" else from_toml(text)
    except InputError as error:
        raise InputError(
            f"{path}: {error.message}", "See docs/FEATURES.md for the fields."
        ) from None


def _toml_line(name: str, value: object) -> str:
    # Numbers, strings and booleans look the same in JSON and in TOML.
    return f"{name} = {json.dumps(value)}"
