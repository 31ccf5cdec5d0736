"""The map from C symbols to layers and roles that comes with the generated C."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import replace

import numpy as np
import pytest

from tests.support.graphs import conv_graph
from tests.support.host_run import project_of, project_of_plan
from tests.support.random_streams import random_stream
from tests.support.variants import dsp_variants
from toolkit.emit import emit_model
from toolkit.features.front_end import FrontEnd
from toolkit.features.spec import WAV2SMALL_RUNNING
from toolkit.ir import Graph
from toolkit.measurement import Symbol, find_symbol, members
from toolkit.plan import Plan, plan_arena, plan_continuous, plan_stream

#: The name behind a definition at file scope.
_DEFINED = re.compile(
    r"^(?!typedef|#| |/|enum)(?:[\w()]+ )+\**(\w+)(?:\(.*\) \{$|(?:\[\w+\])? = \{)"
)
#: Longer than what C keeps of a name.
PREFIX = "encoder/block_with_a_name_that_is_longer_than_c_keeps_of_it/x"


def defined(files: dict[str, str]) -> list[str]:
    lines = (line for name in ("model.c", "model_weights.c") for line in files[name].splitlines())
    return [match[1] for match in map(_DEFINED.match, lines) if match]


def renamed(graph: Graph, prefix: str = PREFIX) -> Graph:
    """The graph with that before the names of all nodes."""
    nodes = tuple(replace(node, name=prefix + node.name) for node in graph.nodes)
    return replace(graph, nodes=nodes)


def plans(schedule: str, seed: int) -> tuple[Graph, Plan]:
    rng = np.random.default_rng(seed)
    graph = random_stream(lambda low, high: int(rng.integers(low, high, endpoint=True)))
    variants = dsp_variants(graph, seed)
    if schedule == "batch":
        return graph, plan_arena(graph, variants)
    stream = plan_stream(graph, variants=variants)
    return graph, stream if schedule == "stream" else plan_continuous(stream, 4, 8)


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("schedule", ["batch", "stream", "continuous"])
def test_every_symbol_of_the_c_is_in_the_map(schedule: str, seed: int) -> None:
    graph, plan = plans(schedule, seed)
    text = emit_model(plan, "0" * 64, "cortex-m4")
    found = defined(dict(text.files))
    assert len(found) == len(set(found))
    inside = members(text.symbols, "model_weights")
    assert set(found) == text.symbols.keys() - inside.keys()
    context = text.files["model_weights.h"]
    assert inside and all(f"}} {name.partition('.')[2]};" in context for name in inside)
    names = {node.name for node in graph.nodes}
    assert all(names.issuperset(symbol.layers) for symbol in text.symbols.values())
    functions = [s for s in text.symbols.values() if s.role in ("stage", "step")]
    assert functions and all(len(symbol.layers) == 1 for symbol in functions)


def test_layers_keep_their_full_names() -> None:
    graph = renamed(conv_graph(layers=2))
    first, second = (node.name for node in graph.nodes)
    symbols = emit_model(plan_arena(graph), "0" * 64, "cortex-m4").symbols
    owners = Counter(layer for symbol in symbols.values() for layer in symbol.layers)
    assert owners == {first: 6, second: 6}  # function, params, weights, bias, multipliers, shifts
    stem = "encoder_block_with_a_name_that_is_longer"
    assert symbols[f"model_weights.{stem}_weights"].layers == (first,)
    assert symbols[f"model_weights.{stem}_2_weights"].layers == (second,)
    assert symbols[f"model_{stem}_2_step"] == Symbol("step", (second,))
    assert symbols["model_invoke"] == Symbol("driver")


def test_what_layers_share_belongs_to_all_of_them() -> None:
    graph = conv_graph(layers=3)
    weights = [name for name in graph.tensors if name.endswith("weights")]
    same = replace(graph.tensors[weights[2]], data=graph.tensors[weights[0]].values)
    graph = replace(graph, tensors={**graph.tensors, weights[2]: same})
    plain = emit_model(plan_arena(graph), "0" * 64, "cortex-m4").symbols
    assert plain["model_weights.conv_0_weights"].layers == ("conv_0", "conv_2")
    assert plain["model_weights.conv_1_weights"].layers == ("conv_1",)
    plan = plan_arena(graph, dsp_variants(graph))
    shared = emit_model(plan, "0" * 64, "cortex-m4").symbols["model_shared_1"]
    assert shared == Symbol("shared", ("conv_1", "conv_2"))


def test_the_project_names_the_planned_objects() -> None:
    graph = conv_graph()
    bare = project_of(graph).symbols
    front_end = FrontEnd(replace(WAV2SMALL_RUNNING, n_mels=24), 0.5, 0)
    heard = project_of_plan(plan_arena(graph), front_end).symbols
    assert bare["instance"] == Symbol("state") and "features" not in bare
    assert heard["features"] == Symbol("feature state")


def test_what_compilers_add_to_a_name_is_left_out() -> None:
    symbols = {"model_a_step": Symbol("step", ("a",))}
    assert find_symbol(symbols, "model_a_step.constprop.0") == symbols["model_a_step"]
    assert find_symbol(symbols, "model_a_step_2") is None
