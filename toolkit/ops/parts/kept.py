"""What is found out about a node is found out once, and forgotten with the node."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Concatenate, ParamSpec, TypeVar

from toolkit.ops.parts.base import NodeView

P = ParamSpec("P")
T = TypeVar("T")


def kept(
    function: Callable[Concatenate[NodeView[Any], P], T],
) -> Callable[Concatenate[NodeView[Any], P], T]:
    """A function of a node and of what can be hashed, whose results are kept as long as the node
    lives; tensors are told apart by identity."""

    def looked_up(view: NodeView[Any], /, *args: P.args, **kwargs: P.kwargs) -> T:
        known = view.node.findings
        more = tuple(sorted(kwargs.items()))
        key = (function, view.inputs, view.outputs, view.attrs, args, more)
        if key not in known:
            known[key] = function(view, *args, **kwargs)
        found: T = known[key]
        return found

    return looked_up
