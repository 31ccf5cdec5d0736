"""Reads a ``report.json`` back: the subject of a check, or its baseline."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

from toolkit.errors import InputError, reading
from toolkit.measurement import Check, Issue, Measurement, MemoryMap, MemoryRow, Provenance, Symbol
from toolkit.report.model import (
    SCHEMA_VERSION,
    Alternative,
    Fit,
    FunctionRow,
    Group,
    LayerRow,
    Part,
    Prediction,
    Report,
    Roofline,
    RunClip,
    StackFrame,
)

T = TypeVar("T")


def read_report(path: Path, any_schema: bool = False) -> Report:
    """The report in a file; InputError where it cannot be read, is none, or is of another
    ``schema_version``, unless ``any_schema``."""
    with reading(path, "a report", _HINT):
        return parse_report(path.read_text(encoding="utf-8"), str(path), any_schema)


def parse_report(text: str, path: str, any_schema: bool = False) -> Report:
    """The report in the text of a file; as `read_report`, ``path`` being what messages name."""
    with reading(path, "a report", _HINT):
        data = json.loads(text, parse_constant=_no_number, parse_int=_integer)
    version = data.get("schema_version") if isinstance(data, dict) else None
    if not isinstance(data, dict) or not (any_schema or version == SCHEMA_VERSION):
        raise InputError(
            f"{path}: schema_version must be {SCHEMA_VERSION}; got {version!r}.", hint=_HINT
        )
    with reading(path, "a report", _HINT):
        return _report(data)


#: Characters of the integers that 64 bits hold.
_LONGEST_INTEGER = 19
_HINT = "`toolkit build --report report.json` writes one."


def _report(data: dict[str, Any]) -> Report:
    memory, stack, roof = data["memory"], data["stack"], data["roof"]
    clip = data.get("clip")
    return Report(
        model_name=_text(data["model"]["name"]),
        model_sha256=_text(data["model"]["sha256"]),
        target=_text(data["target"]),
        toolchain=_text(data["toolchain"]),
        simulator=_text(data["simulator"]),
        schedule=_text(data["schedule"]),
        measurements=_rows(data["measurements"], _measurement),
        checks=_rows(data["checks"], lambda row: Check(**row)),
        issues=_rows(data["issues"], lambda row: Issue(**row)),
        layers=_rows(data["layers"], _layer),
        functions=_rows(data["functions"], _function),
        predictions=_rows(
            data["predictions"], lambda row: Prediction(row["label"], row["float"], row["device"])
        ),
        memory=None if memory is None else _memory(memory),
        fits=_rows(data["fits"], _fit),
        stack=() if stack is None else _rows(stack["frames"], _frame),
        roof=None
        if roof is None
        else Roofline(roof["macs_per_cycle"], roof["bytes_per_cycle"], _text(roof["basis"])),
        alternatives=_rows(data.get("alternatives", []), _alternative),
        symbols=dict(_rows(data.get("symbols", []), _symbol)),
        library=_text(data.get("library", "")),
        clip=None if clip is None else RunClip(_text(clip["name"]), _text(clip["sha256"])),
        groups=_rows(data.get("groups", []), _group),
    )


def _group(row: dict[str, Any]) -> Group:
    figures = _rows(row["measurements"], _measurement)
    return Group(_text(row["by"]), _text(row["value"]), int(row["recordings"]), figures)


def _symbol(row: dict[str, Any]) -> tuple[str, Symbol]:
    return _text(row["name"]), Symbol(_text(row["role"]), _rows(row["layers"], _text))


def _alternative(row: dict[str, Any]) -> Alternative:
    return Alternative(**{key: row[key] for key in Alternative.__dataclass_fields__})


def _rows(rows: Any, read: Callable[[Any], T]) -> tuple[T, ...]:
    if not isinstance(rows, list):
        raise TypeError(f"expected a list, found {type(rows).__name__}")
    return tuple(map(read, rows))


def _measurement(row: dict[str, Any]) -> Measurement:
    value = row["value"]
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise ValueError(f"{row['name']}: the value must be a number, found {value!r}")
    return Measurement(
        _text(row["name"]),
        value,
        _text(row["unit"]),
        Provenance(row["provenance"]),
        _text(row["basis"]),
    )


def _layer(row: dict[str, Any]) -> LayerRow:
    return LayerRow(
        name=_text(row["name"]),
        op=_text(row["op"]),
        kernel=_text(row["kernel"]),
        variant=_text(row["variant"]),
        output_shape=tuple(row["output_shape"]),
        macs=int(row["macs"]),
        weights_bytes=int(row["weights_bytes"]),
        activation_bytes=int(row["activation_bytes"]),
        live_bytes=int(row["live_bytes"]),
        measurements=_rows(row["measurements"], _measurement),
    )


def _function(row: dict[str, Any]) -> FunctionRow:
    measurements = _rows(row["measurements"], _measurement)
    return FunctionRow(_text(row["name"]), _text(row["phase"]), measurements)


def _memory(row: dict[str, Any]) -> MemoryMap:
    return MemoryMap(
        region=_text(row["region"]),
        size_bytes=_count(row["size_bytes"]),
        steps=_rows(row["steps"], _text),
        rows=_rows(row["rows"], _block),
    )


def _block(row: dict[str, Any]) -> MemoryRow:
    places = ("offset_bytes", "size_bytes", "first_step", "last_step")
    return MemoryRow(_text(row["name"]), _text(row["kind"]), *(_count(row[key]) for key in places))


def _frame(row: dict[str, Any]) -> StackFrame:
    return StackFrame(_text(row["function"]), _count(row["size_bytes"]))


def _part(row: dict[str, Any]) -> Part:
    return Part(_text(row["name"]), _text(row["kind"]), _count(row["size_bytes"]))


def _fit(row: dict[str, Any]) -> Fit:
    return Fit(
        region=_text(row["region"]),
        used_bytes=int(row["used_bytes"]),
        available_bytes=int(row["available_bytes"]),
        provenance=Provenance(row["provenance"]),
        basis=_text(row["basis"]),
        parts=_rows(row["parts"], _part),
    )


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError(f"expected text, found {value!r}")
    return value


def _count(value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int):
        raise TypeError(f"expected a count, found {value!r}")
    return value


def _integer(text: str) -> int:
    if len(text) > _LONGEST_INTEGER:
        raise ValueError(f"an integer of {len(text)} characters")
    return int(text)


def _no_number(text: str) -> float:
    raise ValueError(f"{text} is no number of JSON")
