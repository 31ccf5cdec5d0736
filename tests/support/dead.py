"""Plants dead channels into quantised graphs, in the forms that converters and trainers leave."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from toolkit.ir import Graph, Node
from toolkit.ops import OPERATORS

#: Zero weights; clamped at the lower end; at the upper end; as TensorFlow's converter writes it.
FORMS = ("zero", "low", "high", "shifted")


def with_dead_channels(graph: Graph, rng: np.random.Generator, part: float = 0.4) -> Graph:
    """The graph with about ``part`` of the outputs of every convolution and dense layer dead."""
    for node in graph.nodes:
        weighted = OPERATORS[node.op].weight_input is not None
        if weighted and len(node.inputs) == 3 and node.inputs[2] is not None:
            forms = rng.choice(
                [*FORMS, ""],
                graph.tensors[node.inputs[1] or ""].elements,
                p=(*[part / len(FORMS)] * len(FORMS), 1 - part),
            )
            graph = kill(graph, node, list(forms))
    return graph


def kill(graph: Graph, node: Node, forms: list[str]) -> Graph:
    """The graph with output ``i`` of ``node`` dead in the way ``forms[i]``, alive where empty."""
    weights, bias = (graph.tensors[name or ""] for name in node.inputs[1:3])
    assert weights.quant is not None and bias.quant is not None
    axis = OPERATORS[node.op].weight_axis or 0
    data, sums = np.moveaxis(weights.values.copy(), axis, 0), bias.values.copy()
    scales = list(weights.quant.scale)
    for place, form in zip(range(len(data)), forms, strict=False):
        if form:
            data[place] = 0
        if form in ("low", "high"):
            data[place].flat[0] = 3
            sums[place] = (1 << 20) * (1 if form == "high" else -1)
        if form == "shifted" and len(scales) > 1:
            data[place], scales[place], sums[place] = 55, 2e-12, 1 << 30
    quant = replace(weights.quant, scale=tuple(float(np.float32(s)) for s in scales))
    tensors = {
        weights.name: replace(weights, data=np.moveaxis(data, 0, axis), quant=quant),
        bias.name: replace(bias, data=sums),
    }
    return replace(graph, tensors={**graph.tensors, **tensors})
