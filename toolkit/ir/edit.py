"""Small edits of an immutable graph, from which rewrites are composed."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace

from toolkit.ir.graph import Graph, Node
from toolkit.ir.tensor import Tensor


def fresh(graph: Graph, name: str) -> str:
    """A tensor name that ``graph`` does not use: ``name`` with a number."""
    counter = 1
    while f"{name}@{counter}" in graph.tensors:
        counter += 1
    return f"{name}@{counter}"


def fresh_node(graph: Graph, name: str) -> str:
    """A node name that ``graph`` does not use, ``name`` itself where possible."""
    candidate, counter = name, 0
    while graph.node(candidate) is not None:
        counter += 1
        candidate = f"{name}@{counter}"
    return candidate


def rename_tensors(graph: Graph, renames: Mapping[str, str]) -> Graph:
    """Give tensors other names; a tensor that holds a wanted name moves to a fresh one."""
    mapping = {old: new for old, new in renames.items() if old != new}
    for wanted in [new for new in mapping.values() if new in graph.tensors and new not in mapping]:
        mapping[wanted] = fresh(graph, wanted)
    tensors = {}
    for tensor in graph.tensors.values():
        name = mapping.get(tensor.name, tensor.name)
        tensors[name] = replace(tensor, name=name)
    return replace(
        graph,
        tensors=tensors,
        nodes=tuple(_with_names(node, mapping) for node in graph.nodes),
        inputs=tuple(mapping.get(name, name) for name in graph.inputs),
        outputs=tuple(mapping.get(name, name) for name in graph.outputs),
        states=tuple(
            replace(s, read=mapping.get(s.read, s.read), write=mapping.get(s.write, s.write))
            for s in graph.states
        ),
    )


def substitute(
    graph: Graph,
    old: Collection[Node],
    new: Sequence[Node],
    tensors: Iterable[Tensor] = (),
    uses: Mapping[str, str] | None = None,
) -> Graph:
    """Replace ``old`` nodes by ``new`` ones, which stand where the last old one stood.

    ``tensors`` are added or replaced; every other node reads ``uses[name]`` in place of ``name``.
    Graph outputs are not redirected: a caller that eliminates one renames instead.
    """
    gone = [node for node in map(graph.node, {n.name: n for n in old}) if node is not None]
    names = {node.name for node in gone}
    readers = (reader for name in uses or () for reader in graph.consumers(name))
    changed = {r.name: _with_inputs(r, uses or {}) for r in readers if r.name not in names}
    return graph.rewired(gone, new, changed, {tensor.name: tensor for tensor in tensors})


def forward(graph: Graph, node: Node, source: str) -> Graph | None:
    """Drop ``node``, whose readers then read ``source``; None when that would lose a graph output
    or give a tensor two roles."""
    (output,) = node.outputs
    if output not in graph.outputs:
        return substitute(graph, [node], [], uses={output: source})
    tensor = graph.tensors[source]
    if source in graph.inputs or source in graph.outputs or tensor.is_constant:
        return None
    dropped = substitute(graph, [node], [], uses={output: source})
    outputs = tuple(source if name == output else name for name in graph.outputs)
    states = tuple(
        replace(state, write=source if state.write == output else state.write)
        for state in graph.states
    )
    shorter = replace(dropped, outputs=outputs, states=states).pruned()
    return rename_tensors(shorter, {source: output})


def _with_inputs(node: Node, names: Mapping[str, str]) -> Node:
    if not any(name in names for name in node.inputs if name is not None):
        return node
    return replace(
        node, inputs=tuple(None if name is None else names.get(name, name) for name in node.inputs)
    )


def _with_names(node: Node, names: Mapping[str, str]) -> Node:
    outputs = tuple(names.get(name, name) for name in node.outputs)
    return replace(_with_inputs(node, names), outputs=outputs)
