"""Terminal rendering of what a search has found."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from rich import box
from rich.console import Console
from rich.markup import escape
from rich.table import Table


@dataclass(frozen=True)
class Front:
    """The points of a study that none dominates: ``header`` and ``rows`` of text, what is to be
    said before them and, command by command, after."""

    title: str
    notes: Sequence[str]
    header: Sequence[str]
    rows: Sequence[Sequence[str]]
    commands: Sequence[str]


def print_front(front: Front, console: Console) -> None:
    """Print counts, a row a point, and the commands that go on from the first."""
    console.print(f"[bold]{escape(front.title)}[/]")
    for note in front.notes:
        console.print(escape(note), highlight=False, soft_wrap=True)
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for place, name in enumerate(front.header):
        is_text = place in (0, len(front.header) - 1)
        table.add_column(escape(name), justify="left" if is_text else "right", overflow="fold")
    for row in front.rows:
        table.add_row(*map(escape, row))
    if front.rows:
        console.print(table)
    for command in front.commands:
        console.print(f"next: {command}", markup=False, highlight=False, soft_wrap=True)
