"""Fuses ReLU and its kind into the operator before it."""

from __future__ import annotations

from dataclasses import fields, is_dataclass, replace
from typing import Any

from toolkit.ir import Graph, Node
from toolkit.ir.edit import substitute
from toolkit.ops import OPERATORS
from toolkit.ops.numerics.activation import Activation
from toolkit.passes.rewrite import only_reader, rewrite


def fuse_activation(graph: Graph) -> Graph:
    """``relu(f(x))`` becomes ``f`` with a fused activation, where ``f`` takes one."""
    return rewrite(graph, "fuse_activation", _fuse)


def _fuse(graph: Graph, node: Node) -> Graph | None:
    activation = OPERATORS[node.op].fused_as
    if activation is None or (source := node.inputs[0]) is None:
        return None
    before = graph.producer(source)
    if before is None or only_reader(graph, source) is None or not _accepts(before.attrs):
        return None
    attrs: Any = before.attrs
    fused = replace(attrs, activation=activation)
    merged = replace(before, outputs=node.outputs, attrs=fused)
    return substitute(graph, [before, node], [merged])


def _accepts(attrs: object) -> bool:
    return (
        is_dataclass(attrs)
        and any(field.name == "activation" for field in fields(attrs))
        and getattr(attrs, "activation", None) is Activation.NONE
    )
