"""What int16 activations cost: memory by the planners, cycles by the target's rates."""

from __future__ import annotations

from dataclasses import dataclass

from toolkit.errors import NotStreamableError
from toolkit.features.metadata import feature_spec
from toolkit.ir import Graph
from toolkit.ops.kernels import kernel_call
from toolkit.ops.parts.base import view
from toolkit.plan import plan_arena, plan_stream
from toolkit.plan.choose import choose_variants, predicted_cycles
from toolkit.quantize.convert import convert
from toolkit.quantize.recipe import Conversion
from toolkit.targets import load_target

TARGET = "cortex-m4"


@dataclass(frozen=True)
class WideCost:
    """What keeping activation ``name`` (empty: all of them) in int16 adds."""

    name: str
    ram_bytes: int
    cycles: int
    cycles_basis: str = f"executed work x {TARGET} rates, kernels as the planner chooses them"


def wide_costs(conversion: Conversion) -> tuple[WideCost, ...]:
    """The cost of all int16 activations, then of each: the whole less the model without it.

    Empty where everything is int8.
    """
    wide = conversion.wide
    if not wide:
        return ()
    have = _figures(conversion.quantized)
    rows = []
    for name in ("", *(n for node in conversion.float_graph.nodes for n in node.outputs)):
        if name and name not in wide:
            continue
        without = wide - {name} if name else frozenset()
        ram, cycles = _figures(convert(conversion.float_graph, conversion.ranges, wide=without))
        rows.append(WideCost(name, have[0] - ram, have[1] - cycles))
    return tuple(rows)


def _figures(graph: Graph) -> tuple[int, int]:
    """RAM in bytes (streamed where the time axis is declared) and cycles of an inference."""
    return _ram_bytes(graph), _cycles(graph)


def _ram_bytes(graph: Graph) -> int:
    if feature_spec(graph) is not None:
        try:
            return plan_stream(graph).state_bytes
        except NotStreamableError:
            pass
    return plan_arena(graph).arena_bytes


def _cycles(graph: Graph) -> int:
    """Predicted, with the kernels that the planner chooses."""
    target = load_target(TARGET)
    chosen = choose_variants(graph, target, "balanced")
    views = {node.name: view(graph, node) for node in graph.nodes}
    calls = {name: kernel_call(views[name], variant) for name, variant in chosen.items()}
    return sum(predicted_cycles(views[name], call, target) for name, call in calls.items())
