"""A result as JSON, and back: for programs, for merging, for the history."""

from __future__ import annotations

import json
from dataclasses import asdict, fields
from pathlib import Path
from typing import Any

from toolkit.budget.model import Gate, Problem, Result, Verdict
from toolkit.errors import InputError
from toolkit.measurement import Measurement, Provenance

SCHEMA_VERSION = 2


def result_json(result: Result) -> str:
    """The verdicts with the figures they judge, provenance included; same result, same bytes."""
    data = {
        "schema_version": SCHEMA_VERSION,
        "passed": result.passed,
        "exit_code": result.exit_code,
        "title": result.title,
        "commit": result.commit,
        "against": result.against,
        "file": result.file,
        "gone": list(result.gone),
        "gates": [_gate(gate) for gate in result.gates],
    }
    return json.dumps(data, indent=2, ensure_ascii=True, allow_nan=False) + "\n"


def read_result(path: Path) -> Result:
    """The result in a file; InputError where it cannot be read or is none."""
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise InputError(
            f"{path}: cannot be read: {error.strerror}.", hint="Check the path and its permissions."
        ) from None
    except (ValueError, RecursionError) as error:
        raise InputError(f"{path}: is no result: {error}.", hint=_HINT) from None
    version = data.get("schema_version") if isinstance(data, dict) else None
    if version != SCHEMA_VERSION or "gates" not in data:
        raise InputError(f"{path}: is no result of schema {SCHEMA_VERSION}.", hint=_HINT)
    try:
        return Result(
            gates=tuple(_read_gate(row) for row in data["gates"]),
            gone=tuple(map(str, data["gone"])),
            **{key: str(data[key]) for key in ("file", "title", "commit", "against")},
        )
    except (KeyError, TypeError, ValueError) as error:
        what = f"{error} is missing" if isinstance(error, KeyError) else str(error)
        raise InputError(f"{path}: is no result: {what}.", hint=_HINT) from None


_HINT = "`toolkit check --json` prints one."


def _gate(gate: Gate) -> dict[str, Any]:
    return {
        "name": gate.name,
        "state": gate.state,
        "passed": gate.passed,
        "model": gate.model,
        "target": gate.target,
        "line": gate.line,
        "identity": dict(gate.identity),
        "changes": list(gate.changes),
        "notes": list(gate.notes),
        "error": None if gate.problem is None else asdict(gate.problem),
        "verdicts": [_verdict(verdict) for verdict in gate.verdicts],
    }


def _verdict(verdict: Verdict) -> dict[str, Any]:
    def figure(m: Measurement | None) -> dict[str, Any] | None:
        return None if m is None else {**asdict(m), "provenance": m.provenance.value}

    row = {f.name: getattr(verdict, f.name) for f in fields(Verdict)}
    return {**row, "value": figure(verdict.value), "baseline": figure(verdict.baseline)}


def _read_gate(row: dict[str, Any]) -> Gate:
    problem = row["error"]
    return Gate(
        name=row["name"],
        model=row["model"],
        target=row["target"],
        verdicts=tuple(_read_verdict(verdict) for verdict in row["verdicts"]),
        identity={str(key): str(value) for key, value in row["identity"].items()},
        changes=tuple(map(str, row["changes"])),
        notes=tuple(map(str, row["notes"])),
        problem=None if problem is None else Problem(str(problem["message"]), _code(problem)),
        line=int(row["line"]),
    )


def _code(problem: dict[str, Any]) -> int:
    code = problem["exit_code"]
    if code not in range(1, 5):
        raise ValueError(f"exit_code must be 1 to 4; got {code!r}")
    return int(code)


def _read_verdict(row: dict[str, Any]) -> Verdict:
    def figure(m: dict[str, Any] | None) -> Measurement | None:
        return (
            None if m is None else Measurement(**{**m, "provenance": Provenance(m["provenance"])})
        )

    return Verdict(**{**row, "value": figure(row["value"]), "baseline": figure(row["baseline"])})
