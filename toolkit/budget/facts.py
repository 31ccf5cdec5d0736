"""What a gate compares: figures, and what each of them comes of.

Of a report it is everything; of a baseline what was judged, the smallest parts summed up.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

from toolkit.measurement import MODEL_STATE, Check, Measurement, Provenance, find_symbol
from toolkit.report import LayerRow, Report
from toolkit.report.model import Part
from toolkit.report.names import figure
from toolkit.report.text import layer_value, printable


@dataclass(frozen=True)
class Contributor:
    """What adds to a figure: layers (several where they share it), a function, a block...; their
    names are whole, so that no two are taken for one."""

    kind: str
    names: tuple[str, ...] = ()
    phase: str = ""

    def __str__(self) -> str:
        plural = "s" if len(self.names) > 1 else ""
        names = ", ".join(f"'{printable(name)}'" for name in self.names)
        phase = f" ({self.phase})" if self.phase else ""
        return f"{self.kind}{plural} {names}".rstrip() + phase


#: What a baseline calls everything that it does not list.
SMALLER = Contributor("smaller parts")
#: What each contributor adds to a figure.
Shares = Mapping[Contributor, float]


@dataclass(frozen=True)
class Peak:
    """The step in which most of the planned memory is alive, and what is alive in it."""

    step: str
    alive: Shares
    size_bytes: int


@dataclass(frozen=True)
class Facts:
    """``shares`` are by source: flash, weights, macs, objects (in RAM), error, snr, and
    instructions and cycles by provenance (``cycles simulated``).  ``small`` is the size below which
    a source lists nothing but their sum, as `SMALLER`.  ``chain`` is the deepest chain of calls,
    outermost first.  ``layers`` tell by name what each is made of, so that one that changed is
    known.  ``mapped`` says whether symbols were told apart by the map of a report.
    """

    identity: Mapping[str, str]
    figures: tuple[Measurement, ...] = ()
    checks: tuple[Check, ...] = ()
    shares: Mapping[str, Shares] = field(default_factory=dict)
    small: Mapping[str, float] = field(default_factory=dict)
    peak: Peak | None = None
    chain: tuple[tuple[Contributor, int], ...] = ()
    layers: Mapping[str, str] = field(default_factory=dict)
    mapped: bool = True

    def find(self, name: str, provenance: Provenance | None = None) -> Measurement | None:
        """The figure of that name (and provenance, when given)."""
        found = (m for m in self.figures if m.name == name and provenance in (None, m.provenance))
        return next(found, None)

    def of(self, source: str) -> Shares:
        return self.shares.get(source, {})


def facts_of(report: Report, identity: Mapping[str, str], mapped: bool = True) -> Facts:
    """Everything that the report says; without ``mapped`` symbols stand for themselves."""
    has_map = bool(report.symbols)
    if not mapped:
        planned = {n: s for n, s in report.symbols.items() if s.role == MODEL_STATE}
        report = replace(report, symbols=planned)
    return Facts(
        identity=identity,
        figures=report.measurements,
        checks=report.checks,
        shares={source: shares for source, shares in _sources(report) if shares},
        peak=_peak(report),
        chain=tuple(
            (_of_symbol(report, frame.function, "function"), frame.size_bytes)
            for frame in report.stack
        ),
        layers={row.name: f"{row.op} {row.macs} {row.weights_bytes}" for row in report.layers},
        mapped=has_map and mapped,
    )


def folded(shares: Shares, small: float, known: Shares) -> dict[Contributor, float]:
    """The same with what is below ``small``, and not ``known``, summed up as `SMALLER`."""
    found: dict[Contributor, float] = {}
    for name, value in shares.items():
        kept = name if value >= small or name in known else SMALLER
        found[kept] = found.get(kept, 0) + value
    return found


def source_of(found: Measurement, shares: Mapping[str, Shares]) -> str:
    """Which of ``shares`` add up to a figure; "" where none do.

    What time is made of is counted where it can be, also of a figure that is estimated for another
    reason (energy of an undocumented current).
    """
    origin = figure(found.name).origin
    if origin in ("cycles", "instructions"):
        known = (f"{origin} {provenance.value}" for provenance in Provenance)
        return next((source for source in known if shares.get(source)), "")
    return origin


def _sources(report: Report) -> list[tuple[str, Shares]]:
    found: list[tuple[str, Shares]] = [
        ("flash", _flash(report)),
        ("weights", _weights(report)),
        ("macs", _per_layer(report, lambda row: row.macs)),
        ("objects", _objects(report)),
        ("error", _noise(report)),
        ("snr", _measured(report, "int8_snr_db", Provenance.MEASURED)),
    ]
    for name in ("cycles", "instructions"):
        for provenance in Provenance:
            shares = Counter(_measured(report, name, provenance))
            shares.update(_functions(report, name, provenance))
            found.append((f"{name} {provenance.value}", shares))
    return found


def _flash(report: Report) -> Shares:
    """Layers by what is linked for them (by the graph's weights where nothing is linked yet),
    everything else by symbol."""
    parts = _parts(report, "flash")
    if not parts:
        return _weights(report)
    shares: Counter[Contributor] = Counter()
    for part in parts:
        if part.kind != "other":
            kind = _KINDS.get(part.kind, part.kind if part.kind in _LIBRARIES else "table")
            shares[_of_symbol(report, part.name, kind)] += part.size_bytes
    return shares


def _of_symbol(report: Report, name: str, kind: str) -> Contributor:
    """The layers that a symbol belongs to, else itself, as one of that kind."""
    symbol = find_symbol(report.symbols, name)
    layers = () if symbol is None else symbol.layers
    return Contributor("layer", layers) if layers else Contributor(kind, (name,))


def _weights(report: Report) -> Shares:
    return _per_layer(report, lambda row: row.weights_bytes)


def _objects(report: Report) -> Shares:
    """What lies in RAM beside the planned memory of the model and the stack."""
    shares: Counter[Contributor] = Counter()
    for part in _parts(report, "ram"):
        symbol = find_symbol(report.symbols, part.name)
        planned = symbol is not None and symbol.role == MODEL_STATE
        if part.kind in _OBJECTS and not planned:
            kind = part.kind if part.kind in _LIBRARIES else "object"
            shares[_of_symbol(report, part.name, kind)] += part.size_bytes
    return shares


def _peak(report: Report) -> Peak | None:
    """Of several steps with equally much alive, the first."""
    memory = report.memory
    if memory is None or not memory.steps:
        return None
    top = memory.peak_step
    alive: Counter[Contributor] = Counter()
    for row in memory.rows:
        if row.alive(top):
            alive[Contributor(row.kind, (row.name,))] += row.size_bytes
    return Peak(memory.steps[top], alive, memory.size_bytes)


def _noise(report: Report) -> Shares:
    """Squared error at the outputs that enters in each layer, over the outputs' variance."""
    snr = report.find("int8_snr_db", Provenance.MEASURED)
    total = 0.0 if snr is None else 10 ** (-snr.value / 10)
    shares = _measured(report, "output_error_share", Provenance.MEASURED)
    return {name: share * total for name, share in shares.items()}


def _measured(report: Report, name: str, provenance: Provenance) -> Shares:
    return _per_layer(report, lambda row: layer_value(row, name, provenance))


def _functions(report: Report, name: str, provenance: Provenance) -> Shares:
    return {
        Contributor("function", (row.name,), row.phase): m.value
        for row in report.functions
        if row.phase == "features"
        for m in row.measurements
        if (m.name, m.provenance) == (name, provenance)
    }


def _per_layer(
    report: Report, value: Callable[[LayerRow], float | None]
) -> dict[Contributor, float]:
    found = ((row, value(row)) for row in report.layers)
    return {Contributor("layer", (row.name,)): v for row, v in found if v is not None}


def _parts(report: Report, region: str) -> tuple[Part, ...]:
    return next((fit.parts for fit in report.fits if fit.region == region), ())


#: Kinds of parts of the user's own firmware: ours, and the application's.
_LIBRARIES = ("library", "application")
_KINDS = {"code": "function", "initial values": "object"}
#: Kinds of what is linked into RAM beside the stack.
_OBJECTS = ("initial values", "state", "other", *_LIBRARIES)
