"""Baselines: what was judged, in a few dozen lines of JSON, one figure a line, sorted.

A baseline carries the hash of its own content: one that was edited by hand, or merged line by line,
is found.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from toolkit.budget.facts import Contributor, Facts, Peak, Shares, facts_of, folded, source_of
from toolkit.budget.identity import KEYS, identity_of
from toolkit.errors import InputError
from toolkit.measurement import Check, Measurement, Provenance
from toolkit.report.read import parse_report

FORMAT = 1
#: What was accepted: by figure, or by what of the identity changed, its value before and now.
Accepted = Mapping[str, tuple[Any, Any]]
#: Contributors with less than this of their sum are summed up.
_SMALL = 0.01
_MARKERS = ("<<<<<<< ", "=======", ">>>>>>> ")
#: Digits of what explains only: so that a change of one weight does not touch every line.
_DIGITS = {"error": 2, "snr": 3, "cycles": 4, "instructions": 4}


@dataclass(frozen=True)
class Baseline:
    """``accepted`` came with the change that wrote it; ``sealed`` says whether it has its own
    hash."""

    facts: Facts
    accepted: Accepted = field(default_factory=dict)
    sealed: bool = True


def baseline_text(
    name: str, facts: Facts, judged: Sequence[Measurement], accepted: Accepted
) -> str:
    """The file for the budget ``name``: the figures ``judged`` and what explains them."""
    document = _document(name, facts, judged, accepted)
    document = {"baseline": FORMAT, "sha256": _seal(document), **document}
    entries = [f" {json.dumps(key)}: {_lines(value)}" for key, value in document.items()]
    return "{\n" + ",\n".join(entries) + "\n}\n"


def read_base(text: str, where: str) -> Baseline:
    """A baseline, or a whole report.json, from its text; ``where`` is what messages name.

    Raises InputError where it is neither, has been edited, or holds the markers of a conflict.
    """
    if any(line.startswith(_MARKERS) for line in text.splitlines()):
        raise InputError(
            f"{where}: holds the conflict markers of a merge.",
            hint="`toolkit check --update --against HEAD` measures the merged state and writes it "
            "anew; then `git add` it.",
        )
    try:
        data = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise InputError(f"{where}: is no baseline: {error}.", hint=_HINT) from None
    if isinstance(data, dict) and "schema_version" in data:
        report = parse_report(text, where, any_schema=True)
        version, schema = data.get("toolkit_version"), data["schema_version"]
        return Baseline(facts_of(report, identity_of(report, str(version), schema)), sealed=False)
    if not isinstance(data, dict) or data.get("baseline") != FORMAT:
        raise InputError(
            f"{where}: is no baseline of format {FORMAT}, nor a report.json.", hint=_HINT
        )
    content = {key: value for key, value in data.items() if key not in ("baseline", "sha256")}
    if data.get("sha256") != _seal(content):
        raise InputError(
            f"{where}: was edited by hand: its content does not have the hash that it states.",
            hint="`toolkit check --update` measures and writes it; restore the file first with "
            "`git checkout`.",
        )
    try:
        return _baseline(content)
    except (KeyError, TypeError, ValueError, IndexError, AttributeError) as error:
        what = f"{error} is missing" if isinstance(error, KeyError) else str(error)
        raise InputError(f"{where}: is no baseline: {what}.", hint=_HINT) from None


_HINT = "`toolkit check --update` writes one."


def _document(
    name: str, facts: Facts, judged: Sequence[Measurement], accepted: Accepted
) -> dict[str, Any]:
    known = [_explaining(m, facts.shares) for m in judged]
    sources = sorted({source for found in known for source in found} & facts.shares.keys())
    ram = any("ram" in found for found in known)
    stack = any("stack" in found for found in known)
    small = {source: _small(facts.of(source)) for source in sources if source != "snr"}
    shares = {s: folded(facts.of(s), small[s], {}) for s in small}
    if "error" in shares:
        shares["snr"] = {n: v for n, v in facts.of("snr").items() if n in shares["error"]}
    document: dict[str, Any] = {
        "budget": name,
        "identity": {key: facts.identity[key] for key in KEYS if key in facts.identity},
        "figures": [
            [m.name, m.value, m.unit, m.provenance.value]
            for m in sorted(judged, key=lambda m: (m.name, m.provenance.value))
        ],
        "checks": sorted({check.name for check in facts.checks if check.required}),
        "mapped": facts.mapped,
    }
    if ram and facts.peak is not None:
        small["peak"] = _small(facts.peak.alive)
        document["peak"] = {"step": facts.peak.step, "size_bytes": facts.peak.size_bytes}
        document["alive"] = _rows(folded(facts.peak.alive, small["peak"], {}))
    if stack and facts.chain:
        document["stack"] = [[*_row(found), size] for found, size in facts.chain]
    document["small"] = dict(sorted(small.items()))
    document["parts"] = _parts(shares, facts.layers)
    if accepted:
        document["accepted"] = {key: list(accepted[key]) for key in sorted(accepted)}
    return document


def _explaining(m: Measurement, shares: Mapping[str, Shares]) -> tuple[str, ...]:
    """The sources that explain a figure, and whether its peak or chain does."""
    source = source_of(m, shares)
    return {
        "ram": ("ram", "objects"),
        "accuracy": ("error", "snr"),
    }.get(source, (source,))


def _small(shares: Shares) -> float:
    """A power of two that moves seldom; a fraction where the sum is one."""
    least = _SMALL * sum(shares.values())
    return float(2.0 ** math.floor(math.log2(least))) if least > 0 else 0.0


def _row(found: Contributor) -> list[Any]:
    return [found.kind, *([found.phase] if found.phase else []), list(found.names)]


def _rows(shares: Shares) -> list[list[Any]]:
    return [[*_row(found), shares[found]] for found in sorted(shares, key=str)]


def _parts(shares: Mapping[str, Shares], layers: Mapping[str, str]) -> list[list[Any]]:
    """What each contributor adds, by source; of a layer also what it is made of."""
    found = {part for by in shares.values() for part in by}
    sharing = {name for part in found if len(part.names) > 1 for name in part.names}
    found |= {Contributor("layer", (name,)) for name in sharing if name in layers}
    rows = []
    for part in sorted(found, key=str):
        row: dict[str, Any] = {s: _rounded(by[part], s) for s, by in shares.items() if part in by}
        if part.kind == "layer" and len(part.names) == 1 and part.names[0] in layers:
            row["is"] = layers[part.names[0]]
        rows.append([*_row(part), row])
    return rows


def _contributor(row: Sequence[Any]) -> Contributor:
    """Of a row whose last entry is what it adds."""
    kind, *phase, names, _ = row
    return Contributor(str(kind), tuple(map(str, names)), str(phase[0]) if phase else "")


def _rounded(value: float, source: str) -> float:
    digits = _DIGITS.get(source.partition(" ")[0])
    if digits is None or not value:
        return value
    rounded = float(f"{value:.{digits}g}")
    return int(rounded) if rounded == int(rounded) else rounded


def _lines(value: Any) -> str:
    """JSON with one entry of a list or table a line."""
    if isinstance(value, dict) and value:
        rows = [f"{json.dumps(key)}: {json.dumps(entry)}" for key, entry in value.items()]
        return "{\n  " + ",\n  ".join(rows) + "\n }"
    if isinstance(value, list) and value:
        return "[\n  " + ",\n  ".join(map(json.dumps, value)) + "\n ]"
    return json.dumps(value)


def _seal(content: Mapping[str, Any]) -> str:
    text = json.dumps(content, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def _baseline(data: Mapping[str, Any]) -> Baseline:
    shares: dict[str, dict[Contributor, float]] = {}
    layers = {}
    for row in data["parts"]:
        part = _contributor(row)
        for source, value in row[-1].items():
            if source == "is":
                layers[part.names[0]] = str(value)
            else:
                shares.setdefault(source, {})[part] = value
    peak = data.get("peak")
    facts = Facts(
        identity=dict(data["identity"]),
        figures=tuple(
            Measurement(name, value, unit, Provenance(provenance), "baseline")
            for name, value, unit, provenance in data["figures"]
        ),
        checks=tuple(Check(name, True, "") for name in data["checks"]),
        shares=shares,
        small=dict(data["small"]),
        peak=None if peak is None else _peak(peak, data["alive"]),
        chain=tuple((_contributor(row), row[-1]) for row in data.get("stack", [])),
        layers=layers,
        mapped=data["mapped"],
    )
    return Baseline(facts, {k: (v[0], v[1]) for k, v in data.get("accepted", {}).items()})


def _peak(peak: Mapping[str, Any], alive: Sequence[Sequence[Any]]) -> Peak:
    return Peak(peak["step"], {_contributor(row): row[-1] for row in alive}, peak["size_bytes"])
