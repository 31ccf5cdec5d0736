"""Which kernel runs a node: the portable one of every operator, or one for cores with more."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from toolkit.ir import Graph
from toolkit.ops import OPERATORS
from toolkit.ops.parts.base import KernelCall, NodeView, TimeBehaviour, view
from toolkit.ops.parts.kept import kept

#: The variant that every operator has, on every core.
PORTABLE = "portable"
#: Variants by node name; a node that is not named runs the portable kernel.
Variants = Mapping[str, str]
PORTABLE_ONLY: Variants = {}


@kept
def kernel_call(node: NodeView[Any], variant: str = PORTABLE) -> KernelCall:
    """How generated code runs a node on whole tensors with the kernel of that name."""
    node = on_whole(node)
    if variant == PORTABLE:
        return OPERATORS[node.node.op].kernel_call(node)
    return next(call for call in fast_calls(node) if call.variant == variant)


@kept
def on_whole(node: NodeView[Any]) -> NodeView[Any]:
    """The node in the form in which its kernels run it on whole tensors."""
    return OPERATORS[node.node.op].on_whole(node)


@kept
def fast_calls(node: NodeView[Any]) -> tuple[KernelCall, ...]:
    """Every kernel besides the portable one that a node is eligible for."""
    return OPERATORS[node.node.op].dsp_calls(node)


def kernel_calls(graph: Graph, variants: Variants) -> dict[str, KernelCall]:
    """What each node calls, by node name in execution order; aliases call nothing."""
    return {
        node.name: kernel_call(view(graph, node), variants.get(node.name, PORTABLE))
        for node in graph.nodes
        if not OPERATORS[node.op].is_alias
    }


@kept
def row_call(row: NodeView[Any], behaviour: TimeBehaviour, variant: str = PORTABLE) -> KernelCall:
    """How generated code runs a node row by row; ``row`` is its `rows.row_view`."""
    operator = OPERATORS[row.node.op]
    if variant == PORTABLE:
        return operator.row_call(row, behaviour)
    return next(call for call in fast_calls(row) if call.variant == variant)
