"""What tests read out of the results of `toolkit check --json`."""

from __future__ import annotations

from typing import Any

from tests.support.cli import Run


def problem(run: Run) -> str:
    """The error of the only gate."""
    (gate,) = run.json["gates"]
    assert gate["state"] == "error", run
    return str(gate["error"]["message"])


def gates(run: Run) -> dict[str, Any]:
    """Gates by name."""
    found = {gate["name"]: gate for gate in run.json["gates"]}
    assert len(found) == len(run.json["gates"])
    return found


def verdicts(run: Run, name: str) -> dict[str, Any]:
    """Verdicts of the gate of that name, by what they judge and how."""
    return {f"{v['name']} {v['kind']}": v for v in gates(run)[name]["verdicts"]}
