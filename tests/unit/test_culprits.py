"""Verdicts name the layer that changed, whatever names have in common."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import pytest

from tests.support.graphs import conv_graph
from tests.support.host_run import project_of
from toolkit.budget.baseline import baseline_text, read_base
from toolkit.budget.explain import explain
from toolkit.budget.facts import facts_of
from toolkit.measurement import (
    Check,
    Measurement,
    MemoryMap,
    MemoryRow,
    Provenance,
    Symbol,
    Symbols,
)
from toolkit.report import LayerRow, Report
from toolkit.report.model import Fit, Part, StackFrame

LONG = "encoder/block_with_a_name_that_is_longer_than_c_keeps_of_it/x"
#: Two layers each: names that agree in 60 characters, that begin with each other, that C spells
#: alike.
NAMES = [
    (f"{LONG}1", f"{LONG}2"),
    ("conv", "conv_weights"),
    ("conv", "conv/step"),
    ("a/b", "a_b"),
    ("fused;first", "fused;second"),
]
#: Peaks and chains are no sums.
STARTS = {
    "ram_static_bytes": "peak in step 'step': ",
    "stack_bound_bytes": "deepest chain of calls: ",
}
MEASURED, SIMULATED = Provenance.MEASURED, Provenance.SIMULATED
FIGURES = {
    "flash_bytes": MEASURED,
    "ram_static_bytes": MEASURED,
    "stack_bound_bytes": MEASURED,
    "cycles_per_inference": SIMULATED,
    "latency_ms": SIMULATED,
    "instructions_per_inference": SIMULATED,
    "macs_per_inference": Provenance.ESTIMATED,
    "weights_bytes": Provenance.ESTIMATED,
}


def culprits(found: Measurement, now: Report, then: Report | None) -> str:
    """As a gate asks: without the map of either, symbols stand for themselves."""
    if then is None:
        return explain(found, facts_of(now, {}), None)
    base = facts_of(then, {})
    facts = facts_of(now, {}, base.mapped)
    text = explain(found, facts, base)
    small = read_base(baseline_text("b", base, [found], {}), "b.json").facts
    assert explain(found, facts, small) == text, "a small baseline explains as much"
    return text


def symbols_of(names: tuple[str, str]) -> Symbols:
    """The symbols that are generated for two convolutions of these names."""
    graph = conv_graph(layers=2)
    nodes = (replace(node, name=n) for node, n in zip(graph.nodes, names, strict=True))
    graph = replace(graph, nodes=tuple(nodes))
    return project_of(graph).symbols


def measured(name: str, value: float, provenance: Provenance = MEASURED) -> Measurement:
    return Measurement(name, value, "B", provenance, "test")


def report(symbols: Symbols, sizes: Mapping[str, int]) -> Report:
    """Layers of these sizes in every respect: constants and functions as linked, a frame, a block
    of memory, cycles and the like."""

    def size(symbol: Symbol) -> int:
        return sum(sizes[layer] for layer in symbol.layers)

    flash = [Part(n, "model constants", size(s)) for n, s in symbols.items() if s.layers]
    frames = [StackFrame(n, size(s)) for n, s in symbols.items() if s.role == "step"]
    ram = [Part("instance", "state", sum(sizes.values())), Part("stack", "bound", 100)]
    blocks = [MemoryRow(name, "tensor", 0, n, 0, 0) for name, n in sizes.items()]
    total = sum(sizes.values())
    return Report(
        *("m", "0" * 64, "cortex-m4", "zig", "unicorn", "batch"),
        measurements=(measured("int8_snr_db", 20.0),),
        layers=tuple(layer(name, n, n / total) for name, n in sizes.items()),
        memory=MemoryMap("arena", total, ("step",), tuple(blocks)),
        fits=(
            Fit("flash", 1000, 2000, MEASURED, "map", tuple(flash)),
            Fit("ram", 1000, 2000, MEASURED, "map", tuple(ram)),
        ),
        stack=(StackFrame("main", 8), *frames),
        symbols=symbols,
    )


def layer(name: str, size: int, share: float) -> LayerRow:
    rows = (
        measured("cycles", size, SIMULATED),
        measured("instructions", size, SIMULATED),
        measured("output_error_share", share),
    )
    return LayerRow(name, "conv_2d", "k", "portable", (1,), size, size, size, size, rows)


@pytest.mark.parametrize("changed", [0, 1])
@pytest.mark.parametrize("names", NAMES)
@pytest.mark.parametrize("figure", FIGURES)
def test_the_layer_that_changed_is_blamed(
    figure: str, names: tuple[str, str], changed: int
) -> None:
    symbols, before = symbols_of(names), dict.fromkeys(names, 10)
    after = {**before, names[changed]: 13}
    found = measured(figure, 0, FIGURES[figure])
    text = culprits(found, report(symbols, after), report(symbols, before))
    assert text.startswith(STARTS.get(figure, "changed most: "))
    assert f"'{names[changed]}' +" in text
    assert f"'{names[1 - changed]}'" not in text


@pytest.mark.parametrize("changed", [0, 1])
@pytest.mark.parametrize("names", NAMES)
@pytest.mark.parametrize("figure", ["int8_snr_db", "accuracy", "ccc_arousal", "c_max_deviation"])
def test_the_layer_that_lost_accuracy_is_blamed(
    figure: str, names: tuple[str, str], changed: int
) -> None:
    symbols, before = symbols_of(names), dict.fromkeys(names, 10)
    worse = report(symbols, {**before, names[changed]: 90})
    worse = replace(worse, measurements=(measured("int8_snr_db", 10.0),))
    text = culprits(measured(figure, 0), worse, report(symbols, before))
    assert text.startswith(f"most of the added error enters in layer '{names[changed]}' ")


@pytest.mark.parametrize("names", NAMES)
def test_without_a_baseline_the_largest_comes_first(names: tuple[str, str]) -> None:
    symbols, sizes = symbols_of(names), {names[0]: 10, names[1]: 20}
    for figure, provenance in FIGURES.items():
        text = culprits(measured(figure, 0, provenance), report(symbols, sizes), None)
        first = text.partition("largest: ")[2].partition(", ")[0]
        assert f"'{names[1]}'" in first


def shared(sizes: tuple[int, int, int]) -> Report:
    """Constants of layer a, of layer b, and of both."""
    symbols = {
        "model_a": Symbol("weights", ("a",)),
        "model_b": Symbol("weights", ("b",)),
        "model_ab": Symbol("bias", ("a", "b")),
    }
    parts = (Part(n, "model constants", s) for n, s in zip(symbols, sizes, strict=True))
    empty = report({}, {"a": 1})
    fit = Fit("flash", 1000, 2000, MEASURED, "map", tuple(parts))
    return replace(empty, fits=(fit,), symbols=symbols)


def test_what_layers_share_is_theirs_together() -> None:
    text = culprits(measured("flash_bytes", 0), shared((5, 5, 9)), shared((5, 5, 7)))
    assert text == "changed most: layers 'a', 'b' +2 B (7 B → 9 B)"


@pytest.mark.parametrize("changed", ["b", "c"])
def test_code_that_is_shared_no_more_is_no_growth(changed: str) -> None:
    """One of two layers outgrows their common function: each has its own now."""
    symbols = {
        "model_bc": Symbol("shared", ("b", "c")),
        "model_b": Symbol("step", ("b",)),
        "model_c": Symbol("step", ("c",)),
    }

    def linked(weights: dict[str, int], **code: int) -> Report:
        parts = tuple(Part(f"model_{name}", "code", size) for name, size in code.items())
        fit = Fit("flash", 9000, 9000, MEASURED, "map", parts)
        rows = tuple(layer(name, size, 0) for name, size in weights.items())
        return replace(report({}, {"b": 1}), fits=(fit,), layers=rows, symbols=symbols)

    before = linked({"b": 10, "c": 10}, bc=3256)
    after = linked({"b": 10, "c": 10} | {changed: 25}, b=3000, c=3340)
    text = culprits(measured("flash_bytes", 0), after, before)
    assert text == f"changed most: layer '{changed}' +3,084 B (3,256 B → 6,340 B)"


def test_without_the_map_of_either_symbols_stand_for_themselves() -> None:
    """Baselines that an earlier version wrote have none."""
    old = replace(shared((5, 5, 7)), symbols={})
    text = culprits(measured("flash_bytes", 0), shared((5, 6, 7)), old)
    assert text == "changed most: table 'model_b' +1 B (5 B → 6 B)"


def test_the_place_of_a_deviation_is_the_checks() -> None:
    """And nothing is read out of its sentence."""
    check = Check("features_match", False, "largest at the end", where="largest at frame 3\x1b")
    given = replace(shared((1, 1, 1)), checks=(check,))
    found = measured("feature_max_error_steps", 3)
    assert culprits(found, given, None) == "features.c: largest at frame 3?"
    assert culprits(found, replace(given, checks=(replace(check, where=""),)), None) == ""


def test_memory_of_the_model_is_listed_by_block_alone() -> None:
    """The object that holds it, the stack and the allowance are not beside it."""
    given = report({"instance": Symbol("state")}, {"t": 10})
    ram = [Part("instance", "state", 10), Part("features", "state", 7)]
    ram += [Part("stack", "bound", 100), Part("interrupts", "bound", 64)]
    given = replace(given, fits=(Fit("ram", 200, 300, MEASURED, "map", tuple(ram)),))
    text = culprits(measured("ram_static_bytes", 17), given, None)
    assert text == "peak in step 'step', largest: tensor 't' 10 B, object 'features' 7 B"
