"""Applies a local rule to every node until nothing changes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeAlias

from toolkit.errors import ToolkitError
from toolkit.ir import DType, Graph, Node, Tensor
from toolkit.ir.check import check_graph
from toolkit.ir.edit import forward
from toolkit.ops import OPERATORS
from toolkit.ops.parts.base import NodeView

#: The graph with this node rewritten, or None where the rule does not apply.
Rule: TypeAlias = Callable[[Graph, Node], Graph | None]

#: No rule of ours needs more sweeps; a rule that undoes itself is a bug, not an endless loop.
_MAX_SWEEPS = 100


def rewrite(graph: Graph, stage: str, *rules: Rule) -> Graph:
    """Apply ``rules`` to every node, in order, until none applies; check the result."""
    for _ in range(_MAX_SWEEPS):
        before = graph
        for name in [node.name for node in graph.nodes]:
            for rule in rules:
                node = graph.node(name)
                if node is not None and (result := rule(graph, node)) is not None:
                    graph = result
        if graph is before:
            return check_graph(graph.pruned(), stage)
        graph = graph.pruned()
    raise ToolkitError(f"{stage}: does not settle")


def producer_of(graph: Graph, name: str | None, op: str) -> Node | None:
    """The node of kind ``op`` that makes tensor ``name``."""
    node = None if name is None else graph.producer(name)
    return node if node is not None and node.op == op else None


def only_reader(graph: Graph, name: str) -> Node | None:
    """The one node that reads ``name``; None when there are more or it is a graph output."""
    readers = graph.consumers(name)
    return readers[0] if len(readers) == 1 and name not in graph.outputs else None


def moved_from(graph: Graph, name: str) -> str:
    """What a tensor was before nodes that only move values, which nothing else reads."""
    while only_reader(graph, name) is not None:
        node = graph.producer(name)
        if node is None or not OPERATORS[node.op].moves or node.inputs[0] is None:
            break
        if only_reader(graph, node.inputs[0]) is None:
            break
        name = node.inputs[0]
    return name


def drop_identity_reshape(graph: Graph, node: Node) -> Graph | None:
    """The rule that removes a reshape to the shape it gets."""
    source = node.inputs[0]
    if node.op != "reshape" or source is None:
        return None
    same = graph.tensors[source].shape == graph.tensors[node.outputs[0]].shape
    return forward(graph, node, source) if same else None


def inferred(
    graph: Graph, op: str, inputs: Sequence[str | None], attrs: object, output: str, *new: Tensor
) -> Tensor:
    """The float tensor ``output`` that the node would produce; ``new`` are inputs that the graph
    does not have yet."""
    known = {**graph.tensors, **{tensor.name: tensor for tensor in new}}
    tensors = tuple(None if name is None else known[name] for name in inputs)
    bare: NodeView[Any] = NodeView(Node(output, op, tuple(inputs), ()), tensors, (), attrs)
    return Tensor(output, OPERATORS[op].infer_shape(bare), DType.FLOAT32)
