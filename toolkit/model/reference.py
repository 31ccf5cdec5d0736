"""What an int8 model must answer: the numpy integer reference."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeAlias

import numpy as np

from toolkit.ir import Graph
from toolkit.ir.tensor import Array
from toolkit.ops import OPERATORS
from toolkit.ops.execute import run_graph

#: One case: an array a model input.
Case: TypeAlias = Sequence[Array]


def run_case(graph: Graph, case: Case) -> list[Array]:
    """Outputs of a case, by float semantics or the integer reference, as the graph is."""
    shaped = {
        name: array.reshape(graph.tensors[name].shape)
        for name, array in zip(graph.inputs, case, strict=True)
    }
    values = run_graph(graph, shaped)
    return [values[name] for name in graph.outputs]


def output_bytes(graph: Graph, case: Case) -> tuple[bytes, ...]:
    """The bytes that a device must give for a case."""
    return tuple(np.ascontiguousarray(values).tobytes() for values in run_case(graph, case))


def is_builtin(graph: Graph) -> bool:
    """Whether TFLM's stock operators suffice."""
    return not any(OPERATORS[node.op].custom for node in graph.nodes)
