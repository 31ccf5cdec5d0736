"""``toolkit check merge``: the results of several jobs as one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from toolkit.budget.model import Gate, Problem, Result
from toolkit.budget.outputs import read_result
from toolkit.errors import ToolkitError


def merge_results(paths: Sequence[Path], title: str) -> Result:
    """All gates, in the order of the results; one that cannot be read is a gate in error.

    Gates of one name from several results are told apart by the results' titles.
    """
    found: list[Result] = []
    for path in _files(paths):
        try:
            found.append(read_result(path))
        except ToolkitError as error:
            problem = Problem(str(error), error.exit_code)
            found.append(Result((Gate(path.name, "", "", problem=problem),), title=path.stem))
    names = [gate.name for result in found for gate in result.gates]
    gates: list[Gate] = []
    for number, result in enumerate(found, 1):
        for gate in result.gates:
            if names.count(gate.name) > 1:
                gate = replace(gate, name=f"{result.title or f'result {number}'}: {gate.name}")
            while gate.name in {other.name for other in gates}:
                gate = replace(gate, name=f"{gate.name}'")
            gates.append(gate)
    return Result(
        gates=tuple(gates),
        file=_common([result.file for result in found]),
        title=title,
        commit=_common([result.commit for result in found]),
        against=_common([result.against for result in found]),
        gone=tuple(dict.fromkeys(name for result in found for name in result.gone)),
    )


def _files(paths: Sequence[Path]) -> list[Path]:
    """The files, and those in folders by name."""
    return [
        file
        for path in paths
        for file in (sorted(path.rglob("*.json")) if path.is_dir() else [path])
    ]


def _common(texts: Sequence[str]) -> str:
    """What all of them say, where they say anything; else all that they say."""
    return ", ".join(dict.fromkeys(text for text in texts if text))
