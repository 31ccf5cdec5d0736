"""Which activations must, or had better, share one scale and zero point."""

from __future__ import annotations

from toolkit.ir import Graph, Node
from toolkit.ops import OPERATORS
from toolkit.ops.parts.base import OutputRange


def scale_groups(graph: Graph, wide: frozenset[str]) -> dict[str, str]:
    """A representative for each activation; tensors with the same one share parameters.

    Operators that only move or select values pass their input's parameters on; a state has one pair
    of parameters, whichever step it is.  A concatenation
    shares its parameters with an input where nobody else needs finer ones: always in 16 bits,
    which have resolution to spare, in 8 bits where the concatenation is the only reader.
    """
    groups = _Groups(graph)
    for node in graph.nodes:
        if OPERATORS[node.op].output_range is OutputRange.SAME_AS_INPUT:
            groups.join(_first(node), node.outputs[0])
    for state in graph.states:
        groups.join(state.read, state.write)
    for node in graph.nodes:
        if OPERATORS[node.op].one_scale:
            for name in node.inputs:
                assert name is not None
                if graph.tensors[name].is_constant:
                    continue
                if graph.tensors[name].quant is not None and name not in wide:
                    continue  # it came with parameters of its own
                if name in wide or groups.serves_only(name, node):
                    groups.join(name, node.outputs[0])
    return {name: groups.root(name) for name in groups.parent}


class _Groups:
    """Disjoint sets of activation names."""

    def __init__(self, graph: Graph) -> None:
        self.graph = graph
        self.parent = {t.name: t.name for t in graph.tensors.values() if not t.is_constant}

    def root(self, name: str) -> str:
        while self.parent[name] != name:
            name = self.parent[name]
        return name

    def join(self, a: str, b: str) -> None:
        self.parent[self.root(b)] = self.root(a)

    def serves_only(self, name: str, reader: Node) -> bool:
        """Whether all that ``name`` shares parameters with is free to follow ``reader``."""
        root = self.root(name)
        members = {other for other in self.parent if self.root(other) == root}
        return all(
            member not in self.graph.inputs
            and member not in self.graph.outputs
            and not _is_fixed(self.graph.producer(member))
            and all(
                consumer.name == reader.name or consumer.outputs[0] in members
                for consumer in self.graph.consumers(member)
            )
            for member in members
        )


def _is_fixed(node: Node | None) -> bool:
    return node is not None and OPERATORS[node.op].output_range is OutputRange.FIXED


def _first(node: Node) -> str:
    name = node.inputs[0]
    assert name is not None
    return name
