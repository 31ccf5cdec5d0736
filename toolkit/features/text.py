"""A feature specification as JSON (in model files) and as TOML (for people); both read strictly."""

from __future__ import annotations

import json
import tomllib
from dataclasses import asdict, fields
from pathlib import Path
from typing import Any

from toolkit.errors import InputError
from toolkit.features.spec import FeatureSpec, LevelSpec, MicroSpec

_BASE = ("kind", "sample_rate_hz", "frame_samples", "hop_samples", "level")
_BANDS = ("n_mels", "f_min_hz", "f_max_hz")
_LOG_MEL = (*_BASE, *_BANDS, "center", "floor", "log", "mel_norm", "mel_scale", "power", "window")
#: The fields that say something about a kind; the others keep their defaults.
_FIELDS = {
    "log_mel": _LOG_MEL,
    "mfcc": (*_LOG_MEL, "n_mfcc", "mfcc_norm"),
    "micro_frontend": (*_BASE, *_BANDS, "micro"),
    "raw": _BASE,
}
#: Younger than the first models: written only where they say something, so that those keep
#: their bytes.
_WRITTEN_WHEN_SET = ("mel_slopes", "flooring")


def to_data(spec: FeatureSpec) -> dict[str, Any]:
    """The fields of the spec's kind, as plain values."""
    data = asdict(spec)
    defaults = {field.name: field.default for field in fields(FeatureSpec)}
    names = [*_FIELDS[spec.kind], *(n for n in _WRITTEN_WHEN_SET if data[n] != defaults[n])]
    return {name: data[name] for name in names}


def from_data(data: object) -> FeatureSpec:
    """Inverse of ``to_data``; InputError naming what is missing, unknown or out of range."""
    values = _known(FeatureSpec, data, "feature spec")
    for name, cls in (("level", LevelSpec), ("micro", MicroSpec)):
        if name in values:
            values[name] = cls(**_known(cls, values[name], f"feature spec: {name}"))
    try:
        return FeatureSpec(**values)
    except TypeError as error:
        missing = str(error).partition("missing ")[2] or str(error)
        raise InputError(f"feature spec: missing {missing}.") from None


def to_json(spec: FeatureSpec) -> str:
    """One line of JSON, keys sorted."""
    return json.dumps(to_data(spec), sort_keys=True)


def from_json(text: str) -> FeatureSpec:
    """Read ``to_json`` text; InputError when it cannot be."""
    try:
        data = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise InputError(f"feature spec: must be JSON; {error}.") from None
    return from_data(data)


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


def _known(cls: type, data: object, where: str) -> dict[str, Any]:
    if not isinstance(data, dict):
        raise InputError(f"{where}: must be an object; got {type(data).__name__}.")
    if unknown := sorted(set(data) - {field.name for field in fields(cls)}):
        raise InputError(f"{where}: unknown keys {', '.join(unknown)}.")
    return dict(data)
