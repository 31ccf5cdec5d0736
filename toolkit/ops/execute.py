"""Runs a whole graph with numpy: float semantics or the integer reference."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np

from toolkit.ir import DType, Graph, Node
from toolkit.ir.tensor import Array
from toolkit.ops import OPERATORS
from toolkit.ops.parts.base import view


def run_graph(graph: Graph, inputs: Mapping[str, Array]) -> dict[str, Array]:
    """Values of every non-constant tensor, by name.

    A node whose output is floating point runs with float semantics, any other with the integer
    reference.  ``inputs`` maps each graph input to an array of its shape and type.
    """
    values: dict[str, Array] = {name: inputs[name] for name in graph.inputs}
    for node in graph.nodes:
        values[node.outputs[0]] = _run(graph, node, values)
    return values


def run_outputs(graph: Graph, inputs: Mapping[str, Array]) -> list[Array]:
    """The outputs as `run_graph` has them, in their order; whatever lies between is given up with
    its last reader, so that a long clip takes little memory."""
    values: dict[str, Array] = {name: inputs[name] for name in graph.inputs}
    last = {name: node.name for node in graph.nodes for name in node.inputs if name is not None}
    for node in graph.nodes:
        values[node.outputs[0]] = _run(graph, node, values)
        for name in filter(None, {*node.inputs, *node.outputs} - {*graph.outputs}):
            if last.get(name, node.name) == node.name:
                values.pop(name, None)
    return [values[name] for name in graph.outputs]


def _run(graph: Graph, node: Node, values: Mapping[str, Array]) -> Array:
    operator, node_view = OPERATORS[node.op], view(graph, node)
    arguments = [
        tensor.values if tensor.is_constant else values[tensor.name]
        for tensor in node_view.inputs
        if tensor is not None
    ]
    is_float = node_view.output.dtype is DType.FLOAT32
    return (operator.run_float if is_float else operator.run_int)(node_view, arguments)


def run_steps(graph: Graph, inputs: Mapping[str, Array]) -> dict[str, Array]:
    """The free outputs of a network with states, ``[steps, *shape]``, by name.

    ``inputs`` maps each free input to an array ``[steps, *shape]``; the states are carried from
    step to step, and begin as they do in the graph.
    """
    rows: dict[str, list[Array]] = {name: [] for name in graph.free_outputs}
    for values in each_step(graph, inputs):
        for name, found in rows.items():
            found.append(values[name])
    return {name: np.stack(found) for name, found in rows.items()}


def each_step(graph: Graph, inputs: Mapping[str, Array]) -> Iterator[dict[str, Array]]:
    """Values of every non-constant tensor, by name, step by step; ``inputs`` as `run_steps`."""
    states = {state.read: state.initial for state in graph.states}
    for step in range(len(inputs[graph.free_inputs[0]])):
        given = {name: inputs[name][step] for name in graph.free_inputs}
        values = run_graph(graph, {**given, **states})
        states = {state.read: values[state.write] for state in graph.states}
        yield values
