"""Spells hard swish out as ``x * (min(max(x + 3, 0), 6) / 6)``, which has an int16 form in TFLM."""

from __future__ import annotations

from collections.abc import Collection

import numpy as np

from toolkit.ir import Graph, GraphBuilder, Node
from toolkit.ops.append import append
from toolkit.ops.numerics.activation import Activation
from toolkit.ops.parts.arithmetic import ArithmeticAttrs
from toolkit.passes.rewrite import rewrite

#: What is added to a hard swish's output name, and the values these tensors take.
GATES = {"/shifted": (0.0, 6.0), "/gate": (0.0, 1.0)}


def expand_hard_swish(graph: Graph, outputs: Collection[str]) -> Graph:
    """Replace the hard swishes that make ``outputs`` by a sum and two products."""

    def expand(current: Graph, node: Node) -> Graph | None:
        return _expand(current, node) if node.outputs[0] in outputs else None

    return rewrite(graph, "expand_hard_swish", expand)


def _expand(graph: Graph, node: Node) -> Graph | None:
    if node.op != "hard_swish" or node.inputs[0] is None:
        return None
    builder = GraphBuilder.from_graph(graph)
    position = builder.nodes.index(node)
    after = builder.nodes[position + 1 :]
    del builder.nodes[position:]
    (output,), source = node.outputs, node.inputs[0]
    shifted, gate = (output + suffix for suffix in GATES)
    three = builder.constant(f"{output}/three", np.array(3, np.float32))
    sixth = builder.constant(f"{output}/sixth", np.array(1 / 6, np.float32))
    append(builder, "add", [source, three], ArithmeticAttrs(Activation.RELU6), shifted)
    append(builder, "mul", [shifted, sixth], ArithmeticAttrs(), gate)
    inputs: tuple[str | None, ...] = (source, gate)
    builder.nodes += [Node(node.name, "mul", inputs, node.outputs, ArithmeticAttrs()), *after]
    return builder.build()
