"""Which layers' code is copied to RAM: what waits longest for instructions, for its bytes."""

from __future__ import annotations

from collections import defaultdict

from toolkit.ops.parts.base import view
from toolkit.plan import Plan
from toolkit.plan.choose import predicted_cycles
from toolkit.profiling.code_table import code_of, function_key
from toolkit.profiling.flash import LayerCode, firmware_code
from toolkit.targets import Target

#: Layers are copied until so much of all waiting for instructions is gone.
ENOUGH = 0.95


def hot_layers(plan: Plan, target: Target) -> frozenset[str]:
    """The nodes whose code lies in the target's memory for hot code; none where that is not wanted.

    By estimate: what waits most cycles a byte comes first, until `ENOUGH` of the waiting is gone or
    the memory is full.
    """
    if target.hot_memory is None:
        return frozenset()
    code, in_flash = firmware_code(plan), target.with_code_in_flash
    nodes = {node.name: view(plan.graph, node) for node in plan.graph.nodes}
    units: dict[str | int, list[LayerCode]] = defaultdict(list)
    for layer in code.layers:
        units[layer.node if layer.group is None else layer.group].append(layer)
    waits, sizes = dict[str | int, int](), dict[str | int, int]()
    for unit, layers in units.items():
        cycles = (
            [
                predicted_cycles(nodes[row.node], row.call, part, plan.behaviours.get(row.node))
                for part in (in_flash, target)
            ]
            for row in layers
        )
        waits[unit] = sum(slow - fast for slow, fast in cycles)
        costs = [code_of(target.core, row.key) for row in layers]
        sizes[unit] = costs[0].body * layers[0].call.inlined + sum(cost.layer for cost in costs)
    linked = {function for row in code.layers for function in row.call.code.functions}
    left_bytes = target.hot_memory.size_bytes
    left_bytes -= sum(code_of(target.core, function_key(function)).once for function in linked)
    left_cycles = ENOUGH * sum(waits.values())
    hot: list[LayerCode] = []
    for unit in sorted(units, key=lambda u: (-waits[u] / max(sizes[u], 1), str(u))):
        if left_cycles <= 0:
            break
        if sizes[unit] <= left_bytes:
            left_bytes -= sizes[unit]
            left_cycles -= waits[unit]
            hot += units[unit]
    return frozenset(layer.node for layer in hot)
