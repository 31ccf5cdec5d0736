"""Lifetimes and placement on graphs small enough to work out by hand."""

from __future__ import annotations

import numpy as np
import pytest

from tests.support.graphs import activation, conv_graph
from tests.support.random_graphs import branch_graph, reshape_graph
from toolkit.errors import UnsupportedError
from toolkit.ir import GraphBuilder
from toolkit.ops.attention_pool import AttentionPoolAttrs, weight_table
from toolkit.plan import Buffer, check_plan, plan_arena
from toolkit.plan.arena import place
from toolkit.plan.lifetimes import find_buffers


def test_lifetimes_of_a_branch() -> None:
    assert find_buffers(branch_graph()) == (
        Buffer(8, 0, 2, ("x",)),
        Buffer(16, 0, 2, ("a",)),
        Buffer(24, 1, 2, ("b",)),
        Buffer(32, 2, 2, ("c",)),
    )


def test_live_bytes_and_peak() -> None:
    plan = plan_arena(branch_graph())
    assert plan.live_bytes == (24, 48, 80)
    assert (plan.lower_bound_bytes, plan.peak_step) == (80, 2)
    assert plan.arena_bytes == 16 + 16 + 32 + 32  # 8 and 24 rounded up to the alignment


def test_aliases_share_one_buffer() -> None:
    graph = reshape_graph()
    assert find_buffers(graph)[1] == Buffer(24, 0, 3, ("y", "r", "s"))
    offsets = check_plan(graph, plan_arena(graph)).tensor_offsets
    assert offsets["y"] == offsets["r"] == offsets["s"] != offsets["x"]


def test_scratch_lives_in_its_step_only() -> None:
    builder = GraphBuilder("pool")
    lin = builder.add_input(activation("lin", (1, 5, 2, 3), 0.1, 0))
    logits = builder.add_input(activation("logits", (1, 5, 2, 3), 0.1, 0))
    table = builder.constant("table", weight_table(0.1))
    out = activation("y", (1, 1, 2, 3), 0.1, 0)
    inputs = [lin, logits, table]
    builder.outputs.append(
        builder.add_node("attention_pool", inputs, out, AttentionPoolAttrs(), "pool")
    )
    graph = builder.build()
    assert find_buffers(graph)[-1] == Buffer(6 * 16, 0, 0, node="pool")
    plan = check_plan(graph, plan_arena(graph))
    assert set(plan.scratch_offsets) == {"pool"}


def test_a_constant_output_is_refused_by_name() -> None:
    builder = GraphBuilder("constant")
    builder.outputs.append(builder.constant("fixed answer", np.zeros((1, 4), np.int8)))
    with pytest.raises(UnsupportedError, match="'fixed answer' is a constant"):
        plan_arena(builder.build())


def test_an_output_that_is_an_input_keeps_its_place() -> None:
    builder = GraphBuilder("identity")
    builder.outputs.append(builder.add_input(activation("x", (1, 1, 1, 20), 0.1, 0)))
    plan = check_plan(builder.build(), plan_arena(builder.build()))
    assert (plan.arena_bytes, plan.tensor_offsets) == (32, {"x": 0})


def test_a_chain_alternates_between_the_ends() -> None:
    """Plain first fit by size needs 20 here: the 3 lands above the 8, which had to avoid the 9."""
    sizes = [10, 3, 8, 9]
    buffers = [Buffer(size, step, step + 1, (str(step),)) for step, size in enumerate(sizes)]
    offsets = place(buffers, 1)
    assert max(o + s for o, s in zip(offsets, sizes, strict=True)) == 17


def test_same_graph_same_plan() -> None:
    assert plan_arena(conv_graph(layers=4)) == plan_arena(conv_graph(layers=4))
