"""The whole way from a float graph to an int8 graph."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal

from toolkit.ir import Graph
from toolkit.ops.check import check_operators
from toolkit.passes.expand_attention_builtin import expand_attention_builtin
from toolkit.passes.expand_hard_swish import GATES, expand_hard_swish
from toolkit.quantize.quantize import quantize
from toolkit.quantize.ranges import Ranges
from toolkit.quantize.wide import begun_tensors, head_tensors, wide_tensors

Attention = Literal["fused", "builtin"]


def convert(
    graph: Graph,
    ranges: Ranges,
    attention: Attention = "fused",
    wide: Iterable[str] | None = None,
) -> Graph:
    """The int8 form of an optimised float graph (`passes.optimize`).

    ``attention`` says how attention pooling is done: ``fused`` into one exact custom operator, or
    ``builtin`` with operators that stock TFLM has.  ``wide`` names activations to keep in int16;
    None means attention's result and the small head behind it.

    Raises InputError when ``ranges`` belong to another model, UnsupportedError when an operator
    has no integer form for what the model asks.
    """
    if attention == "builtin":
        graph = expand_attention_builtin(graph)
    chosen = set(head_tensors(graph) | begun_tensors(graph) if wide is None else wide)
    gates = _gates(graph, chosen)
    if gates:
        graph = expand_hard_swish(graph, chosen)
        ranges, chosen = Ranges({**ranges.limits, **gates}), chosen | gates.keys()
    quantized = quantize(graph, ranges, wide_tensors(graph, chosen))
    check_operators(quantized)
    return quantized


def _gates(graph: Graph, wide: set[str]) -> dict[str, tuple[float, float]]:
    """The inner activations of hard swishes that are to be int16, and their ranges."""
    names = [node.outputs[0] for node in graph.nodes if node.op == "hard_swish"]
    return {
        name + suffix: limits for name in names if name in wide for suffix, limits in GATES.items()
    }
