"""What changed from one report to another: figures, and what they come of by layer and symbol.

Information, no verdict: `judge` holds a report against a budget.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from toolkit.budget.facts import Contributor, Facts, Shares, facts_of
from toolkit.budget.identity import DATA, GUARDS, Difference, differences
from toolkit.budget.sharing import changed_layers, together
from toolkit.measurement import Measurement, Provenance
from toolkit.report import Report
from toolkit.report.names import place

#: What makes figures another thing; how the same model is run is what may be asked about.
REFUSED = tuple(key for key in GUARDS if key not in {*DATA, "schedule", "options"})
_NONE = "none"


@dataclass(frozen=True)
class Side:
    """A report, ``where`` it was read from, and its identity (`toolkit.budget.identity`)."""

    where: str
    report: Report
    identity: Mapping[str, str]


@dataclass(frozen=True)
class FigureChange:
    """A figure on both sides, in its unit and with one provenance; None where a side lacks it."""

    before: Measurement | None
    after: Measurement | None

    @property
    def of(self) -> Measurement:
        """The figure as it is now, or was."""
        found = self.after or self.before
        assert found is not None
        return found

    @property
    def change(self) -> Change:
        values = (None if m is None else m.value for m in (self.before, self.after))
        return Change((self.of.name,), *values)


@dataclass(frozen=True)
class Change:
    """An amount before and after, of what ``names`` say; None where a side has nothing of it."""

    names: tuple[str, ...]
    before: float | None
    after: float | None

    @property
    def delta(self) -> float:
        return (self.after or 0) - (self.before or 0)

    @property
    def percent(self) -> float | None:
        """Of what it was; None where that is nothing."""
        return 100 * self.delta / abs(self.before) if self.before else None


@dataclass(frozen=True)
class ChangeTable:
    """How ``what`` (flash, cycles...) changed by layer, symbol, function or block: the largest
    changes first, then what stayed, by name."""

    what: str
    by: str
    unit: str
    provenance: Provenance
    rows: tuple[Change, ...]

    @property
    def changed(self) -> tuple[Change, ...]:
        return tuple(row for row in self.rows if row.delta)


@dataclass(frozen=True)
class Diff:
    """``differences`` tell what of the two is not the same beside their figures."""

    before: Side
    after: Side
    differences: tuple[Difference, ...]
    figures: tuple[FigureChange, ...]
    tables: tuple[ChangeTable, ...]


def incomparable(before: Side, after: Side) -> tuple[Difference, ...]:
    """What makes the figures of the two another thing; a side without a tool has none of its
    figures."""
    return tuple(
        d
        for d in differences(after.identity, before.identity)
        if d.key in REFUSED and _NONE not in (d.now, d.then)
    )


def compare(before: Side, after: Side) -> Diff:
    """Everything that both reports say, side by side."""
    return Diff(
        before=before,
        after=after,
        differences=differences(after.identity, before.identity),
        figures=_figures(before.report, after.report),
        tables=tuple(_tables(before, after)),
    )


def _figures(before: Report, after: Report) -> tuple[FigureChange, ...]:
    sides = [{(m.name, m.provenance): m for m in r.measurements} for r in (before, after)]
    keys = dict.fromkeys(key for side in sides for key in side)
    ordered = sorted(keys, key=lambda key: (place(key[0]), list(Provenance).index(key[1])))
    return tuple(FigureChange(sides[0].get(key), sides[1].get(key)) for key in ordered)


def _tables(before: Side, after: Side) -> Iterator[ChangeTable]:
    then, now = facts_of(before.report, before.identity), facts_of(after.report, after.identity)
    reports = (before.report, after.report)
    yield from _by_layer(then, now, reports)
    for region in ("flash", "ram"):
        provenance = _provenance_of_fit(region, reports)
        if provenance is not None:
            shares = [_symbols(report, region) for report in reports]
            yield _table(region, "symbol", "B", provenance, *shares)
    if all(report.memory for report in reports):
        blocks = [_blocks(report) for report in reports]
        yield _table("planned memory", "block", "B", Provenance.ESTIMATED, *blocks)
    if all(report.stack for report in reports):
        frames = [_frames(report) for report in reports]
        yield _table("stack", "function", "B", Provenance.MEASURED, *frames)
    for name in ("cycles", "instructions"):
        functions = [_functions(report, name) for report in reports]
        if all(functions):
            yield _table(name, "function", name, Provenance.SIMULATED, *functions)


def _by_layer(then: Facts, now: Facts, reports: tuple[Report, Report]) -> Iterator[ChangeTable]:
    """What is linked for layers, and what they take; code that they share counts as theirs."""
    changed = changed_layers(now, then)
    flash = _provenance_of_fit("flash", reports)
    sources = [("flash", "B", flash)] if flash is not None else []
    for name in ("cycles", "instructions"):
        common = [p for p in Provenance if all(f.of(f"{name} {p.value}") for f in (then, now))]
        sources += [(name, name, common[0])] if common else []
    for name, unit, provenance in sources:
        source = name if name == "flash" else f"{name} {provenance.value}"
        pair = together(then.of(source), now.of(source), changed)
        yield _table(name, "layer", unit, provenance, *map(_of_layers, pair))


def _of_layers(shares: Shares) -> Shares:
    return {found: amount for found, amount in shares.items() if found.kind == "layer"}


def _provenance_of_fit(region: str, reports: tuple[Report, Report]) -> Provenance | None:
    """How both know what fills a region; None where one does not, or knows it otherwise."""
    found = [{fit.provenance for fit in r.fits if fit.region == region} for r in reports]
    return next(iter(found[0] & found[1]), None)


def _symbols(report: Report, region: str) -> Shares:
    parts = next(fit.parts for fit in report.fits if fit.region == region)
    sizes: Counter[Contributor] = Counter()
    for part in parts:
        sizes[_named("symbol", part.name, report)] += part.size_bytes
    return sizes


def _blocks(report: Report) -> Shares:
    """Blocks of planned memory, which may share bytes at different times."""
    sizes: Counter[Contributor] = Counter()
    for row in report.memory.rows if report.memory else ():
        sizes[Contributor("block", (row.kind, row.name))] += row.size_bytes
    return sizes


def _frames(report: Report) -> Shares:
    sizes: Counter[Contributor] = Counter()
    for frame in report.stack:
        sizes[_named("function", frame.function, report)] += frame.size_bytes
    return sizes


def _functions(report: Report, name: str) -> Shares:
    values: Counter[Contributor] = Counter()
    for row in report.functions:
        for m in row.measurements:
            if (m.name, m.provenance) == (name, Provenance.SIMULATED):
                values[_named("function", row.name, report)] += m.value  # type: ignore[assignment]
    return values


def _named(kind: str, symbol: str, report: Report) -> Contributor:
    """A symbol without the name of its library, by which two of them are told apart."""
    own = f"{report.library}_"
    return Contributor(kind, (symbol.removeprefix(own) if report.library else symbol,))


def _table(
    what: str, by: str, unit: str, provenance: Provenance, before: Shares, after: Shares
) -> ChangeTable:
    rows = [Change(c.names, before.get(c), after.get(c)) for c in {**before, **after}]
    rows.sort(key=lambda row: (-abs(row.delta), row.names))
    return ChangeTable(what, by, unit, provenance, tuple(rows))


#: What the verdict tells: of the time, the first that both know.
_VERDICT = (
    ("flash_bytes",),
    ("ram_static_bytes",),
    ("stack_bound_bytes",),
    ("cycles_per_frame_worst",),
    ("cycles_per_audio_second", "cycles_per_inference"),
)


def headline(diff: Diff) -> tuple[FigureChange, ...]:
    """The figures of the verdict, each with the best provenance that both sides have."""
    found = (next((f for name in names if (f := best(diff, name))), None) for names in _VERDICT)
    return tuple(f for f in found if f is not None)


def best(diff: Diff, name: str) -> FigureChange | None:
    """The figure of that name as both measured it, else simulated, else estimated it."""
    found = (f for f in diff.figures if f.of.name == name)
    return next((f for f in found if f.before is not None and f.after is not None), None)


def shown(diff: Diff) -> tuple[FigureChange, ...]:
    """A row a figure that changed: by its best common provenance, or as one side only has it."""
    names = dict.fromkeys(f.of.name for f in diff.figures)
    rows = []
    for name in names:
        common = best(diff, name)
        found = common or next(f for f in diff.figures if f.of.name == name)
        if common is None or found.change.delta:
            rows.append(found)
    return tuple(rows)
