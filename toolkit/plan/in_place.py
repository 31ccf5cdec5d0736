"""States in place: a graph in which what a state becomes can be written where the state lies.

Where it cannot, because the old value is still read after that or the new one lies elsewhere, a
copy is put between: a layer as any, whose cost shows.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace

from toolkit.errors import UnsupportedError
from toolkit.ir import Graph, Node, State
from toolkit.ir.edit import fresh, fresh_node
from toolkit.ops import OPERATORS
from toolkit.ops.parts.strided_copy import KERNEL_DIMS
from toolkit.ops.strided_slice import StridedSliceAttrs


def alias_roots(graph: Graph) -> dict[str, str]:
    """The tensor whose bytes each activation shares: itself, unless an alias operator made it.

    Raises UnsupportedError for an alias of a constant, which has no buffer.
    """
    roots = {name: name for name in graph.inputs}
    for node in graph.nodes:
        roots.update((name, name) for name in node.outputs)
        if OPERATORS[node.op].is_alias:
            source = node.inputs[0]
            if source is None or graph.tensors[source].is_constant:
                raise UnsupportedError(
                    f"node {node.name!r} ({node.op}): its input must be an activation; "
                    "got a constant."
                )
            roots[node.outputs[0]] = roots[source]
    return roots


def in_place(graph: Graph) -> Graph:
    """``graph`` with copies where its states need them; afterwards every state is written by one
    layer, which runs when all that reads the old value is done.

    Raises UnsupportedError for a state of more dimensions than the copy takes.
    """
    if not graph.states:
        return graph
    graph = _held(graph)
    for number, state in enumerate(graph.states):
        if not _is_in_place(graph, state, graph.states[:number]):
            graph, copy = _copied(graph, state.write, len(graph.nodes))
            graph = _with_ends(graph, {}, {state.read: copy})
    return graph


def _held(graph: Graph) -> Graph:
    """Old values that outlive the step, as outputs or as other states, are copied where they are
    first known."""
    roots, reads = alias_roots(graph), {state.read for state in graph.states}

    def old(name: str, own: str = "") -> bool:
        root = roots.get(name, name)
        return root in reads and root != own

    for name in dict.fromkeys(filter(old, graph.free_outputs)):
        graph, copy = _copied(graph, name, _made_before(graph, name))
        graph = _with_ends(graph, {name: copy}, {})
    for state in graph.states:
        if old(state.write, state.read):
            graph, copy = _copied(graph, state.write, _made_before(graph, state.write))
            graph = _with_ends(graph, {}, {state.read: copy})
    return graph


def _made_before(graph: Graph, name: str) -> int:
    """The first step in which the tensor ``name`` is there."""
    return next((i + 1 for i, node in enumerate(graph.nodes) if name in node.outputs), 0)


def _is_in_place(graph: Graph, state: State, before: Iterable[State]) -> bool:
    roots = alias_roots(graph)
    made = roots.get(state.write)
    if made == state.read:
        return True  # it stays as it is
    step = next((i for i, node in enumerate(graph.nodes) if made in node.outputs), None)
    if step is None or made in {roots[other.write] for other in before}:
        return False
    read_by = (
        i
        for i, node in enumerate(graph.nodes)
        if any(name in roots and roots[name] == state.read for name in node.inputs if name)
    )
    return max(read_by, default=-1) < step


def _copied(graph: Graph, source: str, at: int) -> tuple[Graph, str]:
    """The graph with a copy of the tensor ``source`` made before node ``at``, and its name."""
    tensor = graph.tensors[source]
    if len(tensor.shape) > KERNEL_DIMS:
        raise UnsupportedError(
            f"{graph.name}: state {source!r} must be copied, which takes at most {KERNEL_DIMS} "
            f"dimensions; it has {len(tensor.shape)}."
        )
    name = fresh(graph, source)
    attrs = StridedSliceAttrs(((0, None, 1),) * len(tensor.shape))
    label = fresh_node(graph, f"{source}/copy")
    node = Node(label, "strided_slice", (source,), (name,), attrs)
    tensors = {**graph.tensors, name: replace(tensor, name=name, data=None)}
    nodes = (*graph.nodes[:at], node, *graph.nodes[at:])
    return replace(graph, tensors=tensors, nodes=nodes), name


def _with_ends(graph: Graph, outputs: Mapping[str, str], writes: Mapping[str, str]) -> Graph:
    """Other tensors as free outputs, and as what states (by what they read) become."""
    states = tuple(replace(s, write=writes.get(s.read, s.write)) for s in graph.states)
    free = (outputs.get(name, name) for name in graph.free_outputs)
    return replace(graph, outputs=(*free, *(s.write for s in states)), states=states)
