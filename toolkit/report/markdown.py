"""Markdown: predictions, figures, checks and layers as tables."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from toolkit.measurement import Provenance
from toolkit.report.model import LayerRow, Report
from toolkit.report.names import figure, place
from toolkit.report.text import (
    errors_of_estimates,
    format_value,
    layer_cycles,
    layer_value,
    printable,
)

_SPECIAL = re.compile(r"([\\`*_{}\[\]<>|#~&])")


def report_markdown(report: Report) -> str:
    """The report as GitHub-flavoured markdown."""
    blocks = [
        f"# {escape(report.model_name)} on {escape(report.target)}",
        escape(_about(report)),
        _predictions(report),
        _figures(report),
        _checks(report),
        "\n".join(f"- note: {escape(issue.message)}" for issue in report.issues),
        _fits(report),
        _layers(report.layers),
    ]
    return "\n\n".join(block for block in blocks if block) + "\n"


def escape(text: str) -> str:
    """Text of any origin on one line, in which nothing is markup."""
    return _SPECIAL.sub(r"\\\1", printable(" ".join(text.split())))


def table(header: Sequence[str], alignment: str, rows: Iterable[Sequence[str]]) -> str:
    """A markdown table; ``alignment`` has an l or r a column.  Cells are markdown already."""
    rule = {"l": "---", "r": "---:"}
    lines = [header, [rule[side] for side in alignment], *rows]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)


def _about(report: Report) -> str:
    facts = [
        f"schedule {report.schedule}",
        report.toolchain,
        report.simulator and f"run on {report.simulator}",
        f"model sha256 {report.model_sha256[:12]}",
    ]
    return " · ".join(fact for fact in facts if fact)


def _predictions(report: Report) -> str:
    if not report.predictions:
        return ""
    rows = [
        (
            escape(p.label),
            "" if p.float_value is None else f"{p.float_value:.4f}",
            f"{p.device_value:.4f}",
        )
        for p in report.predictions
    ]
    return table(("output", "float (reference)", "on device (simulated)"), "lrr", rows)


def _figures(report: Report) -> str:
    errors = errors_of_estimates(report.measurements)
    rows = []
    for m in sorted(report.measurements, key=lambda m: place(m.name)):
        value = format_value(m)
        if m.provenance is Provenance.ESTIMATED and m.name in errors:
            value += f" ({errors[m.name]:+.1f} %)"
        title = figure(m.name).title
        rows.append((escape(title), value, m.provenance.value, escape(m.basis)))
    return table(("figure", "value", "provenance", "basis"), "lrll", rows) if rows else ""


def _checks(report: Report) -> str:
    rows = [
        (
            "pass" if c.passed else "—" if not c.failed else "**FAIL**" if c.required else "no",
            f"`{c.name}`",
            escape(c.detail),
        )
        for c in report.checks
    ]
    return table(("", "check", "detail"), "lll", rows) if rows else ""


def _fits(report: Report) -> str:
    rows = [
        (
            fit.region,
            f"{fit.used_bytes:,} B",
            f"{fit.available_bytes:,} B",
            f"{100 * fit.used_bytes / fit.available_bytes:.1f} %",
            fit.provenance.value,
            ", ".join(f"{escape(p.name)} {p.size_bytes:,} B" for p in fit.parts[:3]),
        )
        for fit in report.fits
    ]
    header = ("region", "used", "available", "share", "provenance", "largest")
    return table(header, "lrrrll", rows) if rows else ""


def _layers(layers: tuple[LayerRow, ...]) -> str:
    if not layers:
        return ""
    ran = any(layer_cycles(row, Provenance.SIMULATED) is not None for row in layers)
    header = ("layer", "kernel", "MACs", "weights B", "live B", "ideal", "cycles, estimated")
    rows = []
    for row in layers:
        figures = [
            row.macs,
            row.weights_bytes,
            row.live_bytes,
            layer_value(row, "cycles_ideal", Provenance.ESTIMATED),
            layer_cycles(row, Provenance.ESTIMATED),
            *([layer_cycles(row, Provenance.SIMULATED)] if ran else []),
        ]
        numbers = ["" if value is None else f"{value:,.0f}" for value in figures]
        rows.append((escape(row.name), escape(f"{row.kernel} {row.variant}".strip()), *numbers))
    extra = ("cycles, simulated",) if ran else ()
    words = "MACs, bytes and ideal cycles are estimated: from the graph and the memory plan."
    return table((*header, *extra), "ll" + "r" * (5 + ran), rows) + f"\n\n{words}"
