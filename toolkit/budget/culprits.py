"""Which layers or functions a figure comes from, and which of them changed most."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace

from toolkit.measurement import MODEL_STATE, Check, Measurement, Provenance, find_symbol
from toolkit.report import LayerRow, Report
from toolkit.report.model import Part
from toolkit.report.names import Origin, figure
from toolkit.report.text import format_number, layer_cycles, layer_value, printable


@dataclass(frozen=True)
class Contributor:
    """What adds to a figure: layers (several where they share it), a function, a block...; their
    names are whole, so that no two are taken for one."""

    kind: str
    names: tuple[str, ...]
    phase: str = ""

    def __str__(self) -> str:
        plural = "s" if len(self.names) > 1 else ""
        names = ", ".join(f"'{printable(name)}'" for name in self.names)
        return f"{self.kind}{plural} {names}{f' ({self.phase})' if self.phase else ''}"


#: What each contributor adds to a figure.
Shares = Mapping[Contributor, float]
NAMED = 3
#: A layer with less of the error at the outputs is not named.
LEAST_SHARE = 0.01


def culprits(found: Measurement, report: Report, baseline: Report | None) -> str:
    """The layers or functions that changed ``found`` most against the baseline, or that contribute
    most where there is none or none of them changed; empty where the report tells nothing."""
    origin = figure(found.name).origin
    if origin == "bits":
        return _check(report, "bit_match").detail
    if origin == "features":
        where = _check(report, "features_match").where
        return f"features.c: {where}" if where else ""
    if origin == "accuracy":
        return _accuracy(report, baseline)
    if origin not in _SOURCES:
        return ""
    shares_of = _SOURCES[origin]
    report, baseline = _alike(report, baseline)
    shares = shares_of(report, found.provenance)
    unit = "cycles" if origin == "cycles" else found.unit  # a time comes from cycles
    if baseline is not None:
        before = shares_of(baseline, found.provenance)
        before, shares = _together(before, shares, _changed_layers(report, baseline))
        changes = {name: shares.get(name, 0) - before.get(name, 0) for name in {*shares, *before}}
        worse = {name: change for name, change in changes.items() if change > 0}
        if worse:
            parts = [
                f"{name} +{format_number(change, unit)} "
                f"({_amount(before.get(name), unit)} → {_amount(shares.get(name), unit)})"
                for name, change in _largest(worse)
            ]
            return f"changed most: {', '.join(parts)}"
    parts = [f"{name} {_amount(value, unit)}" for name, value in _largest(shares) if value]
    return f"largest: {', '.join(parts)}" if parts else ""


def _alike(report: Report, baseline: Report | None) -> tuple[Report, Report | None]:
    """Both with the map of their symbols, or both without: symbols then stand for themselves."""
    if baseline is None or bool(report.symbols) == bool(baseline.symbols):
        return report, baseline
    symbols = {**report.symbols, **baseline.symbols}
    planned = {name: symbol for name, symbol in symbols.items() if symbol.role == MODEL_STATE}
    return replace(report, symbols=planned), replace(baseline, symbols=planned)


def _together(before: Shares, now: Shares, changed: frozenset[str]) -> tuple[Shares, Shares]:
    """Both with layers as one where only one of them has code that these layers share: what one
    side counts as shared is in their own code on the other, and no layer has grown by it.  Such a
    group is called by those of its layers that ``changed``, if any."""
    once = [set(c.names) for c in {*before} ^ {*now} if len(c.names) > 1]
    both = [set(c.names) for c in {*before} & {*now} if len(c.names) > 1]
    groups = [group for group in _joined([*once, *both]) if any(names <= group for names in once)]
    called = {name: tuple(sorted(group & changed or group)) for group in groups for name in group}

    def summed(shares: Shares) -> Shares:
        result: defaultdict[Contributor, float] = defaultdict(float)
        for found, amount in shares.items():
            names = called.get(found.names[0]) if found.kind == "layer" else None
            result[replace(found, names=names or found.names)] += amount
        return result

    return summed(before), summed(now)


def _joined(sets: Iterable[set[str]]) -> list[set[str]]:
    """Sets that have anything in common become one."""
    groups: list[set[str]] = []
    for names in sets:
        touching = [group for group in groups if group & names]
        groups = [group for group in groups if group not in touching] + [names.union(*touching)]
    return groups


def _changed_layers(report: Report, baseline: Report) -> frozenset[str]:
    """Names of layers that are not in the baseline as they are here."""
    then = {(row.name, row.op, row.macs, row.weights_bytes) for row in baseline.layers}
    now = {(row.name, row.op, row.macs, row.weights_bytes) for row in report.layers}
    return frozenset(name for name, *_ in then ^ now)


def _largest(shares: Shares) -> list[tuple[Contributor, float]]:
    """The largest few, by name where equal."""
    return sorted(shares.items(), key=lambda item: (-item[1], str(item[0])))[:NAMED]


def _flash(report: Report, _: Provenance) -> Shares:
    """Layers by what is linked for them (by the graph's weights where nothing is linked yet),
    everything else by symbol."""
    parts = _parts(report, "flash")
    if not parts:
        return _weights(report, _)
    shares: Counter[Contributor] = Counter()
    for part in parts:
        if part.kind != "other":
            kind = _KINDS.get(part.kind, "table")
            shares[_of_symbol(report, part.name, kind)] += part.size_bytes
    return shares


def _of_symbol(report: Report, name: str, kind: str) -> Contributor:
    """The layers that a symbol belongs to, else itself, as one of that kind."""
    symbol = find_symbol(report.symbols, name)
    layers = () if symbol is None else symbol.layers
    return Contributor("layer", layers) if layers else Contributor(kind, (name,))


def _weights(report: Report, _: Provenance) -> Shares:
    return _per_layer(report, lambda row: row.weights_bytes)


def _ram(report: Report, _: Provenance) -> Shares:
    """Blocks of the plan by name, and what lies beside the model's memory."""
    shares: Counter[Contributor] = Counter()
    for row in report.memory.rows if report.memory else ():
        shares[Contributor(row.kind, (row.name,))] += row.size_bytes
    for part in _parts(report, "ram"):
        symbol = find_symbol(report.symbols, part.name)
        planned = symbol is not None and symbol.role == MODEL_STATE
        if part.kind in _OBJECTS and not planned:
            shares[Contributor("object", (part.name,))] += part.size_bytes
    return shares


def _stack(report: Report, _: Provenance) -> Shares:
    """Layers by the frames of their functions, other functions by name."""
    shares: Counter[Contributor] = Counter()
    for frame in report.stack:
        shares[_of_symbol(report, frame.function, "function")] += frame.size_bytes
    return shares


def _cycles(report: Report, provenance: Provenance) -> Shares:
    """Layers by cycles, and the functions of the features."""
    shares = Counter(_per_layer(report, lambda row: layer_cycles(row, provenance)))
    shares.update(_functions(report, "cycles"))
    return shares


def _instructions(report: Report, provenance: Provenance) -> Shares:
    shares = Counter(_per_layer(report, lambda row: layer_value(row, "instructions", provenance)))
    shares.update(_functions(report, "instructions"))
    return shares


def _macs(report: Report, _: Provenance) -> Shares:
    return _per_layer(report, lambda row: row.macs)


def _check(report: Report, name: str) -> Check:
    """The check of that name, in printable words; one that says nothing where there is none."""
    found = next((check for check in report.checks if check.name == name), Check(name, True, ""))
    return replace(found, detail=printable(found.detail), where=printable(found.where))


def _accuracy(report: Report, baseline: Report | None) -> str:
    """The layers in which the error at the outputs enters, against a baseline what it has more.

    SNR alone would blame those behind the culprit: it sinks along a network.
    """
    noise, total = _noise(report)
    before = _noise(baseline)[0] if baseline is not None else {}
    what = "most of the error enters in"
    then: Shares = {}
    if baseline is not None and noise and before:
        then = _measured(baseline, "int8_snr_db")
        added = {name: max(0, value - before.get(name, 0)) for name, value in noise.items()}
        if any(added.values()):
            noise, total, what = added, sum(added.values()), "most of the added error enters in"
        else:
            what = "int8 adds no error that the baseline lacks; most of it enters in"
    snr = _measured(report, "int8_snr_db")
    parts = []
    for name, value in _largest(noise):
        if value >= LEAST_SHARE * total > 0:
            now = f"{snr[name]:.1f} dB" if name in snr else "none"
            at = f"{then[name]:.1f} dB → {now}" if name in then else now
            parts.append(f"{name} {100 * value / total:.0f} % (SNR there {at})")
    return f"{what} {', '.join(parts)}" if parts else ""


def _noise(report: Report) -> tuple[dict[Contributor, float], float]:
    """Squared error at the outputs that enters in each layer, and all of it (the model's input has
    a part too), over the outputs' variance."""
    snr = report.find("int8_snr_db", Provenance.MEASURED)
    total = 0.0 if snr is None else 10 ** (-snr.value / 10)
    shares = _measured(report, "output_error_share")
    return {name: share * total for name, share in shares.items()}, total


def _measured(report: Report, name: str) -> dict[Contributor, float]:
    return _per_layer(report, lambda row: layer_value(row, name, Provenance.MEASURED))


def _functions(report: Report, name: str) -> dict[Contributor, float]:
    return {
        Contributor("function", (row.name,), row.phase): m.value
        for row in report.functions
        if row.phase == "features"
        for m in row.measurements
        if m.name == name
    }


#: Shares of a figure by what it comes of.
_SOURCES: Mapping[Origin, Callable[[Report, Provenance], Shares]] = {
    "flash": _flash,
    "weights": _weights,
    "ram": _ram,
    "stack": _stack,
    "macs": _macs,
    "instructions": _instructions,
    "cycles": _cycles,
}
_KINDS = {"code": "function", "initial values": "object"}
#: Kinds of what is linked into RAM beside the stack.
_OBJECTS = ("initial values", "state", "other")


def _per_layer(
    report: Report, value: Callable[[LayerRow], float | None]
) -> dict[Contributor, float]:
    found = ((row, value(row)) for row in report.layers)
    return {Contributor("layer", (row.name,)): v for row, v in found if v is not None}


def _parts(report: Report, region: str) -> tuple[Part, ...]:
    return next((fit.parts for fit in report.fits if fit.region == region), ())


def _amount(value: float | None, unit: str) -> str:
    return "absent" if value is None else format_number(value, unit)
