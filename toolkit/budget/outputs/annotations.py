"""GitHub's workflow commands: what is broken, at the line of its rule.

GitHub shows ten of a level a step and drops the others: more of them are grouped.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, NamedTuple

from toolkit.budget.model import Gate, Result
from toolkit.budget.outputs.words import mark, worst_first
from toolkit.report.text import printable

MOST = 10
#: Longest message, in characters.
LONGEST = 2000


class _Note(NamedTuple):
    gate: str
    title: str
    line: int
    text: str


def github_annotations(result: Result) -> list[str]:
    """A command for every broken rule and error; for every gate where those are too many, for
    several gates where these are."""
    gates = worst_first(result)
    return [
        *_level("error", [note for gate in gates for note in _errors(gate)], result.file),
        *_level("warning", [note for gate in gates for note in _notes(gate, "warn")], result.file),
    ]


def _errors(gate: Gate) -> list[_Note]:
    notes = _notes(gate, "fail")
    if gate.problem is None:
        return notes
    return [_Note(gate.name, f"error: {gate.name}", gate.line, gate.problem.text), *notes]


def _notes(gate: Gate, level: Literal["fail", "warn"]) -> list[_Note]:
    return [
        _Note(gate.name, f"{v.name}: {gate.name}", v.line or gate.line, v.message)
        for v in gate.verdicts
        if mark(v) == level
    ]


def _level(level: str, notes: Sequence[_Note], file: str) -> list[str]:
    if len(notes) > MOST:
        notes = _grouped(notes)
    if len(notes) > MOST:
        names = ", ".join(note.gate for note in notes[MOST - 1 :])
        rest = _Note("", f"{len(notes) - MOST + 1} more budgets", notes[MOST - 1].line, names)
        notes = [*notes[: MOST - 1], rest]
    return [_command(level, note, file) for note in notes]


def _grouped(notes: Sequence[_Note]) -> list[_Note]:
    """One note a gate, a line each of what was one."""
    groups: dict[str, list[_Note]] = {}
    for note in notes:
        groups.setdefault(note.gate, []).append(note)
    return [
        found[0]
        if len(found) == 1
        else _Note(gate, f"{len(found)} rules: {gate}", found[0].line, _listed(found))
        for gate, found in groups.items()
    ]


def _listed(notes: Sequence[_Note]) -> str:
    return "\n".join(f"{note.title.partition(': ')[0]}: {note.text}" for note in notes)


def _command(level: str, note: _Note, file: str) -> str:
    text = "\n".join(map(printable, note.text.splitlines()))
    if len(text) > LONGEST:
        text = text[: LONGEST - 1] + "…"
    line = f",line={note.line}" if note.line else ""
    where = f"file={_property(file)}{line},title={_property(printable(note.title))}"
    return f"::{level} {where}::{_data(text)}"


def _data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")
