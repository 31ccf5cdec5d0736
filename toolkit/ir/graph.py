"""Graph and nodes, immutable; `GraphBuilder` is the one mutable helper that makes new graphs."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

import numpy as np

from toolkit.ir.tensor import Array, DType, QuantParams, Tensor


@dataclass(frozen=True, eq=False)
class Node:
    """One operator application.  ``op`` is a key of ``toolkit.ops.OPERATORS``; ``attrs`` is that
    operator's frozen attribute dataclass; an absent optional input is ``None``."""

    name: str
    op: str
    inputs: tuple[str | None, ...]
    outputs: tuple[str, ...]
    attrs: object = None

    @cached_property
    def findings(self) -> dict[Hashable, Any]:
        """What has been found out about it, see `toolkit.ops.parts.kept`; no part of its value."""
        return {}

    def __getstate__(self) -> dict[str, Any]:
        """For another process, where nothing has been found out yet."""
        return {name: value for name, value in vars(self).items() if name != "findings"}


@dataclass(frozen=True, eq=False)
class State:
    """A tensor that outlives a step of a network that runs step by step.

    A step finds it in the graph input ``read`` and leaves it in the graph output ``write``, of the
    same shape, type and quantisation; ``initial`` is what the first step finds.
    """

    read: str
    write: str
    initial: Array

    @property
    def fill(self) -> int | None:
        """The byte that ``initial`` has everywhere; None where it has several."""
        found = np.unique(np.ascontiguousarray(self.initial).view(np.uint8))
        return int(found[0]) if found.size == 1 else None


@dataclass(frozen=True, eq=False)
class Graph:
    """A float or quantised network in NHWC layout; ``nodes`` are in execution order.

    It is one step, a function of its inputs: with ``states``, in their order, end inputs and
    outputs, and the rest is the caller's (`free_inputs`, `free_outputs`).  ``metadata`` carries
    strings that travel with the model (feature specification, labels).
    """

    name: str
    tensors: Mapping[str, Tensor]
    nodes: tuple[Node, ...]
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    metadata: Mapping[str, str] = field(default_factory=dict)
    states: tuple[State, ...] = ()

    @property
    def free_inputs(self) -> tuple[str, ...]:
        """The inputs that the caller gives."""
        return self.inputs[: len(self.inputs) - len(self.states)]

    @property
    def free_outputs(self) -> tuple[str, ...]:
        """The outputs that the caller gets."""
        return self.outputs[: len(self.outputs) - len(self.states)]

    @cached_property
    def _producers(self) -> Mapping[str, Node]:
        return {name: node for node in reversed(self.nodes) for name in node.outputs}

    @cached_property
    def _consumers(self) -> Mapping[str, tuple[Node, ...]]:
        found: dict[str, list[Node]] = {}
        for node in self.nodes:
            for name in dict.fromkeys(node.inputs):
                if name is not None:
                    found.setdefault(name, []).append(node)
        return {name: tuple(nodes) for name, nodes in found.items()}

    @cached_property
    def _named(self) -> Mapping[str, Node]:
        return {node.name: node for node in self.nodes}

    def node(self, name: str) -> Node | None:
        return self._named.get(name)

    def producer(self, tensor: str) -> Node | None:
        return self._producers.get(tensor)

    def consumers(self, tensor: str) -> tuple[Node, ...]:
        return self._consumers.get(tensor, ())

    def input_tensors(self, node: Node) -> tuple[Tensor | None, ...]:
        return tuple(None if name is None else self.tensors[name] for name in node.inputs)

    def output_tensors(self, node: Node) -> tuple[Tensor, ...]:
        return tuple(self.tensors[name] for name in node.outputs)

    def is_quantized(self) -> bool:
        """Whether no activation is floating point."""
        return all(t.dtype is not DType.FLOAT32 for t in self.tensors.values())

    @property
    def activations(self) -> tuple[Tensor, ...]:
        """What nodes give, in order."""
        return tuple(self.tensors[name] for node in self.nodes for name in node.outputs)

    def with_metadata(self, **entries: str) -> Graph:
        return replace(self, metadata={**self.metadata, **entries})

    def rewired(
        self,
        gone: Sequence[Node],
        added: Sequence[Node],
        changed: Mapping[str, Node],
        tensors: Mapping[str, Tensor],
    ) -> Graph:
        """The graph with ``added`` nodes where the last of those ``gone`` stood, others
        ``changed``, by name, and further ``tensors``; it knows of the rest what this one does, so
        that a small edit of a large graph costs little."""
        nodes = list(self.nodes)
        for node in changed.values():
            nodes[nodes.index(self._named[node.name])] = node
        places = sorted(nodes.index(node) for node in gone)
        nodes[places[-1] : places[-1] + 1] = added
        for place in reversed(places[:-1]):
            del nodes[place]
        graph = replace(self, nodes=tuple(nodes), tensors={**self.tensors, **tensors})
        removed = [*gone, *(self._named[name] for name in changed)]
        _carry_over(self, graph, removed, [*added, *changed.values()])
        return graph

    def pruned(self) -> Graph:
        """Drop nodes that no output needs, and tensors that no remaining node mentions."""
        needed = set(self.outputs)
        kept: list[Node] = []
        for node in reversed(self.nodes):
            if needed.intersection(node.outputs):
                kept.append(node)
                needed.update(name for name in node.inputs if name is not None)
        kept.reverse()
        used = needed | set(self.inputs) | {name for n in kept for name in n.outputs}
        tensors = {name: t for name, t in self.tensors.items() if name in used}
        return replace(self, nodes=tuple(kept), tensors=tensors)


def _carry_over(old: Graph, new: Graph, removed: Sequence[Node], added: Sequence[Node]) -> None:
    """Let ``new`` know who makes and reads its tensors without looking at every node."""
    named, producers = dict(old._named), dict(old._producers)
    consumers = dict(old._consumers)
    for node in removed:
        named.pop(node.name, None)
        for name in node.outputs:
            producers.pop(name, None)
        for name in filter(None, node.inputs):
            consumers[name] = tuple(n for n in consumers.get(name, ()) if n is not node)
    for node in added:
        named[node.name] = node
        producers.update(dict.fromkeys(node.outputs, node))
        for name in dict.fromkeys(filter(None, node.inputs)):
            readers = (*consumers.get(name, ()), node)
            ordered = readers if len(readers) == 1 else sorted(readers, key=new.nodes.index)
            consumers[name] = tuple(ordered)
    new.__dict__.update(_named=named, _producers=producers, _consumers=consumers)


class GraphBuilder:
    """Collects tensors and nodes; names are made unique on the way in."""

    def __init__(self, name: str, metadata: Mapping[str, str] | None = None) -> None:
        self.name = name
        self.metadata = dict(metadata or {})
        self.tensors: dict[str, Tensor] = {}
        self.nodes: list[Node] = []
        self.inputs: list[str] = []
        self.outputs: list[str] = []
        self.states: list[State] = []
        self._node_names: set[str] = set()

    @staticmethod
    def from_graph(graph: Graph) -> GraphBuilder:
        builder = GraphBuilder(graph.name, graph.metadata)
        builder.tensors = dict(graph.tensors)
        builder.nodes = list(graph.nodes)
        builder.inputs, builder.outputs = list(graph.inputs), list(graph.outputs)
        builder.states = list(graph.states)
        builder._node_names = {node.name for node in graph.nodes}
        return builder

    def unique(self, name: str) -> str:
        """A tensor name not yet taken, ``name`` itself where possible."""
        return _unique(name, self.tensors)

    def add_tensor(self, tensor: Tensor) -> str:
        name = self.unique(tensor.name)
        self.tensors[name] = replace(tensor, name=name)
        return name

    def add_input(self, tensor: Tensor) -> str:
        name = self.add_tensor(tensor)
        self.inputs.append(name)
        return name

    def constant(self, name: str, data: Array, quant: QuantParams | None = None) -> str:
        return self.add_tensor(Tensor.constant(name, data, quant))

    def add_node(
        self,
        op: str,
        inputs: Sequence[str | None],
        output: Tensor,
        attrs: object = None,
        name: str = "",
    ) -> str:
        """Append a node with one output and return the name of that output."""
        out = self.add_tensor(output)
        node_name = _unique(name or out, self._node_names)
        self._node_names.add(node_name)
        self.nodes.append(Node(node_name, op, tuple(inputs), (out,), attrs))
        return out

    def build(self) -> Graph:
        return Graph(
            self.name,
            dict(self.tensors),
            tuple(self.nodes),
            tuple(self.inputs),
            tuple(self.outputs),
            dict(self.metadata),
            tuple(self.states),
        ).pruned()


def _unique(name: str, taken: Mapping[str, object] | set[str]) -> str:
    candidate, counter = name or "t", 0
    while candidate in taken:
        counter += 1
        candidate = f"{name or 't'}_{counter}"
    return candidate
