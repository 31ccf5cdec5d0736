"""Terminal rendering of a report: a few tables that a person takes in at a glance."""

from __future__ import annotations

from rich import box
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from toolkit.measurement import Check, Measurement
from toolkit.report.model import FunctionRow, LayerRow, Report

FUNCTIONS_SHOWN = 6
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
    "cycles_at_end_of_clip": "cycles at the end of the clip",
    "cycles_per_audio_second": "cycles per second of audio",
    "latency_ms": "latency",
    "realtime_factor": "real-time factor",
    "output_mismatches": "output bytes that differ",
    "feature_identical_fraction": "features identical",
    "feature_max_error_steps": "features, largest error",
    "tflm_arena_bytes": "stock TFLM arena, builtin form",
}


def print_report(report: Report, console: Console) -> None:
    """Print predictions, figures, checks and notes."""
    if report.predictions:
        console.print(_predictions(report))
    if report.functions:
        console.print(_functions(report.functions))
    table, bases = _figures(report)
    console.print(table)
    for number, basis in enumerate(bases, 1):
        console.print(f"[dim]({number}) {escape(basis)}[/]", highlight=False)
    if report.checks or report.issues:
        console.print()
    print_findings(report, console)


def print_findings(report: Report, console: Console) -> None:
    """Print checks and notes."""
    for check in report.checks:
        console.print(_check_line(check))
    for issue in report.issues:
        console.print(f"[cyan]note[/] {escape(issue.message)}")


def print_layers(rows: tuple[LayerRow, ...], console: Console) -> None:
    """Print the per-layer table of a profile."""
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, padding=(0, 1, 0, 0))
    table.add_column("layer", overflow="ellipsis", no_wrap=True, max_width=LAYER_WIDTH)
    for title in ("output", "MACs", "weights", "out B", "live B", "cycles", "share"):
        table.add_column(title, justify="right", no_wrap=True)
    cycles = [row.measurements[0].value for row in rows]
    total = sum(cycles) or 1
    for row, row_cycles in zip(rows, cycles, strict=True):
        table.add_row(
            escape(tail(printable(row.name), LAYER_WIDTH)),
            "×".join(map(str, row.output_shape[1:])),
            compact(row.macs),
            compact(row.weights_bytes),
            compact(row.activation_bytes),
            compact(row.live_bytes),
            compact(row_cycles),
            f"{100 * row_cycles / total:.1f}%",
        )
    console.print(table)


def tail(text: str, width: int) -> str:
    """The end of a name, which tells layers apart better than its beginning."""
    return text if len(text) <= width else "…" + text[1 - width :]


def compact(value: float) -> str:
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
        table.add_row(escape(printable(row.label)), reference, f"{row.device_value:.4f}")
    return table


def _functions(rows: tuple[FunctionRow, ...]) -> Table:
    """The costliest functions; cycles are estimated from simulated counts."""
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    table.add_column("function")
    table.add_column("phase")
    table.add_column("instructions (simulated)", justify="right")
    table.add_column("cycles (estimated)", justify="right")
    for row in rows[:FUNCTIONS_SHOWN]:
        instructions, cycles = (f"{m.value:,.0f}" for m in row.measurements)
        table.add_row(escape(row.name), row.phase, instructions, cycles)
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
    return f"{verdict} {check.name}: {escape(printable(check.detail))}"


def printable(text: str) -> str:
    """Text that no terminal can misunderstand."""
    return "".join(c if c.isprintable() else "?" for c in text)
