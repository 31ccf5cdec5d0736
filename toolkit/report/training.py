"""Terminal rendering of a training: concordance by split, and what to do next."""

from __future__ import annotations

from pathlib import Path

from rich import box
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from toolkit.report.model import Report
from toolkit.report.terminal import print_findings

_MARK = "_ccc_"


def print_training(report: Report, model: Path, console: Console) -> None:
    """Print a row a split, the notes, and the command that makes firmware of ``model``."""
    values = {m.name: m for m in report.measurements}
    splits = list(dict.fromkeys(n.partition(_MARK)[0] for n in values if _MARK in n))
    labels = list(dict.fromkeys(n.partition(_MARK)[2] for n in values if _MARK in n))
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    table.add_column("CCC, float")
    for label in labels:
        table.add_column(escape(label), justify="right")
    for split in splits:
        cells = (f"{values[f'{split}{_MARK}{label}'].value:.3f}" for label in labels)
        table.add_row(escape(split), *cells)
    console.print(table)
    console.print(f"{values['cpu_seconds'].value:.0f} CPU seconds")
    print_findings(report, console)
    console.print(
        f"next: toolkit build {model} --target cortex-m4", markup=False, highlight=False,
        soft_wrap=True,
    )  # fmt: skip
