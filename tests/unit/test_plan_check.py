"""The checker finds every kind of broken plan."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.support.graphs import conv_graph
from tests.support.random_graphs import branch_graph, reshape_graph
from toolkit.errors import ToolkitError
from toolkit.plan import ArenaPlan, check_plan, plan_arena


def moved(plan: ArenaPlan, tensor: str, offset_bytes: int) -> ArenaPlan:
    """The plan with the buffer of one tensor elsewhere."""
    return replace(
        plan,
        buffers=tuple(
            replace(p, offset_bytes=offset_bytes) if tensor in p.buffer.tensors else p
            for p in plan.buffers
        ),
    )


def test_a_value_overwritten_while_waiting() -> None:
    graph = branch_graph()
    plan = replace(plan_arena(graph), arena_bytes=256)
    for name, offset in {"x": 0, "a": 64, "b": 128, "c": 192}.items():
        plan = moved(plan, name, offset)
    check_plan(graph, plan)
    with pytest.raises(ToolkitError, match=r"'a' is overwritten before the caller"):
        check_plan(graph, moved(plan, "c", 64))


def test_an_output_over_its_own_input() -> None:
    graph = conv_graph(layers=1)
    plan = plan_arena(graph)
    with pytest.raises(ToolkitError, match=r"'x' is overwritten before step 'conv_0'"):
        check_plan(graph, moved(plan, "conv_0", plan.tensor_offsets["x"]))


def test_a_partial_overlap() -> None:
    graph = conv_graph(layers=1)  # x and conv_0 have 216 bytes each
    plan = moved(plan_arena(graph), "x", 0)
    check_plan(graph, moved(plan, "conv_0", 224))
    with pytest.raises(ToolkitError, match="overwritten"):
        check_plan(graph, moved(plan, "conv_0", 208))


def test_out_of_bounds() -> None:
    graph = conv_graph(layers=1)
    plan = plan_arena(graph)
    with pytest.raises(ToolkitError, match=r"'conv_0' must lie in 0..448; got 240..456"):
        check_plan(graph, moved(moved(plan, "x", 0), "conv_0", 240))
    with pytest.raises(ToolkitError, match="must lie in"):
        check_plan(graph, moved(plan, "x", -16))


def test_misaligned() -> None:
    graph = conv_graph(layers=1)
    with pytest.raises(ToolkitError, match="multiple of 16; got 8"):
        check_plan(graph, moved(plan_arena(graph), "conv_0", 8))


def test_a_tensor_without_a_place() -> None:
    graph = conv_graph(layers=2)
    plan = plan_arena(graph)
    with pytest.raises(ToolkitError, match="'conv_1' has no place"):
        check_plan(graph, replace(plan, buffers=plan.buffers[:-1]))


def test_an_alias_elsewhere() -> None:
    graph = reshape_graph()
    plan = plan_arena(graph)
    (whole,) = [p for p in plan.buffers if "y" in p.buffer.tensors]
    rest = tuple(p for p in plan.buffers if p is not whole)
    y = replace(whole, buffer=replace(whole.buffer, tensors=("y",)))
    r = replace(whole, buffer=replace(whole.buffer, tensors=("r", "s")), offset_bytes=64)
    with pytest.raises(ToolkitError, match="must leave its input where it is"):
        check_plan(graph, replace(plan, buffers=(*rest, y, r), arena_bytes=256))
