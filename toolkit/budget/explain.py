"""Why a figure is what it is: sums by what adds to them, peaks by the step and who is alive in it,
the stack by the calls that changed, accuracy by where error enters; and one line of advice."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from difflib import SequenceMatcher

from toolkit.budget.facts import Contributor, Facts, Shares, folded, source_of
from toolkit.budget.sharing import changed_layers, together
from toolkit.measurement import Check, Measurement
from toolkit.report.names import Origin, figure
from toolkit.report.text import format_number, printable

#: How many contributors a line names.
NAMED = 3
#: A layer with less of the error at the outputs is not named.
LEAST_SHARE = 0.01


def explain(found: Measurement, now: Facts, then: Facts | None) -> str:
    """What changed ``found`` most against the base, or what it comes of where there is none or
    nothing of it changed; empty where the facts tell nothing."""
    origin = figure(found.name).origin
    if origin in _KINDS:
        return _KINDS[origin](found, now, then)
    source = source_of(found, now.shares)
    if not source or source not in now.shares:
        return ""
    unit = "cycles" if origin == "cycles" else found.unit  # a time comes from cycles
    return _of_sum(now, then, source, unit)


def advice(found: Measurement, against: bool) -> str:
    """What to do about a figure that is too high (or too low), ``against`` a base or a limit."""
    origin = figure(found.name).origin
    remedy = _REMEDIES.get(origin, "")
    accept = "accept it with `toolkit check --update --accept`" if against else "raise the limit"
    if origin == "bits":
        return remedy
    return f"{remedy}; or {accept}" if remedy else accept[0].upper() + accept[1:]


def advice_on_check(name: str) -> str:
    """What to do about a check that fails; "" where its sentence is all there is to say."""
    return _REMEDIES[_CHECKS[name]] if name in _CHECKS else ""


#: What a check looks at.
_CHECKS: Mapping[str, Origin] = {
    "bit_match": "bits",
    "tflm_match": "bits",
    "bit_match_recordings": "bits",
    "features_match": "features",
    "fits_flash": "flash",
    "fits_ram": "ram",
    "fits_stack": "stack",
    "real_time": "cycles",
    "device_near_float": "accuracy",
}
_REMEDIES: Mapping[Origin, str] = {
    "flash": 'Build with `optimize = "size"`, or narrow what is named',
    "weights": "Narrow the layers that are named",
    "ram": "Narrow what is alive at the peak; `toolkit profile` draws the memory step by step",
    "stack": "See `stack` in report.json (--save) for the whole chain of calls",
    "macs": "Narrow the layers that are named",
    "instructions": "`toolkit profile --simulate` shows every layer",
    "cycles": 'Build with `optimize = "speed"`, or narrow what is named; `toolkit profile '
    "--simulate` shows every layer",
    "accuracy": "Calibrate with data like those of the test, or let `toolkit convert --mixed auto` "
    "choose int16 for the layers that are named",
    "features": "`toolkit features check` holds the front end against its reference",
    "bits": "Build it with `toolkit build` and look at the layer that is named: such firmware must "
    "not ship",
}


def _of_sum(now: Facts, then: Facts | None, source: str, unit: str) -> str:
    shares = now.of(source)
    if then is not None and then.of(source):
        before = then.of(source)
        shares = folded(shares, then.small.get(source, 0), before)
        before, shares = together(before, shares, changed_layers(now, then))
        words = _worse(shares, before, unit, _below(then, source, unit))
        if words:
            return f"changed most: {words}"
    return _largest_of(shares, unit)


def _below(then: Facts, source: str, unit: str) -> str:
    """What the base had of a contributor that it does not name."""
    small = then.small.get(source, 0)
    return f"under {format_number(small, unit)}" if small else "absent"


def _worse(shares: Shares, before: Shares, unit: str, absent: str = "absent") -> str:
    """Those with more than before, the largest change first."""
    changes = {name: shares.get(name, 0) - before.get(name, 0) for name in {*shares, *before}}
    worse = {name: change for name, change in changes.items() if change > 0}
    parts = [
        f"{name} +{format_number(change, unit)} "
        f"({_amount(before.get(name), unit, absent)} → {_amount(shares.get(name), unit, absent)})"
        for name, change in _largest(worse)
    ]
    return ", ".join(parts)


def _largest_of(shares: Shares, unit: str) -> str:
    parts = [f"{name} {format_number(value, unit)}" for name, value in _largest(shares) if value]
    return f"largest: {', '.join(parts)}" if parts else ""


def _largest(shares: Shares) -> list[tuple[Contributor, float]]:
    """The largest few, by name where equal."""
    return sorted(shares.items(), key=lambda item: (-item[1], str(item[0])))[:NAMED]


def _amount(value: float | None, unit: str, absent: str) -> str:
    return absent if value is None else format_number(value, unit)


def _of_ram(found: Measurement, now: Facts, then: Facts | None) -> str:
    """The peak of the planned memory, whose blocks share bytes, and the objects beside it."""
    objects = now.of("objects")
    if now.peak is None:
        return _of_sum(now, then, "objects", "B") if objects else ""
    old = then.peak if then is not None else None
    if old is None or then is None:
        largest = _largest_of({**now.peak.alive, **objects}, "B")
        return f"peak in step '{printable(now.peak.step)}', {largest}" if largest else ""
    step = f"'{printable(now.peak.step)}'"
    moved = "" if now.peak.step == old.step else f", before in step '{printable(old.step)}'"
    before = {**old.alive, **then.of("objects")}
    alive = folded({**now.peak.alive, **objects}, then.small.get("peak", 0), before)
    changed = _worse(alive, before, "B", "not alive there")
    if not changed:
        gaps = now.peak.size_bytes - old.size_bytes
        changed = (
            f"nothing more is alive there; gaps +{format_number(gaps, 'B')}" if gaps > 0 else ""
        )
    return f"peak in step {step}{moved}: {changed}" if changed else ""


def _of_stack(found: Measurement, now: Facts, then: Facts | None) -> str:
    """The calls of the deepest chain that changed: grown, new, or in the place of others."""
    if then is None or not then.chain:
        return _largest_of(_summed(now.chain), "B")
    old, new = ([name for name, _ in chain] for chain in (then.chain, now.chain))
    parts: list[tuple[int, str]] = []
    for what, a, b, c, d in SequenceMatcher(None, old, new, autojunk=False).get_opcodes():
        if what == "equal":
            pairs = zip(then.chain[a:b], now.chain[c:d], strict=True)
            parts += [
                (size - was, f"{name} +{size - was} B ({was} B → {size} B)")
                for (_, was), (name, size) in pairs
                if size > was
            ]
        else:
            gained = sum(size for _, size in now.chain[c:d])
            lost = sum(size for _, size in then.chain[a:b])
            change = f"{'+' if gained >= lost else '−'}{abs(gained - lost)} B"
            words = f"{_calls(now.chain[c:d])} in place of {_calls(then.chain[a:b])} {change}"
            parts.append((gained - lost, words))
    parts.sort(key=lambda part: -part[0])
    changed = ", ".join(words for _, words in parts[:NAMED])
    return f"deepest chain of calls: {changed}" if changed else _largest_of(_summed(now.chain), "B")


def _calls(chain: Sequence[tuple[Contributor, int]]) -> str:
    return " → ".join(f"{name} {size} B" for name, size in chain) or "nothing"


def _summed(chain: Sequence[tuple[Contributor, int]]) -> Shares:
    shares: dict[Contributor, float] = {}
    for name, size in chain:
        shares[name] = shares.get(name, 0) + size
    return shares


def _of_accuracy(_: Measurement, now: Facts, then: Facts | None) -> str:
    """The layers in which the error at the outputs enters, against a base what it has more.

    SNR alone would blame those behind the culprit: it sinks along a network.
    """
    noise, before = now.of("error"), then.of("error") if then is not None else {}
    what, total = "most of the error enters in", _total(now)
    earlier: Shares = {}
    if then is not None and noise and before:
        earlier = then.of("snr")
        added = {name: max(0.0, value - before.get(name, 0)) for name, value in noise.items()}
        if any(added.values()):
            noise, total, what = added, sum(added.values()), "most of the added error enters in"
        else:
            what = "int8 adds no error that the baseline lacks; most of it enters in"
    snr = now.of("snr")
    parts = []
    for name, value in _largest(noise):
        if value >= LEAST_SHARE * total > 0:
            here = f"{snr[name]:.1f} dB" if name in snr else "none"
            at = f"{earlier[name]:.1f} dB → {here}" if name in earlier else here
            parts.append(f"{name} {100 * value / total:.0f} % (SNR there {at})")
    words = [f"{what} {', '.join(parts)}"] if parts else []
    if then is not None and _differ("calibration", now, then):
        words.insert(0, "the calibration data changed, which may be all of it")
    return "; ".join(words)


def _total(facts: Facts) -> float:
    """All of the error at the outputs; the model's input has a part too."""
    snr = facts.find("int8_snr_db")
    return 0.0 if snr is None else float(10 ** (-snr.value / 10))


def _differ(key: str, now: Facts, then: Facts) -> bool:
    both = (now.identity.get(key), then.identity.get(key))
    return None not in both and both[0] != both[1]


def _of_bits(_: Measurement, now: Facts, __: Facts | None) -> str:
    return printable(check_of(now, "bit_match").detail)


def _of_features(_: Measurement, now: Facts, __: Facts | None) -> str:
    where = printable(check_of(now, "features_match").where)
    return f"features.c: {where}" if where else ""


def check_of(facts: Facts, name: str) -> Check:
    """The check of that name; one that says nothing where there is none."""
    return next((check for check in facts.checks if check.name == name), Check(name, True, ""))


_KINDS: Mapping[Origin, Callable[[Measurement, Facts, Facts | None], str]] = {
    "ram": _of_ram,
    "stack": _of_stack,
    "accuracy": _of_accuracy,
    "bits": _of_bits,
    "features": _of_features,
}
