"""The planner on random lifetimes and random graphs, against exhaustive search and the checker."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise, permutations

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from tests.support.random_graphs import random_graph
from toolkit.errors import ToolkitError
from toolkit.plan import Buffer, check_plan, plan_arena
from toolkit.plan.arena import place


@st.composite
def lifetimes(draw: st.DrawFn, most: int) -> list[Buffer]:
    """Buffers of random size over random steps."""
    count = draw(st.integers(1, most))
    buffers = []
    for number in range(count):
        first = draw(st.integers(0, 9))
        last = min(9, first + draw(st.integers(0, 4)))
        buffers.append(Buffer(draw(st.integers(1, 300)), first, last, (str(number),)))
    return buffers


def bound(buffers: list[Buffer]) -> int:
    """Most bytes needed in one step."""
    return max(
        sum(b.size_bytes for b in buffers if b.first_step <= step <= b.last_step)
        for step in range(10)
    )


def top(buffers: list[Buffer], offsets: list[int]) -> int:
    return max(o + b.size_bytes for b, o in zip(buffers, offsets, strict=True))


def optimum(buffers: list[Buffer]) -> int:
    """Smallest arena without alignment: some order of first fit finds it, so all are tried."""
    best = sum(b.size_bytes for b in buffers)
    for order in permutations(buffers):
        placed: list[tuple[Buffer, int]] = []
        for buffer in order:
            offset = 0
            for begin, end in sorted(
                (o, o + p.size_bytes)
                for p, o in placed
                if not (p.last_step < buffer.first_step or buffer.last_step < p.first_step)
            ):
                if offset + buffer.size_bytes <= begin:
                    break
                offset = max(offset, end)
            placed.append((buffer, offset))
        best = min(best, max(o + b.size_bytes for b, o in placed))
    return best


@given(lifetimes(30), st.sampled_from([1, 4, 16]))
@settings(max_examples=300, deadline=None)
def test_no_two_live_buffers_overlap(buffers: list[Buffer], alignment: int) -> None:
    offsets = place(buffers, alignment)
    assert all(offset >= 0 and offset % alignment == 0 for offset in offsets)
    for step in range(10):
        live = sorted(
            (o, o + b.size_bytes)
            for b, o in zip(buffers, offsets, strict=True)
            if b.first_step <= step <= b.last_step
        )
        assert all(end <= begin for (_, end), (begin, _) in pairwise(live))
    assert top(buffers, offsets) >= bound(buffers)


@given(lifetimes(6))
@settings(max_examples=100, deadline=None)
def test_small_problems_are_solved_exactly_or_nearly(buffers: list[Buffer]) -> None:
    best = optimum(buffers)
    assert best <= top(buffers, place(buffers, 1)) <= 1.1 * best


@given(st.data())
@settings(max_examples=100, deadline=None)
def test_plans_of_random_graphs_pass_the_checker(data: st.DataObject) -> None:
    graph = random_graph(lambda low, high: data.draw(st.integers(low, high)))
    plan = check_plan(graph, plan_arena(graph))
    assert plan.arena_bytes >= plan.lower_bound_bytes


def needed_at_once(a: Buffer, b: Buffer) -> bool:
    return a.first_step <= b.last_step and b.first_step <= a.last_step


@given(st.data())
@settings(max_examples=100, deadline=None)
def test_the_checker_refuses_any_two_live_buffers_in_one_place(data: st.DataObject) -> None:
    graph = random_graph(lambda low, high: data.draw(st.integers(low, high)))
    plan = plan_arena(graph)
    pairs = [
        (i, j)
        for i, a in enumerate(plan.buffers)
        for j, b in enumerate(plan.buffers)
        if i < j and needed_at_once(a.buffer, b.buffer)
    ]
    assume(pairs)
    i, j = data.draw(st.sampled_from(pairs))
    placed = list(plan.buffers)
    placed[i] = replace(placed[i], offset_bytes=placed[j].offset_bytes)
    broken = replace(plan, buffers=tuple(placed), arena_bytes=2 * plan.arena_bytes)
    with pytest.raises(ToolkitError, match="overwritten"):
        check_plan(graph, broken)


def test_quality_over_many_random_problems(capsys: pytest.CaptureFixture[str]) -> None:
    """Chains with skip connections, the shape of real networks: within 1 % of the lower bound."""
    import random

    rng, arena, lower = random.Random(1), 0, 0
    for _ in range(200):
        steps = rng.randint(5, 10)
        buffers = []
        for step in range(steps):
            last = step + (rng.randint(2, 3) if rng.random() < 0.25 else 1)
            buffers.append(Buffer(rng.randint(1, 40) * 100, step, min(last, 9), (str(step),)))
        arena += top(buffers, place(buffers, 1))
        lower += bound(buffers)
    with capsys.disabled():
        print(f"\narena / lower bound over 200 random networks: {arena / lower:.4f}")
    assert arena <= 1.01 * lower
