"""The benchmarks' own arithmetic: fitted rates, baselines, and the document they write."""

from __future__ import annotations

import copy
import pickle
import tomllib
from typing import Any

import numpy as np
import pytest

from benchmarks.baseline import HOLDS, REFUSED, ROSE, compare, verdict
from benchmarks.calibration.layer_graphs import batch_graphs, stream_graphs
from benchmarks.calibration.rates import Sample, fit, fit_all, jobs, predicted, rates_toml
from benchmarks.documents import END, begin, with_generated
from toolkit.ir import Graph
from toolkit.model.int8 import to_int8
from toolkit.model.load import load_source
from toolkit.ops import OPERATORS
from toolkit.ops.check import check_operators
from toolkit.ops.parts.base import Work, view
from toolkit.ops.parts.window import WindowedAttrs
from toolkit.quantize.recipe import Recipe
from toolkit.targets import Rates, load_target

GRAPHS = (*batch_graphs(), *stream_graphs())
OLD: dict[str, Any] = {
    "model_sha256": "ab",
    "toolchain": "zig 1",
    "instructions": {"total": 100_000, "00 conv": 60_000, "01 pool": 40_000},
}


def samples(rates: Rates, kernel: str = "k/dsp", count: int = 12) -> list[Sample]:
    rng = np.random.default_rng(0)
    found = []
    for number in range(count):
        work = Work(*(int(n) for n in rng.integers(1_000, 100_000, 3)))
        cycles = round(predicted(work, rates))
        waits = (round(part * cycles) for part in (rates.code_wait, rates.data_wait))
        found.append(Sample(kernel, "batch", str(number), work, cycles, *waits))
    return found


def changed(key: str, factor: float) -> dict[str, Any]:
    new = copy.deepcopy(OLD)
    new["instructions"][key] = round(new["instructions"][key] * factor)
    return new


def test_what_is_calibrated_goes_to_other_processes() -> None:
    job, *_ = jobs([load_target("cortex-m4")], ["tk_add_s8/portable"])
    assert any(node.findings for node in job.graph.nodes)
    again = pickle.loads(pickle.dumps(job))
    assert [node.name for node in again.graph.nodes] == [node.name for node in job.graph.nodes]
    assert not any(node.findings for node in again.graph.nodes)


def test_the_fit_finds_the_rates_that_made_the_cycles() -> None:
    for rates in (Rates(1.25, 31.0, 4.75), Rates(1.25, 31.0, 4.75, 0.25, 0.125)):
        assert fit(samples(rates)) == rates


def test_no_rate_is_negative() -> None:
    rates = fit(samples(Rates(2.0, -0.5, 3.0)))
    assert rates.accumulator == 0
    assert min(rates.multiply, rates.element) > 0


def test_rates_are_a_file_that_a_target_reads_whatever_the_order_of_samples() -> None:
    some = [*samples(Rates(2, 3, 4), "b/portable"), *samples(Rates(1, 10, 0), "a/dsp")]
    rates = fit_all(some)
    text = rates_toml(rates, "cortex-m4", len(some), "zig 1")
    table = {name: Rates(**row) for name, row in tomllib.loads(text).items()}
    assert table == {
        "a/dsp": Rates(1, 10, 0),
        "b/portable": Rates(2, 3, 4),
        "portable": Rates(2, 3, 4),
    }
    assert list(table) == sorted(table)
    assert rates_toml(fit_all(some[::-1]), "cortex-m4", len(some), "zig 1") == text


@pytest.mark.parametrize("graph", GRAPHS, ids=lambda g: f"{g.name}{g.inputs[0]}")
def test_layers_to_calibrate_with_are_supported(graph: Graph) -> None:
    check_operators(graph)
    for node in graph.nodes:
        for call in OPERATORS[node.op].dsp_calls(view(graph, node)):
            assert call.work is not None, f"{call.kernel} does not state what it executes"


def geometries(graph: Graph) -> set[tuple[object, ...]]:
    return {
        (node.op, view(graph, node).input(0).shape[2:], view(graph, node).output.shape[2:])
        for node in graph.nodes
        if isinstance(node.attrs, WindowedAttrs)
    }


def test_no_layer_to_calibrate_with_is_of_the_zoo() -> None:
    source = load_source("wav2small")
    model = to_int8(source, Recipe()).graph
    assert geometries(model)
    assert not geometries(model) & set().union(*map(geometries, GRAPHS))


@pytest.mark.parametrize("key", OLD["instructions"])
def test_a_rise_of_more_than_a_percent_is_a_line_that_names_it(key: str) -> None:
    (finding,) = compare("Net, batch", OLD, changed(key, 1.02))
    was, now = OLD["instructions"][key], round(OLD["instructions"][key] * 1.02)
    assert finding.text == f"Net, batch: {key}: {was:,} -> {now:,} instructions, +2.0%"
    assert finding.exit_code == ROSE


@pytest.mark.parametrize("factor", [0.5, 1.0, 1.01])
def test_less_a_rise_holds(factor: float) -> None:
    assert verdict(list(compare("Net", OLD, changed("total", factor)))) == HOLDS


@pytest.mark.parametrize("key", ["model_sha256", "toolchain"])
def test_what_cannot_be_compared_is_refused(key: str) -> None:
    (finding,) = compare("Net", OLD, {**changed("total", 2), key: "other"})
    assert finding.exit_code == REFUSED
    assert key in finding.text


def test_other_layers_are_refused_and_the_total_still_compared() -> None:
    new = changed("total", 2)
    new["instructions"]["02 new"] = new["instructions"].pop("01 pool")
    refused, rose = compare("Net", OLD, new)
    assert (refused.exit_code, rose.exit_code) == (REFUSED, ROSE)
    assert "01 pool, 02 new" in refused.text


def test_without_a_baseline_it_is_refused() -> None:
    assert verdict(list(compare("Net", None, OLD))) == REFUSED


def test_only_the_generated_part_of_a_document_is_replaced() -> None:
    start, other = begin("benchmarks.a"), f"{begin('benchmarks.b')}\n\nkept\n\n{END}\n"
    document = f"{other}before\n{start}\nold\n{END}\nafter\n{other}"
    once = with_generated(document, "benchmarks.a", "new\n")
    assert once == f"{other}before\n{start}\n\nnew\n\n{END}\nafter\n{other}"
    assert with_generated(once, "benchmarks.a", "new\n") == once
    with pytest.raises(ValueError, match="once each"):
        with_generated("no markers", "benchmarks.a", "new")
