"""Chooses the kernel of every node: the fastest by predicted cycles that flash and RAM allow."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from toolkit.ir import Graph
from toolkit.ir.tensor import Array
from toolkit.ops import OPERATORS
from toolkit.ops.kernels import PORTABLE_ONLY, Variants, fast_calls, kernel_call, on_whole, row_call
from toolkit.ops.parts.base import KernelCall, NodeView, TimeBehaviour, Work, view
from toolkit.ops.parts.rows import TIME_AXIS, row_view
from toolkit.targets import Target

#: No node is streamed.
BATCH: Mapping[str, TimeBehaviour] = {}


#: Nothing is known of what a plan has free.
NO_ROOM: Mapping[str, int] = {}


@dataclass(frozen=True)
class Allowance:
    """How far kernels may trade memory for speed, as parts of the target's flash and RAM.

    ``flash`` bounds what all constants take beyond the leanest kernels', ``scratch`` the working
    memory of any one kernel, `SMALL_SCRATCH_BYTES` at least.  Where a plan takes more than
    ``state``, and the leanest kernels less, those are taken instead.
    """

    flash: float
    scratch: float
    state: float


#: Always allowed: a part with little RAM gains most from the kernels that need a few hundred bytes.
SMALL_SCRATCH_BYTES = 1_024

ALLOWANCES: Mapping[str, Allowance] = {
    "size": Allowance(flash=0, scratch=1 / 128, state=0),
    "balanced": Allowance(flash=1 / 8, scratch=1 / 16, state=1 / 4),
    "speed": Allowance(flash=1 / 2, scratch=1 / 4, state=1),
}


def executed_work(
    node: NodeView[Any], call: KernelCall, behaviour: TimeBehaviour | None = None
) -> Work:
    """What a kernel executes for a node: multiplications, sums finished, values handled.

    Streamed, by its ``behaviour``, the node runs row by row.
    """
    operator = OPERATORS[node.node.op]
    if behaviour not in (TimeBehaviour.ROW_LOCAL, TimeBehaviour.WINDOWED):
        return call.work or operator.work(node)
    row = row_view(node, behaviour)
    row_kernel = row_call(row, behaviour, call.variant)
    work = row_kernel.work or operator.work(row)
    calls = -(-node.output.shape[TIME_AXIS] // row_kernel.rows)
    return Work(calls * work.macs, calls * work.accumulators, calls * work.elementwise)


def predicted_cycles(
    node: NodeView[Any], call: KernelCall, target: Target, behaviour: TimeBehaviour | None = None
) -> int:
    """Cycles of a node with that kernel: executed work times the target's rates for the kernel."""
    work, rates = executed_work(node, call, behaviour), target.rates_of(call.kernel, call.variant)
    return math.ceil(
        work.macs * rates.multiply
        + work.accumulators * rates.accumulator
        + work.elementwise * rates.element
    )


def choose_variants(
    graph: Graph,
    target: Target,
    optimize: str,
    behaviours: Mapping[str, TimeBehaviour] = BATCH,
    room_bytes: Mapping[str, int] = NO_ROOM,
) -> Variants:
    """The kernel of each node; the leanest first, then whatever saves most cycles for a byte of
    flash until the allowance is spent.

    ``optimize`` is a key of `ALLOWANCES`; ``behaviours`` those of the nodes that are streamed.
    ``room_bytes`` is what a plan has free while a node runs: scratch that fits there costs nothing.
    """
    if not target.dsp:
        return PORTABLE_ONLY
    allowance = ALLOWANCES[optimize]
    chosen: dict[str, str] = {}
    upgrades = []
    for node in graph.nodes:
        if OPERATORS[node.op].is_alias:
            continue
        node_view = view(graph, node)
        allowed = max(SMALL_SCRATCH_BYTES, allowance.scratch * target.ram_bytes)
        scratch_bytes = max(allowed, room_bytes.get(node.name, 0))
        options = _options(node_view, target, scratch_bytes, behaviours.get(node.name))
        lean = min(options, key=lambda o: (not o.is_lean, o.cycles))
        chosen[node.name] = lean.call.variant
        upgrades += [
            (lean.cycles - o.cycles, max(0, o.flash_bytes - lean.flash_bytes), node.name, o)
            for o in options
            if o.cycles < lean.cycles
        ]
    left_bytes = allowance.flash * target.flash_bytes
    spent: dict[str, int] = {}
    best: dict[str, int] = {}
    for saved, flash, name, option in sorted(
        upgrades, key=lambda u: (-u[0] / max(u[1], 1), u[2], u[3].call.variant)
    ):
        more = flash - spent.get(name, 0)
        if saved > best.get(name, 0) and more <= left_bytes:
            left_bytes -= more
            spent[name], best[name] = flash, saved
            chosen[name] = option.call.variant
    return chosen


def constants_bytes(call: KernelCall) -> int:
    """Flash of a call's constants."""
    return sum(_array_bytes(value) for value in call.params.values())


@dataclass(frozen=True)
class _Option:
    call: KernelCall
    cycles: int
    flash_bytes: int
    is_lean: bool


def _options(
    node: NodeView[Any], target: Target, scratch_bytes: float, behaviour: TimeBehaviour | None
) -> list[_Option]:
    if behaviour is None:
        node = on_whole(node)
    portable = kernel_call(node)
    calls = [portable, *(c for c in fast_calls(node) if c.scratch_bytes <= scratch_bytes)]
    base = constants_bytes(portable)
    return [
        # Leaves room for records of requantisation, not for wider weights.
        _Option(
            call,
            predicted_cycles(node, call, target, behaviour),
            constants_bytes(call),
            constants_bytes(call) <= base + base // 4 + 24 * node.output.shape[-1],
        )
        for call in calls
    ]


def _array_bytes(value: int | Array) -> int:
    return 0 if isinstance(value, int) else int(getattr(value, "nbytes", 0))
