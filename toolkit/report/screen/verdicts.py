"""Does it fit, is it fast enough, what does it draw: a row each, with what it is made of."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

from rich.console import Console
from rich.text import Text

from toolkit.measurement import MODEL_STATE, Provenance, Symbol
from toolkit.report.layer_names import LayerNames
from toolkit.report.memory import memory_words
from toolkit.report.model import Fit, Report
from toolkit.report.screen.grid import (
    LABEL_WIDTH,
    WORTH_SAYING_PERCENT,
    Column,
    fill_bar,
    fitting,
    labelled,
    table,
    total_width,
)
from toolkit.report.screen.layers import layer_cells
from toolkit.report.screen.memory import peak_rows
from toolkit.report.text import compact, errors_of_estimates, format_value, strongest
from toolkit.targets import Target

_BAR_WIDTH = 10
_LISTED = 3
#: The least of a contributor that is worth its place, in characters.
_LEAST = 12
#: From this part on a memory is shown as nearly full.
_NEARLY = 0.8
_REGIONS = {
    "ram": ("RAM", "ram_static_bytes"),
    "flash": ("flash", "flash_bytes"),
    "stack": ("stack", "stack_bound_bytes"),
}


@dataclass(frozen=True)
class Verdict:
    """A row: what is used of what is available, whether that is well, and the largest parts;
    ``figure`` is the one whose estimate may have an error."""

    title: str
    used: float
    available: float
    amount: str
    good: bool
    word: str
    parts: Mapping[str, float]
    figure: str


def print_verdicts(
    report: Report,
    target: Target,
    names: LayerNames,
    console: Console,
    every_estimate: bool = True,
) -> None:
    """Print RAM, flash, stack, time and energy; errors of estimates as `print_profile` says."""
    fits = {fit.region: fit for fit in report.fits}
    rows = [_memory(report, fits[r], names) for r in _REGIONS if r in fits]
    rows += _real_time(report, names)
    if rows:
        errors = errors_of_estimates(report.measurements)
        least = 0 if every_estimate else WORTH_SAYING_PERCENT
        shown = {name: percent for name, percent in errors.items() if abs(percent) >= least}
        _print_rows(rows, shown, console)
    for title, text in (("time", _time(report, target)), ("energy", _energy(report, target))):
        label = "" if any(row.title == title for row in rows) else title
        console.print(labelled(label, text))


def _print_rows(rows: list[Verdict], errors: Mapping[str, float], console: Console) -> None:
    filled = [row.used / row.available if row.available else float("inf") for row in rows]
    columns = [
        Column("", [Text(f"{row.title:<{LABEL_WIDTH - 1}}", "bold") for row in rows]),
        Column(
            "",
            [
                fill_bar(part, _BAR_WIDTH, _colour(part, row.good))
                for part, row in zip(filled, rows, strict=True)
            ],
            worth=2,
        ),
        Column("", [Text(row.amount) for row in rows], right=True),
        Column("", [Text(f"{100 * part:.0f} %") for part in filled], right=True),
        Column("", [Text(row.word, "green" if row.good else "bold red") for row in rows]),
        Column("", [_error(errors.get(row.figure)) for row in rows], right=True, worth=3),
    ]
    columns = fitting(columns, console.width)
    left = console.width - total_width(columns) - 2
    if left >= _LEAST:
        columns.append(Column("", [Text(_largest(row.parts, left), "dim") for row in rows]))
    console.print(table(columns, title=False))


def _colour(part: float, good: bool) -> str:
    return "red" if not good else "yellow" if part > _NEARLY else "green"


def _error(percent: float | None) -> Text:
    """How far the estimate of a figure that was measured or simulated is off."""
    return Text("" if percent is None else f"est. {percent:+.1f} %".replace("-", "−"), "cyan")


def _largest(parts: Mapping[str, float], width: int) -> str:
    """The largest parts, as many as fit."""
    text = ""
    for name, value in sorted(parts.items(), key=lambda item: (-item[1], item[0]))[:_LISTED]:
        longer = f"{text}{', ' if text else ''}{name} {compact(value)}"
        if value <= 0 or len(longer) > width:
            break
        text = longer
    return text


def _memory(report: Report, fit: Fit, names: LayerNames) -> Verdict:
    title, figure = _REGIONS[fit.region]
    return Verdict(
        title=title,
        used=fit.used_bytes,
        available=fit.available_bytes,
        amount=f"{fit.used_bytes:,} B of {_size(fit.available_bytes)}",
        good=fit.holds,
        word="fits" if fit.holds else "DOES NOT FIT",
        parts=_parts(report, fit, names),
        figure=figure,
    )


def _size(size_bytes: int) -> str:
    """A part's memory as data sheets say it; a KB has 1024 bytes."""
    for unit, each in (("MB", 1 << 20), ("KB", 1 << 10)):
        if size_bytes and size_bytes % each == 0:
            return f"{size_bytes // each:,} {unit}"
    return f"{size_bytes:,} B"


def _parts(report: Report, fit: Fit, names: LayerNames) -> Counter[str]:
    """What a region holds: bytes by layer, or by what else it is."""
    sizes: Counter[str] = Counter()
    nothing = Symbol("")
    for part in fit.parts:
        role = report.symbols.get(part.name, nothing).role
        if fit.region == "ram" and role == MODEL_STATE and report.memory is not None:
            for row in peak_rows(report.memory):
                sizes[names.of(row.name)] += row.size_bytes
        elif part.kind == "model constants":
            sizes["weights"] += part.size_bytes
        elif fit.region == "ram":
            sizes[names.of(part.name)] += part.size_bytes
        else:
            sizes[names.of_symbol(part.name)] += part.size_bytes
    return sizes


def _real_time(report: Report, names: LayerNames) -> list[Verdict]:
    """Work for a second of audio; nothing for a model that takes none."""
    factor = strongest(report, "realtime_factor")
    if factor is None:
        return []
    cells = layer_cells(report, names)
    return [
        Verdict(
            title="time",
            used=factor.value,
            available=1.0,
            amount=f"{1e3 * factor.value:,.0f} of 1,000 ms",
            good=factor.value <= 1,
            word="real time" if factor.value <= 1 else "TOO SLOW",
            parts={cell.name: cell.cycles for cell in cells},
            figure="cycles_per_inference",
        )
    ]


def _time(report: Report, target: Target) -> Text:
    """What the time is made of, and what is missing where it is too much."""
    said = Text()
    factor, cycles = (strongest(report, n) for n in ("realtime_factor", "cycles_per_inference"))
    at = f"at {target.clock_hz / 1e6:g} MHz"
    second = strongest(report, "cycles_per_audio_second")
    if factor is not None and second is not None:
        if factor.value > 1:
            said.append(
                f"needs {factor.value * target.clock_hz / 1e6:,.0f} MHz or "
                f"{100 * (1 - 1 / factor.value):.0f} % fewer cycles; ",
                "bold red",
            )
        said.append(
            f"{compact(second.value)} cycles per s of audio {at}, "
            f"real-time factor {factor.value:.3g}"
        )
    elif cycles is not None:
        latency = strongest(report, "latency_ms")
        took = "" if latency is None else f"{format_value(latency)}, "
        said.append(f"{took}{compact(cycles.value)} cycles per inference {at}")
        error = errors_of_estimates(report.measurements).get(cycles.name)
        said.append("" if error is None else " ").append_text(_error(error))
    mean, worst = (strongest(report, f"frame_latency_ms_{kind}") for kind in ("mean", "worst"))
    if mean is not None and worst is not None:
        said.append(f"; frame {mean.value:.2f} ms, worst {worst.value:.2f} ms")
    delays = [strongest(report, f"algorithmic_delay_{unit}") for unit in ("ms", "frames")]
    if (delay := delays[0] or delays[1]) is not None:
        said.append(f"; rows after {format_value(delay)}")
    buffer = strongest(report, "input_buffer_frames")
    if buffer is not None:
        frames = "frame" if buffer.value == 1 else "frames"
        said.append(f"; must buffer {buffer.value:,.0f} {frames} of input")
    if cycles is not None:
        said.append(f"; {memory_words(report.measurements, target, cycles.provenance)}")
    return said


def _energy(report: Report, target: Target) -> Text:
    second, power = (
        strongest(report, name) for name in ("energy_uj_per_audio_second", "average_power_uw")
    )
    each = strongest(report, "energy_uj_per_inference")
    if target.power is None or (second is None and each is None):
        return Text("no current known", "yellow")
    if second is None:
        assert each is not None
        text = f"{each.value:,.0f} uJ per inference"
    else:
        text = f"{second.value:,.0f} uJ per second of audio"
    if power is not None:
        text += f", {power.value:,.0f} uW on average"
    return Text.assemble(text, ("; " + target.power.source.split(";")[0].split(":")[0], "dim"))


def provenance(report: Report) -> str:
    """How the figures of the screen came to be, in one phrase."""
    known = {m.provenance for m in report.measurements}
    if known <= {Provenance.ESTIMATED}:
        return "estimated: nothing was compiled"
    energy = strongest(report, "energy_uj_per_inference")
    counted = energy is not None and energy.provenance is Provenance.SIMULATED
    simulated = "time, energy" if counted else "time"
    return f"measured: RAM, flash, stack; simulated: {simulated}; rest estimated"
