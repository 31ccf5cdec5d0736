"""Tables that fit a terminal by leaving columns out, bars and sparklines."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from rich import box
from rich.table import Table
from rich.text import Text

#: Error of an estimate from which on a screen of what ran shows it.
WORTH_SAYING_PERCENT = 5.0
_LEVELS = "▁▂▃▄▅▆▇█"
_GAP = 2
#: Of the labels of rows and lines.
LABEL_WIDTH = 6


@dataclass(frozen=True)
class Column:
    """A column's title and cells; where space is short those of the least ``worth`` are left
    out first, together, those without one never; then cells that may ``fold`` take more lines."""

    title: str
    cells: Sequence[Text]
    right: bool = False
    worth: int | None = None
    fold: bool = False

    @property
    def width(self) -> int:
        return max([len(self.title), *(cell.cell_len for cell in self.cells)])


def fitting(columns: Sequence[Column], width: int) -> list[Column]:
    """The columns that are not empty, as many as ``width`` characters hold."""
    kept = [column for column in columns if any(cell.plain for cell in column.cells)]
    while total_width(kept) > width and (worths := [c.worth for c in kept if c.worth is not None]):
        least = min(worths)
        kept = [column for column in kept if column.worth != least]
    return kept


def total_width(columns: Sequence[Column]) -> int:
    """Characters that the columns take side by side."""
    return sum(column.width for column in columns) + _GAP * (len(columns) - 1)


def table(columns: Sequence[Column], title: bool = True) -> Table:
    """The columns as a table, whose lines wrap only where a column folds."""
    found = Table(
        box=box.SIMPLE_HEAD if title else None,
        show_header=title,
        show_edge=False,
        pad_edge=False,
        padding=(0, _GAP - 1 if title else _GAP, 0, 0),  # a rule between columns takes one
        header_style="dim",
        border_style="dim",
    )
    for column in columns:
        found.add_column(
            column.title,
            justify="right" if column.right else "left",
            no_wrap=not column.fold,
            overflow="fold" if column.fold else "ellipsis",
        )
    for cells in zip(*(column.cells for column in columns), strict=True):
        found.add_row(*cells)
    return found


def listed(
    titles: Sequence[str], rows: Sequence[Sequence[str]], width: int, dispensable: Sequence[str]
) -> Table:
    """Rows of text, nothing of which is cut: where ``width`` is short, the columns called
    ``dispensable`` are left out, the first of them first."""
    columns = [
        Column(title, [Text(row[at]) for row in rows], worth=worth.get(title))
        for worth in [{title: place for place, title in enumerate(dispensable)}]
        for at, title in enumerate(titles)
    ]
    return table(fitting(columns, width))


def labelled(title: str, text: Text) -> Table:
    """Text behind a label in the screen's left column, wrapped beside it."""
    found = Table.grid(padding=(0, 1, 0, 0))
    found.add_column(width=LABEL_WIDTH, no_wrap=True)
    found.add_column()
    found.add_row(Text(title, "bold"), text)
    return found


def fill_bar(part: float, width: int, style: str) -> Text:
    """``part`` (1 is full, more is drawn as full) of a bar of ``width`` characters."""
    done = bar(min(part, 1.0), width)
    return Text.assemble((done, style), ("─" * (width - len(done)), "dim"))


def bar(part: float, width: int) -> str:
    """A line of at most ``width`` characters, drawn to half a character."""
    halves = round(2 * width * part)
    return "━" * (halves // 2) + "╸" * (halves % 2)


def sparkline(values: Sequence[float], width: int) -> str:
    """The values from left to right, eight heights; the largest of neighbours where too many."""
    if not values:
        return ""
    each = -(-len(values) // width)
    peaks = [max(values[i : i + each]) for i in range(0, len(values), each)]
    top = max(peaks) or 1
    return "".join(_LEVELS[min(int(8 * value / top), 7)] for value in peaks)
