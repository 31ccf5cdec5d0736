"""Ways to run a model side by side, what they would save, and many targets, one row each."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import Console
from rich.text import Text

from toolkit.report.model import Alternative, Fit, Report
from toolkit.report.savings import COSTS, Saving
from toolkit.report.screen.grid import Column, fitting, table
from toolkit.report.text import ROUNDS_UP, compact, strongest

_MISSED = "bold red"
_UNITS = [(what, unit) for what, (_, unit) in COSTS.items()]


def print_alternatives(report: Report, console: Console) -> None:
    """Print the model streamed and batch side by side, a line for each way to optimise."""
    rows = report.alternatives
    ways = tuple(dict.fromkeys(row.optimize for row in rows))
    columns = [Column("--optimize", [Text(way) for way in ways])]
    for schedule in dict.fromkeys(row.schedule for row in rows):
        found = {row.optimize: row for row in rows if row.schedule == schedule}
        lines = [found[way] for way in ways]
        columns += [
            Column(f"{schedule}: RAM", [_ram(r, report) for r in lines], right=True),
            Column("flash", [_flash(r, report) for r in lines], right=True, worth=2),
            Column("cycles", [_plain(compact(r.cycles), r) for r in lines], right=True, worth=1),
            Column("real time", [_factor(r) for r in lines], right=True),
        ]
    console.print(table(fitting(columns, console.width)))


def saving_lines(found: Sequence[Saving]) -> list[Text]:
    """What would help, a short line for each way: the savings, how to have them, their price."""
    ways = dict.fromkeys((saving.now, saving.other) for saving in found)
    return [
        _way(now, other, [s for s in found if (s.now, s.other) == (now, other)])
        for now, other in ways
    ]


def _way(now: Alternative, other: Alternative, found: Sequence[Saving]) -> Text:
    how = f"--optimize {other.optimize}"
    if other.schedule != now.schedule:
        how = f"--schedule {other.schedule} {how}"
    saved = [saving.what for saving in found]
    changes = {what: f"{what} {_signed(found[0].change(what), unit)}" for what, unit in _UNITS}
    price = ", ".join(text for what, text in changes.items() if what not in saved)
    said = Text.assemble(
        (", ".join(changes[what] for what in saved), "bold green"),
        f": {how}{f' ({price})' if price else ''}",
    )
    if real_time := found[0].real_time:
        said.append(f", {real_time}", "red" if found[0].change("time") > 0 else "green")
    return said


def print_comparison(reports: Sequence[Report], console: Console) -> None:
    """Print one row a target: how full its memories are, how fast it is, what it draws, and
    whether all that is well."""
    verdicts = [_verdict(report) for report in reports]
    factors = any(strongest(report, "realtime_factor") for report in reports)

    def figure(title: str, name: str, worth: int | None = None) -> Column:
        found = [strongest(report, name) for report in reports]
        cells = [Text("" if m is None else _short(m.value)) for m in found]
        return Column(title, cells, right=True, worth=worth)

    per_second = [
        figure("RT factor", "realtime_factor"),
        figure("uJ/s", "energy_uj_per_audio_second", worth=3),
        figure("uW", "average_power_uw", worth=2),
    ]
    per_inference = [figure("uJ", "energy_uj_per_inference", worth=3)]
    columns = [
        Column("target", [Text(report.target) for report in reports]),
        *(
            Column(f"{title} B", [_fill(_region(r, region)) for r in reports], right=True)
            for title, region in (("RAM", "ram"), ("flash", "flash"))
        ),
        Column("stack", [_fill(_region(r, "stack")) for r in reports], right=True, worth=0),
        figure("ms", "latency_ms", worth=1),
        *(per_second if factors else per_inference),
        Column("verdict", verdicts),
    ]
    console.print(table(fitting(columns, console.width)))


def _verdict(report: Report) -> Text:
    """What is too small or too slow, in words."""
    titles = {"ram": "RAM", "flash": "flash", "stack": "stack"}
    short = [titles[fit.region] for fit in report.fits if not fit.holds]
    factor = strongest(report, "realtime_factor")
    wrong = [f"{' and '.join(short)} TOO SMALL"] if short else []
    if factor is not None and factor.value > 1:
        wrong.append("TOO SLOW")
    if wrong:
        return Text(", ".join(wrong), _MISSED)
    return Text("fits" if factor is None else "fits, real time", "green")


def _region(report: Report, region: str) -> Fit | None:
    return next((fit for fit in report.fits if fit.region == region), None)


def _fill(fit: Fit | None) -> Text:
    """Bytes used, and of how much; red where they do not fit."""
    if fit is None:
        return Text()
    part = 100 * fit.used_bytes / fit.available_bytes
    return Text(f"{compact(fit.used_bytes)} {part:3.0f}%", "" if fit.holds else _MISSED)


def _short(value: float) -> str:
    """Three digits, of a large figure with its unit."""
    return compact(value) if value >= ROUNDS_UP else f"{value:.3g}"


def _ram(row: Alternative, report: Report) -> Text:
    """Static RAM; red where it does not fit beside stack and interrupts."""
    fit = _region(report, "ram")
    beside = sum(part.size_bytes for part in fit.parts if part.kind == "bound") if fit else 0
    fits = fit is None or row.ram_bytes + beside <= fit.available_bytes
    text = compact(row.ram_bytes)
    shown = _plain(text, row) if fits else _missed(text)
    return Text.assemble(("▸ ", "bold"), shown) if row.chosen else shown


def _flash(row: Alternative, report: Report) -> Text:
    fit = _region(report, "flash")
    fits = fit is None or row.flash_bytes <= fit.available_bytes
    return _plain(compact(row.flash_bytes), row) if fits else _missed(compact(row.flash_bytes))


def _factor(row: Alternative) -> Text:
    if row.realtime_factor is None:
        return Text()
    text = f"{row.realtime_factor:.2f}"
    return _plain(text, row) if row.realtime_factor <= 1 else _missed(text)


def _missed(text: str) -> Text:
    """A figure beyond what the part has: in red, and marked where there is no colour."""
    return Text(f"! {text}", _MISSED)


def _plain(text: str, row: Alternative) -> Text:
    return Text(text, "bold" if row.chosen else "")


def _signed(value: int, unit: str) -> str:
    sign = "−" if value < 0 else "+"
    if unit == "B":
        return f"{sign}{abs(value):,} B"
    return f"{sign}{compact(abs(value)) or '0'} {unit}"
