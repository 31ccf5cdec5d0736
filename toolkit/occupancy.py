"""Who occupies which bytes of a planned model's RAM, step by step."""

from __future__ import annotations

from collections.abc import Iterable

from toolkit.ir import Graph
from toolkit.measurement import Provenance
from toolkit.plan import ArenaPlan, Plan, StreamPlan, stream_of
from toolkit.report.model import Fit, MemoryMap, MemoryRow, Part
from toolkit.targets import Target


def memory_map(graph: Graph, plan: Plan) -> MemoryMap:
    """Every block of a plan's RAM, by offset, and the steps in which it is needed."""
    stream = stream_of(plan)
    if stream is not None:
        return _state_map(stream)
    assert isinstance(plan, ArenaPlan)
    rows = [
        MemoryRow(
            placed.buffer.node or placed.buffer.tensors[0],
            "scratch" if placed.buffer.node else "tensor",
            placed.offset_bytes,
            placed.buffer.size_bytes,
            placed.buffer.first_step,
            placed.buffer.last_step,
        )
        for placed in plan.buffers
    ]
    steps = tuple(node.name for node in graph.nodes)
    return MemoryMap("arena", plan.arena_bytes, steps, _sorted(rows))


def planned_fit(plan: Plan, feature_bytes: int, target: Target) -> Fit:
    """RAM of a plan that is not compiled yet: arena or state, and what features keep."""
    planned = plan.arena_bytes if isinstance(plan, ArenaPlan) else plan.state_bytes
    parts = [
        Part("arena" if isinstance(plan, ArenaPlan) else "state", "plan", planned),
        *([Part("features", "plan", feature_bytes)] if feature_bytes else []),
    ]
    return Fit(
        "ram",
        planned + feature_bytes,
        target.ram_bytes,
        Provenance.ESTIMATED,
        "memory plan, without stack",
        tuple(parts),
    )


def _state_map(plan: StreamPlan) -> MemoryMap:
    """The state: step 0 takes a frame, the stages follow, then the end of a clip."""
    steps = [
        "a frame arrives",
        *(stage.node.name for stage in plan.stages),
        *(f"{stage.node.name}, at the end" for stage in plan.reductions),
        *(node.name for node in plan.finish_graph.nodes),
    ]
    last = len(steps) - 1
    rows = [
        MemoryRow(b.name, b.purpose, b.offset_bytes, b.size_bytes, b.first_step, b.last_step)
        for b in plan.buffers
    ]
    counters = plan.state_bytes - plan.buffer_bytes
    rows.append(MemoryRow("row counters", "counters", plan.buffer_bytes, counters, 0, last))
    return MemoryMap("state", plan.state_bytes, tuple(steps), _sorted(rows))


def _sorted(rows: Iterable[MemoryRow]) -> tuple[MemoryRow, ...]:
    return tuple(sorted(rows, key=lambda row: (row.offset_bytes, row.first_step, row.name)))
