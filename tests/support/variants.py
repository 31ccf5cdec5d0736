"""Kernels for cores with the DSP extension wherever a node is eligible."""

from __future__ import annotations

from toolkit.ir import Graph
from toolkit.ops import OPERATORS
from toolkit.ops.kernels import Variants
from toolkit.ops.parts.base import view


def dsp_variants(graph: Graph, choice: int = -1) -> Variants:
    """The ``choice``-th DSP kernel of every node that has any."""
    chosen = {}
    for node in graph.nodes:
        calls = OPERATORS[node.op].dsp_calls(view(graph, node))
        if calls:
            chosen[node.name] = calls[choice % len(calls)].variant
    return chosen
