"""Tables of results in Markdown."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from benchmarks.models import Result
from toolkit.measurement import Measurement, Provenance
from toolkit.report.model import LayerRow

FIRMWARE_HEAD = (
    *("model", "compiler", "MACs", "instructions", "cycles", "cycles/MAC", "features, cycles"),
    *("RAM B", "arena or state B", "stack B", "flash B", "code + weights B"),
    "wrong bytes / compared",
)
LAYER_HEAD = (
    *("layer", "operator", "kernel", "MACs", "predicted", "simulated", "error"),
    *("cycles/MAC", "ideal"),
)
PREDICTION_HEAD = ("model", "predicted cycles", "simulated cycles", "error", "worst layer")


def markdown(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table with a line break at its end."""
    lines = [head, ["---"] * len(head), *rows]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def firmware_row(result: Result) -> list[str]:
    """What a firmware costs; the row of `FIRMWARE_HEAD`."""
    flash, weights = value(result, "flash_bytes"), value(result, "weights_bytes")
    macs, cycles = value(result, "macs_per_inference"), value(result, "cycles_per_inference")
    return [
        result.benchmark.title,
        result.report.toolchain,
        f"{macs:,}",
        f"{value(result, 'instructions_per_inference'):,}",
        f"{cycles:,}",
        f"{cycles / macs:.2f}",
        f"{value(result, 'cycles_features'):,}",
        f"{value(result, 'ram_static_bytes'):,}",
        f"{value(result, 'arena_bytes') or value(result, 'state_bytes'):,}",
        f"{value(result, 'stack_bound_bytes'):,}",
        f"{flash:,}",
        f"{flash - weights:,} + {weights:,}",
        wrong_bytes(result),
    ]


def wrong_bytes(result: Result) -> str:
    """Output bytes that differ from the integer reference, and how many were compared."""
    wrong = value(result, "output_mismatches")
    return f"{wrong} / {value(result, 'output_bytes_compared')}"


def layer_rows(result: Result) -> list[list[str]]:
    """The rows of `LAYER_HEAD`: every node that runs."""
    rows = []
    for layer in result.report.layers:
        if not layer.kernel:
            continue
        predicted, ideal, simulated = layer_cycles(layer)
        rows.append(
            [
                layer.name.strip("/"),
                layer.op,
                layer.variant,
                f"{layer.macs:,}",
                f"{predicted:,}",
                f"{simulated:,}",
                f"{predicted / simulated - 1:+.0%}",
                f"{simulated / layer.macs:.2f}" if layer.macs else "",
                f"{ideal:,}",
            ]
        )
    return rows


def prediction_row(result: Result) -> list[str]:
    """How far the predicted cycles of a model are from the simulated ones; `PREDICTION_HEAD`."""
    cycles = [(layer.name, *layer_cycles(layer)) for layer in result.report.layers if layer.kernel]
    predicted, simulated = sum(c[1] for c in cycles), sum(c[3] for c in cycles)
    name, guess, _, found = max(cycles, key=lambda c: abs(c[1] - c[3]))
    return [
        result.benchmark.title,
        f"{predicted:,}",
        f"{simulated:,}",
        f"{predicted / simulated - 1:+.1%}",
        f"{name.strip('/')}: {(guess - found) / simulated:+.1%} of the total",
    ]


def layer_cycles(layer: LayerRow) -> tuple[int, int, int]:
    """Predicted, ideal and simulated cycles."""
    return (
        _value(layer.measurements, "cycles", Provenance.ESTIMATED),
        _value(layer.measurements, "cycles_ideal", Provenance.ESTIMATED),
        _value(layer.measurements, "cycles", Provenance.SIMULATED),
    )


def layer_instructions(layer: LayerRow) -> int:
    """Simulated instructions."""
    return _value(layer.measurements, "instructions", Provenance.SIMULATED)


def value(result: Result, name: str) -> int:
    """The measurement of that name, 0 where the report has none."""
    found = result.report.find(name)
    return 0 if found is None else int(found.value)


def _value(measurements: Iterable[Measurement], name: str, provenance: Provenance) -> int:
    return next(int(m.value) for m in measurements if (m.name, m.provenance) == (name, provenance))
