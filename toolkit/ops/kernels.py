"""Which kernel runs a node: the portable one of every operator, or one for cores with more."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from toolkit.ops import OPERATORS
from toolkit.ops.parts.base import KernelCall, NodeView, TimeBehaviour

#: The variant that every operator has, on every core.
PORTABLE = "portable"
#: Variants by node name; a node that is not named runs the portable kernel.
Variants = Mapping[str, str]
PORTABLE_ONLY: Variants = {}


def kernel_call(view: NodeView[Any], variant: str = PORTABLE) -> KernelCall:
    """How generated code runs a node on whole tensors with the kernel of that name."""
    operator = OPERATORS[view.node.op]
    if variant == PORTABLE:
        return operator.kernel_call(view)
    return next(call for call in operator.dsp_calls(view) if call.variant == variant)


def row_call(row: NodeView[Any], behaviour: TimeBehaviour, variant: str = PORTABLE) -> KernelCall:
    """How generated code runs a node row by row; ``row`` is its `rows.row_view`."""
    operator = OPERATORS[row.node.op]
    if variant == PORTABLE:
        return operator.row_call(row, behaviour)
    return next(call for call in operator.dsp_calls(row) if call.variant == variant)
