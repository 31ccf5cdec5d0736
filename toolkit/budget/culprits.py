"""Which layers or functions a figure comes from, and which of them changed most."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Mapping

from toolkit.measurement import Measurement, Provenance
from toolkit.report import LayerRow, Report
from toolkit.report.model import Part
from toolkit.report.names import figure
from toolkit.report.text import format_number, layer_cycles, layer_value, printable

#: Named contributors, what each adds to a figure.
Shares = Mapping[str, float]
NAMED = 3
#: A layer with less of the error at the outputs is not named.
LEAST_SHARE = 0.01


def culprits(found: Measurement, report: Report, baseline: Report | None) -> str:
    """The layers or functions that changed ``found`` most against the baseline, or that contribute
    most where there is none or none of them changed; empty where the report tells nothing."""
    if found.name == "output_mismatches":
        return _detail(report, "bit_match")
    if found.name.startswith("feature_"):
        where = "".join(_detail(report, "features_match").partition("largest at ")[1:])
        return f"features.c: {where}" if where else ""
    if found.name.startswith(ACCURACY):
        return _accuracy(report, baseline)
    shares_of = _source(found.name)
    if shares_of is None:
        return ""
    shares = shares_of(report, found.provenance)
    more_is_better = figure(found.name).better == "more"
    unit = _unit(found)
    if baseline is not None:
        before = shares_of(baseline, found.provenance)
        changes = {name: shares.get(name, 0) - before.get(name, 0) for name in {*shares, *before}}
        worse = {n: c for n, c in changes.items() if (c < 0 if more_is_better else c > 0)}
        if worse:
            parts = [
                f"{name} {_signed(change, unit)} "
                f"({_amount(before.get(name), unit)} → {_amount(shares.get(name), unit)})"
                for name, change in _largest(worse, more_is_better)
            ]
            return f"changed most: {', '.join(parts)}"
    parts = [f"{name} {_amount(v, unit)}" for name, v in _largest(shares, more_is_better) if v]
    word = "lowest" if more_is_better else "largest"
    return f"{word}: {', '.join(parts)}" if parts else ""


def _largest(shares: Shares, more_is_better: bool) -> list[tuple[str, float]]:
    """The worst few, by name where equal."""
    sign = 1 if more_is_better else -1
    return sorted(shares.items(), key=lambda item: (sign * item[1], item[0]))[:NAMED]


def _flash(report: Report, _: Provenance) -> Shares:
    """Layers by their constants as linked (by the graph's weights where nothing is linked yet),
    everything else by symbol."""
    parts = _parts(report, "flash")
    if not parts:
        return _weights(report, _)
    stems = {f"model_{_stem(row.name)}_": row.name for row in report.layers if row.weights_bytes}
    shares: Counter[str] = Counter()
    for part in parts:
        owner = max((s for s in stems if part.name.startswith(s)), key=len, default=None)
        if part.kind == "model constants" and owner is not None:
            shares[f"layer {_quoted(stems[owner])}"] += part.size_bytes
        elif part.kind != "other":
            shares[f"{_KINDS.get(part.kind, 'table')} {_quoted(part.name)}"] += part.size_bytes
    return shares


def _stem(name: str) -> str:
    """What a layer's constants are called by in C (`toolkit.emit.c_text.identifier_stem`)."""
    return re.sub(r"[^A-Za-z0-9]+", "_", name.split(";")[0])[:40].strip("_")


def _weights(report: Report, _: Provenance) -> Shares:
    return _per_layer(report, lambda row: row.weights_bytes)


def _ram(report: Report, _: Provenance) -> Shares:
    """Blocks of the plan by name, and what lies beside the model's memory."""
    shares: Counter[str] = Counter()
    for row in report.memory.rows if report.memory else ():
        shares[f"{row.kind} {_quoted(row.name)}"] += row.size_bytes
    for part in _parts(report, "ram"):
        if part.name not in ("instance", "stack") and part.kind != "plan":
            shares[f"object {_quoted(part.name)}"] += part.size_bytes
    return shares


def _stack(report: Report, _: Provenance) -> Shares:
    shares: Counter[str] = Counter()
    for frame in report.stack:
        shares[f"function {_quoted(frame.function)}"] += frame.size_bytes
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


def _detail(report: Report, name: str) -> str:
    return next((printable(check.detail) for check in report.checks if check.name == name), "")


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
    for name, value in _largest(noise, more_is_better=False):
        if value >= LEAST_SHARE * total > 0:
            now = f"{snr[name]:.1f} dB" if name in snr else "none"
            at = f"{then[name]:.1f} dB → {now}" if name in then else now
            parts.append(f"{name} {100 * value / total:.0f} % (SNR there {at})")
    return f"{what} {', '.join(parts)}" if parts else ""


def _noise(report: Report) -> tuple[dict[str, float], float]:
    """Squared error at the outputs that enters in each layer, and all of it (the model's input has
    a part too), over the outputs' variance."""
    snr = report.find("int8_snr_db", Provenance.MEASURED)
    total = 0.0 if snr is None else 10 ** (-snr.value / 10)
    shares = _measured(report, "output_error_share")
    return {name: share * total for name, share in shares.items()}, total


def _measured(report: Report, name: str) -> dict[str, float]:
    return _per_layer(report, lambda row: layer_value(row, name, Provenance.MEASURED))


def _functions(report: Report, name: str) -> dict[str, float]:
    return {
        f"function {_quoted(row.name)} ({row.phase})": m.value
        for row in report.functions
        if row.phase == "features"
        for m in row.measurements
        if m.name == name
    }


_Source = Callable[[Report, Provenance], Shares]
_SOURCES: Mapping[str, _Source] = {
    "flash_bytes": _flash,
    "weights_bytes": _weights,
    "tflite_bytes": _weights,
}
_FAMILIES: tuple[tuple[tuple[str, ...], _Source], ...] = (
    (("stack_",), _stack),
    (("ram_", "arena_", "state_", "batch_arena", "stream_state"), _ram),
    (("macs_",), _macs),
    (("instructions_",), _instructions),
    (("cycles_", "latency_", "frame_latency_", "realtime_", "energy_", "input_buffer"), _cycles),
)
#: How the names of figures begin that tell of outputs' accuracy.
ACCURACY = ("accuracy", "ccc_", "int8_", "c_")
_KINDS = {"code": "function", "initial values": "object"}


def _source(name: str) -> _Source | None:
    if name in _SOURCES:
        return _SOURCES[name]
    return next((source for prefixes, source in _FAMILIES if name.startswith(prefixes)), None)


def _unit(found: Measurement) -> str:
    """The unit of a figure's shares: a time comes from cycles."""
    is_time = _source(found.name) is _cycles
    return "cycles" if is_time else found.unit


def _per_layer(report: Report, value: Callable[[LayerRow], float | None]) -> dict[str, float]:
    found = ((row, value(row)) for row in report.layers)
    return {f"layer {_quoted(row.name)}": v for row, v in found if v is not None}


def _parts(report: Report, region: str) -> tuple[Part, ...]:
    return next((fit.parts for fit in report.fits if fit.region == region), ())


def _quoted(name: str) -> str:
    return f"'{printable(name)}'"


def _amount(value: float | None, unit: str) -> str:
    return "absent" if value is None else format_number(value, unit)


def _signed(change: float, unit: str) -> str:
    return f"{'+' if change > 0 else '−'}{format_number(abs(change), unit)}"
