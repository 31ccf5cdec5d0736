"""The kernels that the planner chooses for each layer."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from toolkit.ir import Graph
from toolkit.model.int8 import to_int8
from toolkit.model.load import load_source
from toolkit.ops.kernels import Variants, kernel_call
from toolkit.ops.parts.base import view
from toolkit.plan import Plan, plan_arena
from toolkit.plan.choose import ALLOWANCES, choose_variants, constants_bytes, predicted_cycles
from toolkit.plan.schedule import ScheduleRequest, choose_plan
from toolkit.quantize.recipe import Recipe
from toolkit.targets import Rates, Target, load_target
from toolkit.tflite.read import load_tflite

TARGET = load_target("cortex-m4")


@pytest.fixture(scope="module")
def wav2small() -> Graph:
    source = load_source("wav2small")
    return to_int8(source, Recipe()).graph


def cost(graph: Graph, variants: Variants, target: Target = TARGET) -> tuple[int, int]:
    """Predicted cycles, and flash of all constants."""
    pairs = [(view(graph, n), variants[n.name]) for n in graph.nodes if n.name in variants]
    calls = [(node, kernel_call(node, variant)) for node, variant in pairs]
    return (
        sum(predicted_cycles(node, call, target) for node, call in calls),
        sum(constants_bytes(call) for _, call in calls),
    )


def with_memory(name: str, size_bytes: int) -> Target:
    """The target with another size of one memory."""
    memories = (replace(m, size_bytes=size_bytes) if m.name == name else m for m in TARGET.memories)
    return replace(TARGET, memories=tuple(memories))


def test_speed_costs_flash(wav2small: Graph) -> None:
    costs = [cost(wav2small, choose_variants(wav2small, TARGET, o)) for o in ("size", "speed")]
    assert costs[0][0] > 1.5 * costs[1][0]
    assert costs[0][1] < 0.5 * costs[1][1]


def test_trunk_runs_by_winograd(wav2small: Graph) -> None:
    chosen = choose_variants(wav2small, TARGET, "speed")
    wide = [n.name for n in wav2small.nodes if n.op == "conv_2d" and "/l" in n.name]
    assert [chosen[name] for name in wide if "/l1" not in name and "/lin" not in name] == [
        "winograd2"
    ] * 6


def test_no_more_flash_than_allowed(wav2small: Graph) -> None:
    lean = cost(wav2small, choose_variants(wav2small, TARGET, "size"))[1]
    for flash_bytes in (4096, 65536, 131072):
        small = with_memory("flash", flash_bytes)
        spent = cost(wav2small, choose_variants(wav2small, small, "speed"), small)[1] - lean
        assert spent <= ALLOWANCES["speed"].flash * flash_bytes


def test_no_more_scratch_than_allowed(wav2small: Graph) -> None:
    small = with_memory("ram", 8192)
    for node in wav2small.nodes:
        variant = choose_variants(wav2small, small, "speed").get(node.name)
        if variant not in (None, "portable"):
            assert kernel_call(view(wav2small, node), variant).scratch_bytes <= 2048


def test_portable_where_the_core_has_no_dsp_instructions(wav2small: Graph) -> None:
    core = replace(TARGET.core, extensions=frozenset())
    assert choose_variants(wav2small, replace(TARGET, core=core), "speed") == {}


def test_rates_decide(wav2small: Graph) -> None:
    """A core on which Winograd does not pay."""
    slow = Rates(multiply=100.0, accumulator=100.0, element=100.0)
    rates = {**TARGET.rates, "tk_conv_2d_s8_winograd2/winograd2": slow}
    target = replace(TARGET, core=replace(TARGET.core, rates=rates))
    assert "winograd2" not in choose_variants(wav2small, target, "speed").values()


def test_small_parts_keep_the_fast_kernels_of_small_scratch(wav2small: Graph) -> None:
    chosen = choose_variants(wav2small, with_memory("ram", 16384), "size")
    assert {chosen[n.name] for n in wav2small.nodes if n.op == "conv_2d"} <= {"dsp8", "dsp_short"}


def test_scratch_that_fits_into_the_plan_costs_nothing(models_dir: Path) -> None:
    """ResNet-8 for size: two thirds of the cycles in the same arena."""
    graph = load_tflite(models_dir / "mlperf_tiny_resnet8_int8.tflite")
    bare = plan_arena(graph, choose_variants(graph, TARGET, "size"))
    plan, _ = choose_plan(graph, ScheduleRequest("batch", optimize="size"), TARGET)
    assert plan.arena_bytes == bare.arena_bytes
    assert cycles_of(plan) < 0.7 * cycles_of(bare)


def cycles_of(plan: Plan) -> int:
    return sum(
        predicted_cycles(view(plan.graph, node), plan.calls[node.name], TARGET)
        for node in plan.graph.nodes
        if node.name in plan.calls
    )
