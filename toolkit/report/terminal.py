"""Terminal rendering of a report: a few tables that a person takes in at a glance."""

from __future__ import annotations

from rich import box
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from toolkit.measurement import Check, Measurement, Provenance
from toolkit.report.model import LayerRow, Report

LAYER_WIDTH = 20

_TITLES = {
    "flash_bytes": "flash",
    "weights_bytes": "  of it weights",
    "ram_static_bytes": "RAM (static)",
    "arena_bytes": "  of it arena",
    "arena_lower_bound_bytes": "  arena, lower bound",
    "state_bytes": "  of it state",
    "state_lower_bound_bytes": "  state, lower bound",
    "batch_arena_bytes": "  (batch would take)",
    "stream_state_bytes": "  (streamed would take)",
    "stack_bound_bytes": "stack, static bound",
    "stack_painted_bytes": "stack, painted",
    "macs_per_inference": "MACs per inference",
    "instructions_per_inference": "instructions per inference",
    "cycles_per_inference": "cycles per inference",
    "cycles_features": "cycles, features",
    "cycles_model": "cycles, model",
    "macs_per_frame_mean": "MACs per frame, mean",
    "macs_per_frame_worst": "MACs per frame, worst",
    "delay_frames": "delay",
    "cycles_per_frame_mean": "cycles per frame, mean",
    "cycles_per_frame_worst": "cycles per frame, worst",
    "input_buffer_frames": "input buffer for real time",
    "cycles_at_end_of_clip": "cycles at the end of the clip",
    "cycles_per_audio_second": "cycles per second of audio",
    "latency_ms": "latency",
    "realtime_factor": "real-time factor",
    "output_mismatches": "output bytes that differ",
    "feature_identical_fraction": "features identical",
    "feature_max_error_steps": "features, largest error",
    "feature_values": "features compared",
    "feature_latency_ms": "latency",
    "feature_state_bytes": "state",
    "feature_tables_bytes": "tables",
    "frame_ms": "frame",
    "hop_ms": "hop",
    "frames_per_second": "frames per second",
    "row_values": "features of a frame",
    "tflm_arena_bytes": "stock TFLM arena, builtin form",
}


def print_report(report: Report, console: Console) -> None:
    """Print predictions, figures, checks and notes."""
    if report.predictions:
        console.print(_predictions(report))
    table, bases = _figures(report)
    console.print(table)
    for number, basis in enumerate(bases, 1):
        console.print(f"[dim]({number}) {escape(basis)}[/]", highlight=False)
    if report.checks or report.issues:
        console.print()
    for check in report.checks:
        console.print(_check_line(check))
    for issue in report.issues:
        console.print(f"[cyan]note[/] {escape(issue.message)}")


def print_layers(rows: tuple[LayerRow, ...], console: Console) -> None:
    """Print the per-layer table: work, bytes, chosen kernel, and cycles as predicted, as simulated
    when the model ran, and at best."""
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, padding=(0, 1, 0, 0))
    table.add_column("layer", overflow="ellipsis", no_wrap=True, max_width=LAYER_WIDTH)
    table.add_column("kernel", no_wrap=True)
    ran = any(_cycles(row, Provenance.SIMULATED) is not None for row in rows)
    titles = ("MACs", "weights", "out B", "live B", "ideal", "predicted")
    for title in (*titles, *(("simulated",) if ran else ()), "share"):
        table.add_column(title, justify="right", no_wrap=True)
    decisive = Provenance.SIMULATED if ran else Provenance.ESTIMATED
    total = sum(_cycles(row, decisive) or 0 for row in rows) or 1
    for row in rows:
        ideal = next((m.value for m in row.measurements if m.name == "cycles_ideal"), 0)
        spent = _cycles(row, decisive) or 0
        table.add_row(
            escape(_tail(_printable(row.name), LAYER_WIDTH)),
            row.variant,
            _compact(row.macs),
            _compact(row.weights_bytes),
            _compact(row.activation_bytes),
            _compact(row.live_bytes),
            _compact(ideal),
            _compact(_cycles(row, Provenance.ESTIMATED) or 0),
            *((_compact(spent),) if ran else ()),
            f"{100 * spent / total:.1f}%",
        )
    console.print(table)


def _cycles(row: LayerRow, provenance: Provenance) -> float | None:
    found = (m for m in row.measurements if m.name == "cycles" and m.provenance is provenance)
    return next((m.value for m in found), None)


def _tail(text: str, width: int) -> str:
    """The end of a name, which tells layers apart better than its beginning."""
    return text if len(text) <= width else "…" + text[1 - width :]


def _compact(value: float) -> str:
    """A count in at most five characters, such as 19.8M; nothing for zero."""
    for unit, size in (("M", 1e6), ("k", 1e3)):
        if value >= size:
            return f"{value / size:.3g}{unit}"
    return f"{value:.0f}" if value else ""


def format_value(m: Measurement) -> str:
    """A figure with its unit, for people."""
    if m.unit == "fraction":
        return f"{100 * m.value:.3f} %"
    if isinstance(m.value, int) or m.value >= 1000:
        return f"{m.value:,.0f} {m.unit}".rstrip()
    return f"{m.value:.3g} {m.unit}".rstrip()


def _predictions(report: Report) -> Table:
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    table.add_column("output")
    table.add_column("float", justify="right")
    table.add_column("on device", justify="right")
    for row in report.predictions:
        reference = "" if row.float_value is None else f"{row.float_value:.4f}"
        table.add_row(escape(_printable(row.label)), reference, f"{row.device_value:.4f}")
    return table


def _figures(report: Report) -> tuple[Table, list[str]]:
    """The figures, and the distinct bases they refer to by number."""
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    table.add_column("figure", no_wrap=True)
    table.add_column("value", justify="right", no_wrap=True)
    table.add_column("provenance", no_wrap=True)
    bases: list[str] = []
    order = list(_TITLES)
    place = {name: order.index(name) for name in order}
    for m in sorted(report.measurements, key=lambda m: place.get(m.name, len(order))):
        if m.basis not in bases:
            bases.append(m.basis)
        note = f"{m.provenance.value} [dim]({bases.index(m.basis) + 1})[/]"
        table.add_row(_TITLES.get(m.name, m.name), format_value(m), note)
    return table, bases


def _check_line(check: Check) -> str:
    verdict = "[green]pass[/]" if check.passed else "[red]FAIL[/]"
    if not check.passed and not check.required:
        verdict = "[yellow]no  [/]"
    return f"{verdict} {check.name}: {escape(_printable(check.detail))}"


def _printable(text: str) -> str:
    return "".join(c if c.isprintable() else "?" for c in text)
