"""Bounds of every channel of a quantised graph, by interval arithmetic on its integers."""

from __future__ import annotations

from collections.abc import Mapping

from toolkit.ir import Graph
from toolkit.ops import OPERATORS
from toolkit.ops.parts.base import view
from toolkit.ops.parts.channels import Bounds, any_value, of_constant


def channel_bounds(graph: Graph) -> Mapping[str, Bounds]:
    """Bounds of every activation, by name: whatever the inputs and states are, at every clip
    length."""
    bounds = {name: any_value(graph.tensors[name]) for name in graph.inputs}
    for node in graph.nodes:
        operator, node_view = OPERATORS[node.op], view(graph, node)
        given = [
            bounds[tensor.name] if not tensor.is_constant else of_constant(tensor)
            for place, tensor in enumerate(node_view.inputs)
            if tensor is not None and place not in (operator.weight_input, operator.bias_input)
        ]
        bounds[node.outputs[0]] = operator.channel_bounds(node_view, given)
    return bounds
