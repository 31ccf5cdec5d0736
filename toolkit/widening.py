"""What int16 activations cost: memory by the planners, cycles by the target's rates."""

from __future__ import annotations

from dataclasses import dataclass

from toolkit.errors import NotStreamableError
from toolkit.ir import DType, Graph
from toolkit.loading import feature_spec
from toolkit.ops import OPERATORS
from toolkit.ops.base import view
from toolkit.plan import plan_arena, plan_stream
from toolkit.quantize.convert import convert
from toolkit.quantize.recipe import Conversion
from toolkit.targets import load_target

TARGET = "cortex-m4"

#: Cycles of a 16 x 8 bit product relative to the target's rate for 8 x 8 bits: portable kernels of
#: a convolution network, simulated on a Cortex-M4 (1.09 in convolutions, 1.04 depthwise).
INT16_MAC_FACTOR = 1.1


@dataclass(frozen=True)
class WideCost:
    """What keeping activation ``name`` (empty: all of them) in int16 adds."""

    name: str
    ram_bytes: int
    cycles: int
    cycles_basis: str = f"work x {TARGET} rates, 16-bit products {INT16_MAC_FACTOR:g} times"


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
    target, total = load_target(TARGET), 0.0
    for node in graph.nodes:
        node_view = view(graph, node)
        work = OPERATORS[node.op].work(node_view)
        wide = node_view.input(0).dtype is DType.INT16
        factor = INT16_MAC_FACTOR if wide else 1.0
        total += work.macs * target.cycles_per_mac * factor
        total += work.accumulators * target.cycles_per_accumulator
        total += work.elementwise * target.cycles_per_element
    return round(total)
