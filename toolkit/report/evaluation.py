"""Terminal rendering of an evaluation: the forms of a model side by side, then its parts."""

from __future__ import annotations

from dataclasses import replace

from rich import box
from rich.console import Console
from rich.markup import escape
from rich.table import Table
from rich.text import Text

from toolkit.report.model import Group, Report
from toolkit.report.terminal import print_findings

#: Columns: the prefix of a form's figures against labels, and its title.
_FORMS = (("float_", "float"), ("int8_", "int8 reference"), ("", "generated C"))
#: A part with fewer recordings than this is marked: its figures are chance.
_LEAST = 20
_MEAN, _SD = "mean_", "sd_"


def print_evaluation(report: Report, console: Console) -> None:
    """Print what every form reaches, how far the integers are from float, parts, checks, notes."""
    values = {m.name: m.value for m in report.measurements}
    for check in report.checks:
        if check.name == "bit_match":
            words = "same bits" if check.passed else "WRONG BITS"
            style = "bold green" if check.passed else "bold red"
            console.print(Text(f"{words}: {check.detail}", style))
    console.print(_against_labels(values))
    if "c_max_deviation" in values:
        console.print(_against_float(values))
    for by in dict.fromkeys(group.by for group in report.groups):
        console.print(_parts(by, [group for group in report.groups if group.by == by]))
    basis = next((m.basis for m in report.measurements if m.name.startswith("low_")), "")
    if basis:
        console.print(f"intervals: {basis}", markup=False)
    others = tuple(check for check in report.checks if check.name != "bit_match")
    print_findings(replace(report, checks=others), console)


def _against_labels(values: dict[str, float | int]) -> Table:
    scores = [name for name in values if _is_score(name)]
    forms = [(p, t) for p, t in _FORMS if any(f"{p}{name}" in values for name in scores)]
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    table.add_column("against labels")
    for _, title in forms:
        table.add_column(title, justify="right")
    ranges = any(name.startswith("low_") for name in values)
    if ranges:
        table.add_column("95 %", justify="right")
    for name in scores:
        cells = [_cell(values, prefix, name) for prefix, _ in forms]
        plain = name.removeprefix(_MEAN)
        if ranges:
            cells.append(f"{values[f'low_{plain}']:.2f} … {values[f'high_{plain}']:.2f}")
        table.add_row(escape(_title(plain)), *cells)
    return table


def _is_score(name: str) -> bool:
    """Whether it is a figure of the generated C against labels."""
    plain = name.removeprefix(_MEAN)
    return plain.startswith("ccc_") or plain == "accuracy"


def _title(plain: str) -> str:
    return f"CCC {plain.removeprefix('ccc_')}" if plain != "accuracy" else plain


def _cell(values: dict[str, float | int], prefix: str, name: str) -> str:
    if not name.startswith(_MEAN):
        return f"{values[prefix + name]:.4f}"
    spread = values[prefix + _SD + name.removeprefix(_MEAN)]
    return f"{values[prefix + name]:.4f} ± {spread:.4f}"


def _parts(by: str, groups: list[Group]) -> Table:
    """A row a group."""
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    table.add_column(escape(f"generated C by {by}"))
    table.add_column("clips", justify="right", no_wrap=True)
    names = [m.name for m in groups[0].measurements if _is_score(m.name)]
    for name in names:
        table.add_column(escape(_title(name.removeprefix(_MEAN))), justify="right")
    for group in groups:
        values = {m.name: m.value for m in group.measurements}
        cells = [_cell(values, "", name) for name in names]
        table.add_row(escape(group.value), _count(group.recordings), *cells)
    return table


def _count(recordings: int) -> str:
    unit = "clip" if recordings == 1 else "clips"
    return f"{recordings} {unit}: not meaningful" if recordings < _LEAST else str(recordings)


def _against_float(values: dict[str, float | int]) -> Table:
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    table.add_column("against float")
    for title in ("int8 reference", "generated C"):
        table.add_column(title, justify="right")
    prefix = "int8_ccc_to_float_"
    for name in values:
        if name.startswith(prefix):
            label = name.removeprefix(prefix)
            cells = (f"{values[f'{form}_ccc_to_float_{label}']:.5f}" for form in ("int8", "c"))
            table.add_row(escape(f"CCC {label}"), *cells)
    for kind in ("max", "mean"):
        cells = (f"{values[f'{form}_{kind}_deviation']:.5f}" for form in ("int8", "c"))
        table.add_row(f"{'largest' if kind == 'max' else 'mean'} deviation", *cells)
    if "int8_snr_db" in values:
        table.add_row("SNR, dB", f"{values['int8_snr_db']:.2f}", "")
    return table
