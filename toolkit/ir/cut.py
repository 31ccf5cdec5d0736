"""Cuts a graph at named tensors: the part before them and the part after them.

The parts are functions: state is an input and an output like any.  They hold what lies around a
custom operator against interpreters that lack it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from toolkit.errors import InputError
from toolkit.ir.graph import Graph


def prefix_graph(graph: Graph, tensors: Sequence[str]) -> Graph:
    """The part that computes ``tensors``, in that order, from those graph inputs it needs."""
    _require_activations(graph, tensors)
    prefix = replace(graph, outputs=tuple(dict.fromkeys(tensors)), states=()).pruned()
    used = {name for node in prefix.nodes for name in node.inputs} | set(prefix.outputs)
    inputs = tuple(name for name in graph.inputs if name in used)
    kept = {n: t for n, t in prefix.tensors.items() if n in used or n not in graph.inputs}
    return replace(prefix, inputs=inputs, tensors=kept)


def suffix_graph(graph: Graph, tensors: Sequence[str]) -> Graph:
    """The part that computes the graph's outputs from ``tensors``, which become its inputs.

    Graph inputs that it needs besides stay inputs, after ``tensors``; what the outputs do not
    need of ``tensors`` is left out.
    """
    _require_activations(graph, tensors)
    cut = set(tensors)
    nodes = tuple(node for node in graph.nodes if not cut.intersection(node.outputs))
    candidates = tuple(dict.fromkeys([*tensors, *graph.inputs]))
    suffix = replace(graph, nodes=nodes, inputs=(), states=()).pruned()
    used = {name for node in suffix.nodes for name in node.inputs} | set(suffix.outputs)
    return replace(suffix, inputs=tuple(name for name in candidates if name in used))


def _require_activations(graph: Graph, tensors: Sequence[str]) -> None:
    available = {*graph.inputs, *(name for node in graph.nodes for name in node.outputs)}
    missing = [name for name in tensors if name not in available]
    if missing:
        raise InputError(
            f"{graph.name}: no activation tensor named {missing[0]!r}",
            hint="`toolkit inspect` lists the names.",
        )
