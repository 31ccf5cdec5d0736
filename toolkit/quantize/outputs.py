"""Runs float and integer graphs on float inputs and gives real values back."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import TypeAlias

import numpy as np

from toolkit.ir import DType, Graph, QuantParams
from toolkit.ir.tensor import Array, dequantize, quantize
from toolkit.ops.execute import run_graph

#: One set of float inputs, by name, in the graph's layout.
Batch: TypeAlias = Mapping[str, Array]


class Step(dict[str, Array]):
    """A batch that is a step of a clip, with the states that the float network finds there; the
    next one of the clip has the next ``number``, which no other clip's has."""

    def __init__(self, values: Mapping[str, Array], number: int) -> None:
        super().__init__(values)
        self.number = number


def fed(graph: Graph, batch: Batch) -> dict[str, Array]:
    """The inputs as the graph takes them: floats as they are, others quantised."""
    values = {}
    for name in graph.inputs:
        tensor = graph.tensors[name]
        real = batch[name].reshape(tensor.shape)
        is_float = tensor.dtype is DType.FLOAT32
        values[name] = real if is_float else quantize(real, _quant(graph, name), tensor.dtype)
    return values


def real_outputs(graph: Graph, batches: Iterable[Batch]) -> Array:
    """Real outputs of a float or quantised graph, ``[cases, values]``, all free outputs flat; the
    batches of a graph with states run `in_turn`."""
    cases = in_turn(graph, batches)
    rows = [real_values(graph, [case[name] for name in graph.free_outputs]) for case in cases]
    return np.stack(rows)


def in_turn(
    graph: Graph,
    batches: Iterable[Batch],
    run: Callable[[Graph, Mapping[str, Array]], dict[str, Array]] = run_graph,
) -> Iterator[dict[str, Array]]:
    """Values of every tensor, batch by batch, each found by ``run``.

    A `Step` finds the states that the one before left, if that stands before it in its clip too;
    any other what it says itself.
    """
    left: dict[str, Array] = {}
    following = None
    for batch in batches:
        number = batch.number if isinstance(batch, Step) else None
        goes_on = number is not None and number == following
        values = run(graph, {**fed(graph, batch), **(left if goes_on else {})})
        left = {state.read: values[state.write] for state in graph.states}
        following = None if number is None else number + 1
        yield values


def as_steps(graph: Graph, batches: Iterable[Batch], recordings: Sequence[int] = ()) -> list[Batch]:
    """``batches`` of the free inputs of a float graph with states, one a step, with what each step
    finds; the states begin afresh with each of ``recordings`` (none: all are one)."""
    steps: list[Batch] = []
    found: dict[str, Array] = {}
    number = 0
    for index, batch in enumerate(batches):
        if index == 0 or (recordings and recordings[index] != recordings[index - 1]):
            found = {state.read: state.initial for state in graph.states}
            number += 1
        steps.append(Step({**batch, **found}, number))
        number += 1
        values = run_graph(graph, fed(graph, steps[-1]))
        found = {state.read: values[state.write] for state in graph.states}
    return steps


def renamed(batch: Batch, names: Sequence[str]) -> Batch:
    """The same arrays under other names, in their order."""
    values = dict(zip(names, batch.values(), strict=True))
    return Step(values, batch.number) if isinstance(batch, Step) else values


def real_values(graph: Graph, outputs: Sequence[Array]) -> Array:
    """All output values of one inference in real units, flat, from arrays in the order of the
    graph's free outputs."""
    pairs = zip(graph.free_outputs, outputs, strict=True)
    return np.concatenate([real(graph, name, values).ravel() for name, values in pairs])


def decoded(graph: Graph, outputs: Sequence[bytes]) -> list[Array]:
    """Outputs of one inference as flat arrays, from the bytes that a device wrote."""
    pairs = zip(graph.free_outputs, outputs, strict=True)
    return [np.frombuffer(data, graph.tensors[name].dtype.numpy) for name, data in pairs]


def real(graph: Graph, name: str, values: Array) -> Array:
    """Values of tensor ``name`` in real units."""
    is_float = graph.tensors[name].dtype is DType.FLOAT32
    return values if is_float else dequantize(values, _quant(graph, name))


def _quant(graph: Graph, name: str) -> QuantParams:
    quant = graph.tensors[name].quant
    assert quant is not None, name
    return quant
