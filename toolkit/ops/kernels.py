"""Which kernel runs a node: the portable one of every operator, or one for cores with more."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from toolkit.ir import Graph
from toolkit.ops import OPERATORS
from toolkit.ops.parts.base import KernelCall, NodeView, Operator, TimeBehaviour, view

#: The variant that every operator has, on every core.
PORTABLE = "portable"
#: Variants by node name; a node that is not named runs the portable kernel.
Variants = Mapping[str, str]
PORTABLE_ONLY: Variants = {}


def kernel_call(node: NodeView[Any], variant: str = PORTABLE) -> KernelCall:
    """How generated code runs a node on whole tensors with the kernel of that name."""
    operator = OPERATORS[node.node.op]
    node = operator.on_whole(node)
    if variant == PORTABLE:
        return operator.kernel_call(node)
    return next(call for call in fast_calls(operator, node) if call.variant == variant)


def fast_calls(
    operator: Operator[Any], node: NodeView[Any], dsp: bool = True
) -> tuple[KernelCall, ...]:
    """Every kernel besides the portable one that a node is eligible for, on a core with the DSP
    extension or without."""
    return (*operator.blocked_calls(node), *(operator.dsp_calls(node) if dsp else ()))


def kernel_calls(graph: Graph, variants: Variants) -> dict[str, KernelCall]:
    """What each node calls, by node name in execution order; aliases call nothing."""
    return {
        node.name: kernel_call(view(graph, node), variants.get(node.name, PORTABLE))
        for node in graph.nodes
        if not OPERATORS[node.op].is_alias
    }


def row_call(row: NodeView[Any], behaviour: TimeBehaviour, variant: str = PORTABLE) -> KernelCall:
    """How generated code runs a node row by row; ``row`` is its `rows.row_view`."""
    operator = OPERATORS[row.node.op]
    if variant == PORTABLE:
        return operator.row_call(row, behaviour)
    return next(call for call in fast_calls(operator, row) if call.variant == variant)
