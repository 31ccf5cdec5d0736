"""Terminal rendering of a report: a few tables that a person takes in at a glance."""

from __future__ import annotations

from collections.abc import Sequence

from rich import box
from rich.console import Console
from rich.markup import escape
from rich.table import Table
from rich.text import Text

from toolkit.measurement import Check, Measurement, Provenance
from toolkit.report.model import WINDOWS, Group, Report
from toolkit.report.names import figure, place
from toolkit.report.text import errors_of_estimates, format_value, printable


def print_report(report: Report, console: Console) -> None:
    """Print predictions, figures, checks and notes."""
    if report.predictions:
        console.print(_predictions(report))
    print_windows(report, console)
    print_figures(report, console)
    if report.checks or report.issues:
        console.print()
    print_findings(report, console)


def print_windows(report: Report, console: Console) -> None:
    """Print the outputs of every window of continuous mode, where there are any."""
    if windows := [group for group in report.groups if group.by == WINDOWS]:
        console.print(_windows(windows))


def print_figures(report: Report, console: Console) -> None:
    """Print every figure with its provenance and what that rests on."""
    print_measurements(report.measurements, console)


def print_measurements(measurements: Sequence[Measurement], console: Console) -> None:
    """The same of figures that are no report's."""
    table, bases = _figures(measurements)
    console.print(table)
    for number, basis in enumerate(bases, 1):
        console.print(f"[dim]({number}) {escape(basis)}[/]", highlight=False)


def print_check(check: Check, console: Console) -> None:
    """Print a check with its detail, wrapped beside the mark."""
    console.print(_marked(_mark(check), f"{check.name}: {printable(check.detail)}"))


def print_findings(report: Report, console: Console) -> None:
    """Print checks and notes."""
    for check in report.checks:
        print_check(check, console)
    for issue in report.issues:
        console.print(_marked(Text("note", "cyan"), printable(issue.message)))


def _predictions(report: Report) -> Table:
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    table.add_column("output")
    table.add_column("float", justify="right")
    table.add_column("on device", justify="right")
    for row in report.predictions:
        reference = "" if row.float_value is None else f"{row.float_value:.4f}"
        table.add_row(escape(printable(row.label)), reference, f"{row.device_value:.4f}")
    return table


def _windows(groups: list[Group]) -> Table:
    """The outputs of every window of continuous mode."""
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    table.add_column("window ends at")
    for m in groups[0].measurements:
        table.add_column(escape(printable(m.name.removeprefix("output_"))), justify="right")
    for group in groups:
        table.add_row(f"{group.value} s", *(f"{m.value:.4f}" for m in group.measurements))
    return table


def _figures(measurements: Sequence[Measurement]) -> tuple[Table, list[str]]:
    """The figures, and the distinct bases they refer to by number."""
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    table.add_column("figure", no_wrap=True)
    table.add_column("value", justify="right", no_wrap=True)
    table.add_column("provenance", no_wrap=True)
    bases: list[str] = []
    errors = errors_of_estimates(tuple(measurements))
    for m in sorted(measurements, key=lambda m: place(m.name)):
        if m.basis not in bases:
            bases.append(m.basis)
        note = f"{m.provenance.value} [dim]({bases.index(m.basis) + 1})[/]"
        if m.provenance is Provenance.ESTIMATED and m.name in errors:
            note += f", {errors[m.name]:+.1f} % off"
        shown = figure(m.name)
        table.add_row("  " * shown.part + shown.title, format_value(m), note)
    return table, bases


def _mark(check: Check) -> Text:
    if check.passed is None:
        return Text("—", "yellow")
    if not check.failed:
        return Text("pass", "green")
    return Text("FAIL", "red") if check.required else Text("no", "yellow")


def _marked(mark: Text, text: str) -> Table:
    found = Table.grid(padding=(0, 1, 0, 0))
    found.add_column(width=4, no_wrap=True)
    found.add_column(overflow="fold")
    found.add_row(mark, Text(text))
    return found
