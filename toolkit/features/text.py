"""A feature specification as TOML, for people, and as a file of either form; both read strictly."""

from __future__ import annotations

import json
import tomllib
from pathlib import Path

from toolkit.errors import InputError
from toolkit.features.spec import FeatureSpec, from_data, from_json, to_data


def to_toml(spec: FeatureSpec) -> str:
    """TOML, plain values first and then one table for the level and one for ``micro``."""
    data = to_data(spec)
    tables = {name: data.pop(name) for name in ("level", "micro") if name in data}
    lines = [_toml_line(*item) for item in data.items()]
    for name, table in tables.items():
        lines += ["", f"[{name}]", *(_toml_line(*item) for item in table.items())]
    return "\n".join(lines) + "\n"


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
        raise InputError(f"{path}: cannot be read: {error.strerror}.") from None
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
