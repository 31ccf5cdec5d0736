"""CSV, one row a layer; a column's name ends with the provenance of its figures."""

from __future__ import annotations

import csv
import io

from toolkit.report.model import LayerRow, Report
from toolkit.report.text import printable

_PLAIN = ("macs", "weights_bytes", "activation_bytes", "live_bytes")
#: A cell that begins so is a formula to a spreadsheet.
_FORMULA = ("=", "+", "-", "@")


def report_csv(report: Report) -> str:
    """The layers as CSV with a header; figures that a layer lacks are empty."""
    measured = list(
        dict.fromkeys(
            f"{m.name}_{m.provenance.value}" for row in report.layers for m in row.measurements
        )
    )
    header = ["name", "op", "kernel", "variant", "output_shape"]
    header += [f"{name}_estimated" for name in _PLAIN]
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow([*header, *measured])
    for row in report.layers:
        values = {f"{m.name}_{m.provenance.value}": m.value for m in row.measurements}
        writer.writerow([*_cells(row), *(values.get(name, "") for name in measured)])
    return text.getvalue()


def _cells(row: LayerRow) -> list[str | int]:
    shape = "x".join(map(str, row.output_shape))
    words = [_plain(text) for text in (row.name, row.op, row.kernel, row.variant, shape)]
    return [*words, *(getattr(row, name) for name in _PLAIN)]


def _plain(text: str) -> str:
    shown = printable(text)
    return f"'{shown}" if shown.startswith(_FORMULA) else shown
