"""A result for the terminal and the log of a job: verdict first, a line a figure, the next step."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Sequence

from rich.console import Console
from rich.text import Text

from toolkit.budget.model import Gate, Result, Verdict
from toolkit.budget.outputs.words import headline, mark, verdict_of
from toolkit.report.names import figure
from toolkit.report.text import format_value, printable, words_of_check

_BAD, _GOOD = "bold red", "bold green"
_STYLES = {"ok": "green", "fail": _BAD, "warn": "yellow"}
_MARKS = {"ok": "ok  ", "fail": "FAIL", "warn": "warn"}
#: Of the second line of a finding: behind the mark.
_INDENT = 7


def print_result(result: Result, console: Console) -> None:
    """Print the verdict, what is broken with its cause and advice, then what holds.

    A terminal's lines are wrapped; those of a file or a pipe are whole, one a finding.
    """
    width = console.width if console.is_terminal else None
    for line in _lines(result, width):
        console.print(line, soft_wrap=True)


def _lines(result: Result, width: int | None) -> Iterator[Text]:
    """Every line."""
    if len(result.gates) != 1:
        yield Text(verdict_of(result), _GOOD if result.passed else _BAD)
    for gate in result.gates:
        found = printable(f"{gate.name}: {headline(gate)}")
        yield Text(found, _GOOD if gate.passed else _BAD)
        if gate.problem is not None:
            yield from _wrapped(f"  ERROR {gate.problem.text}", width, _BAD)
        for text in gate.changes:
            yield from _wrapped(f"  {text}", width)
        for verdict in gate.verdicts:
            if mark(verdict) != "ok" and not _said_by(gate.problem is not None, verdict):
                yield from _open(verdict, width)
        yield from _held(gate, width)
        for text in gate.notes:
            yield from _wrapped(f"  {text}", width)
    for name in result.gone:
        yield from _wrapped(f"gone: the base has a budget '{name}', this file has not", width)
    for step in _next_steps(result):
        yield from _wrapped(f"next   {step}", width)


def _said_by(problem: bool, verdict: Verdict) -> bool:
    """Whether the gate's problem says already why the rule could not be judged."""
    return problem and verdict.outcome == "not compared"


def _open(verdict: Verdict, width: int | None) -> Iterator[Text]:
    """A rule or check that does not hold, by the name that the budgets' file has."""
    found = mark(verdict)
    yield from _wrapped(
        f"  {_MARKS[found]} {verdict.name}: {verdict.message}", width, _STYLES[found]
    )
    if verdict.advice:
        yield from _wrapped(f"       → {verdict.advice}.", width)


def _held(gate: Gate, width: int | None) -> Iterator[Text]:
    """What holds: a line a figure with all its rules, and the checks together."""
    held = [verdict for verdict in gate.verdicts if mark(verdict) == "ok"]
    rules: dict[str, list[Verdict]] = {}
    for verdict in held:
        if verdict.value is not None:
            rules.setdefault(verdict.name, []).append(verdict)
    for name, found in rules.items():
        if (value := found[0].value) is not None:
            shown = f"{figure(name).title} {format_value(value)} ({value.provenance.value})"
            yield from _wrapped(f"  ok   {shown}, allowed {_rules(found)}", width)
    checks = [words_of_check(verdict.name) for verdict in held if verdict.value is None]
    if checks:
        yield from _wrapped(f"  pass {', '.join(checks)}", width, "green")


def _rules(found: Sequence[Verdict]) -> str:
    """What is allowed, by every rule of a figure."""
    return "; ".join(verdict.rule.removeprefix("allowed ") for verdict in found)


def _next_steps(result: Result) -> Iterator[str]:
    """What is most likely wanted, where something does not hold."""
    gates = [gate for gate in result.gates if not gate.passed]
    failing = [verdict for gate in gates for verdict in gate.verdicts if verdict.fails]
    if any(verdict.outcome == "exceeded" for verdict in failing):
        yield (
            "mend what is too much, or raise its limit in the budgets' file; "
            "`toolkit check --update --accept` takes today's figures as baselines"
        )


def _wrapped(text: str, width: int | None, style: str = "") -> Iterator[Text]:
    """The text in lines of at most ``width`` characters (None: one line), no word of it cut; the
    mark in front has the ``style``."""
    shown = printable(text)
    lines = [shown]
    if width is not None:
        lines = textwrap.wrap(
            shown,
            width,
            subsequent_indent=" " * _INDENT,
            break_long_words=False,
            break_on_hyphens=False,
        )
    for at, line in enumerate(map(Text, lines)):
        if not at:
            line.stylize(style, 0, _INDENT)
        yield line
