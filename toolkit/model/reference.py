"""What an int8 model must answer: the numpy integer reference."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeAlias

import numpy as np

from toolkit.ir import Graph, Tensor
from toolkit.ir.tensor import Array
from toolkit.ops.execute import run_outputs, run_steps

#: One case: an array a model input; of a model with states a clip, steps on the first axis.
Case: TypeAlias = Sequence[Array]


def run_case(graph: Graph, case: Case) -> list[Array]:
    """Outputs of a case, by float semantics or the integer reference, as the graph is; of a model
    with states those of every step ``[steps, *shape]``, which begin afresh."""
    if graph.states:
        steps = run_steps(graph, stepwise(graph, case))
        return [steps[name] for name in graph.free_outputs]
    shaped = {
        name: array.reshape(graph.tensors[name].shape)
        for name, array in zip(graph.inputs, case, strict=True)
    }
    return run_outputs(graph, shaped)


def stepwise(graph: Graph, case: Case) -> dict[str, Array]:
    """The arrays of a case by input name, ``[steps, *shape]``; without states it is one step."""
    return {
        name: array.reshape(-1, *graph.tensors[name].shape)
        for name, array in zip(graph.free_inputs, case, strict=True)
    }


def steps_of(rows: Array, entry: Tensor) -> Array:
    """Feature rows of a clip as steps ``[steps, *shape]`` of the input ``entry``; rows that fill no
    step are left out."""
    flat = rows.reshape(-1)
    steps = flat.size // entry.elements
    return flat[: steps * entry.elements].reshape(steps, *entry.shape)


def output_bytes(graph: Graph, case: Case) -> tuple[bytes, ...]:
    """The bytes that a device must give for a case."""
    return tuple(np.ascontiguousarray(values).tobytes() for values in run_case(graph, case))
