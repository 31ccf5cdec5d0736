"""Terminal rendering of an evaluation: the forms of a model side by side."""

from __future__ import annotations

from rich import box
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from toolkit.report.model import Report
from toolkit.report.terminal import print_findings

#: Columns: the prefix of a form's figures against labels, and its title.
_FORMS = (("float_", "float"), ("int8_", "int8 reference"), ("", "generated C"))


def print_evaluation(report: Report, console: Console) -> None:
    """Print what every form reaches, how far the integers are from float, checks and notes."""
    values = {m.name: m.value for m in report.measurements}
    present = [
        (p, t) for p, t in _FORMS if any(n.startswith((f"{p}ccc_", f"{p}accuracy")) for n in values)
    ]
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    table.add_column("against labels")
    for _, title in present:
        table.add_column(title, justify="right")
    plain = [n for n in values if n.startswith("ccc_") or n == "accuracy"]
    for name in plain:
        title = f"CCC {name.removeprefix('ccc_')}" if name != "accuracy" else name
        cells = [f"{values[prefix + name]:.4f}" for prefix, _ in present]
        table.add_row(escape(title), *cells)
    console.print(table)
    if "c_max_deviation" in values:
        console.print(_against_float(values))
    print_findings(report, console)


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
