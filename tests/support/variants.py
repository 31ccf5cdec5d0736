"""Kernels for cores with the DSP extension wherever a node is eligible."""

from __future__ import annotations

from toolkit.ir import Graph
from toolkit.ops import OPERATORS
from toolkit.ops.kernels import Variants, on_whole
from toolkit.ops.parts.base import view


def dsp_variants(graph: Graph, choice: int = -1) -> Variants:
    """The ``choice``-th DSP kernel of every node that has any, streamed or not."""
    chosen = {}
    for node in graph.nodes:
        row, whole = view(graph, node), on_whole(view(graph, node))
        runs_whole = {call.variant for call in OPERATORS[whole.node.op].dsp_calls(whole)}
        calls = [c for c in OPERATORS[node.op].dsp_calls(row) if c.variant in runs_whole]
        if calls:
            chosen[node.name] = calls[choice % len(calls)].variant
    return chosen
