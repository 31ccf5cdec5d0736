"""Fuses ReLU and its kind into the operator before it."""

from __future__ import annotations

from dataclasses import fields, is_dataclass, replace
from typing import Any

from toolkit.ir import Graph, Node
from toolkit.ir.edit import forward, substitute
from toolkit.ops import OPERATORS
from toolkit.ops.numerics.activation import Activation
from toolkit.passes.rewrite import moved_from, only_reader, rewrite


def fuse_activation(graph: Graph) -> Graph:
    """``relu(f(x))`` becomes ``f`` with a fused activation, where ``f`` takes one; also where the
    values that it gives are moved first."""
    return rewrite(graph, "fuse_activation", _fuse)


def _fuse(graph: Graph, node: Node) -> Graph | None:
    activation = OPERATORS[node.op].fused_as
    if activation is None or (source := node.inputs[0]) is None:
        return None
    made = moved_from(graph, source)
    before = graph.producer(made)
    if before is None or only_reader(graph, made) is None or not _accepts(before):
        return None
    attrs: Any = before.attrs
    fused = replace(before, attrs=replace(attrs, activation=activation))
    if made == source:
        return substitute(graph, [before, node], [replace(fused, outputs=node.outputs)])
    return forward(substitute(graph, [before], [fused]), node, source)


def _accepts(node: Node) -> bool:
    attrs = node.attrs
    return (
        OPERATORS[node.op].takes_activation
        and is_dataclass(attrs)
        and any(field.name == "activation" for field in fields(attrs))
        and getattr(attrs, "activation", None) is Activation.NONE
    )
