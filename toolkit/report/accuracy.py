"""The accuracy of every layer as text, JSON and a self-contained HTML page."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from typing import Any

from toolkit.errors import InputError
from toolkit.ir import Shape
from toolkit.resources import __version__

SCHEMA_VERSION = 1

_TITLES = ("tensor", "made by", "type", "SNR dB", "max LSB", "mean LSB", "share of output error")

_STYLE = """
body{font:15px/1.5 system-ui,sans-serif;margin:2em auto;max-width:70em;padding:0 1em;color:#1b1b1b}
table{border-collapse:collapse;width:100%}th,td{text-align:right;padding:.25em .7em}
th{border-bottom:2px solid #888}td{border-bottom:1px solid #ddd}
th:first-child,td:first-child,td:nth-child(2),td:last-child,th:last-child{text-align:left}
.bar{display:inline-block;height:.8em;background:#b5432a;vertical-align:middle;margin-right:.4em}
td:last-child{color:#444}
"""


@dataclass(frozen=True)
class AccuracyRow:
    """One activation against float (see `toolkit.quantize.layers.TensorError`), what to do about
    it, and where it is int16 what that costs."""

    name: str
    op: str
    dtype: str
    shape: Shape
    snr_db: float
    max_error_lsb: float
    mean_error_lsb: float
    output_share: float
    weight_share: float
    shift_share: float
    clipped: float
    channel_spread: float
    advice: str = ""
    int16_ram_bytes: int | None = None
    int16_cycles: int | None = None


@dataclass(frozen=True)
class AccuracyReport:
    """The rows in order of execution; ``basis`` says on what they were measured."""

    model_name: str
    model_sha256: str
    basis: str
    int8_snr_db: float
    summary: str
    rows: Sequence[AccuracyRow]


def render(report: AccuracyReport, suffix: str) -> str:
    """The report in the format of a file suffix; InputError for one that there is no format for."""
    formats = {".txt": _text, ".json": _json, ".html": _html}
    if suffix.lower() not in formats:
        raise InputError(
            f"--report: no format for '{suffix}'.", hint=f"Choose {', '.join(formats)}."
        )
    return formats[suffix.lower()](report)


def _headline(report: AccuracyReport) -> str:
    return f"{report.model_name}: {_number(report.int8_snr_db)} dB on {report.basis}"


def _number(value: float, digits: int = 1) -> str:
    return f"{value:.{digits}f}" if math.isfinite(value) else "exact" if value > 0 else "-"


def _cells(row: AccuracyRow) -> tuple[str, ...]:
    return (
        row.name,
        row.op,
        row.dtype,
        _number(row.snr_db),
        _number(row.max_error_lsb),
        _number(row.mean_error_lsb, 2),
        f"{100 * row.output_share:.1f} %",
    )


def _notes(row: AccuracyRow) -> str:
    """Advice, and the price of 16 bits where they are used."""
    notes = [row.advice] if row.advice else []
    if row.int16_ram_bytes is not None:
        notes.append(f"int16 for {row.int16_ram_bytes:,} B of RAM, {row.int16_cycles:,} cycles")
    return "; ".join(notes)


def _text(report: AccuracyReport) -> str:
    table = [_TITLES, *(_cells(row) for row in report.rows)]
    widths = [max(len(line[column]) for line in table) for column in range(len(_TITLES))]
    lines = [_headline(report), report.summary, ""]
    notes = ["", *(_notes(row) for row in report.rows)]
    for line, note in zip(table, notes, strict=True):
        cells = (
            cell.ljust(width) if index < 3 else cell.rjust(width)
            for index, (cell, width) in enumerate(zip(line, widths, strict=True))
        )
        lines.append(f"{'  '.join(cells)}  {note}".rstrip())
    return "\n".join(lines) + "\n"


def _json(report: AccuracyReport) -> str:
    document = {
        "schema_version": SCHEMA_VERSION,
        "toolkit_version": __version__,
        "model": {"name": report.model_name, "sha256": report.model_sha256},
        "basis": report.basis,
        "int8_snr_db": _finite(report.int8_snr_db),
        "summary": report.summary,
        "tensors": [
            {key: _finite(getattr(row, key)) for key in AccuracyRow.__dataclass_fields__}
            for row in report.rows
        ],
    }
    return json.dumps(document, indent=1) + "\n"


def _finite(value: Any) -> Any:
    """JSON has no infinity: null stands for an exact tensor, and for one that does not vary."""
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _html(report: AccuracyReport) -> str:
    head = "".join(f"<th>{escape(title)}</th>" for title in (*_TITLES, "what to do"))
    body = "\n".join(_html_row(row) for row in report.rows)
    title = escape(_headline(report))
    return (
        f'<!doctype html>\n<html lang="en"><meta charset="utf-8"><title>{title}</title>'
        f"<style>{_STYLE}</style>\n<h1>{title}</h1>\n<p>{escape(report.summary)}.</p>\n"
        f"<table><tr>{head}</tr>\n{body}\n</table></html>\n"
    )


def _html_row(row: AccuracyRow) -> str:
    *cells, share = (escape(cell) for cell in _cells(row))
    bar = f'<span class="bar" style="width:{6 * row.output_share:.2f}em"></span>{share}'
    columns = "".join(f"<td>{cell}</td>" for cell in (*cells, bar, escape(_notes(row))))
    return f"<tr>{columns}</tr>"
