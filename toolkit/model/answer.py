"""What the outputs for a recording amount to, whatever its length: values that have names.

An output without time counts as it is, one with time by the means of its rows over the recording;
of a network with states the last step counts.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np

from toolkit.errors import NotStreamableError
from toolkit.ir import Graph
from toolkit.ir.labels import output_labels
from toolkit.ir.tensor import Array
from toolkit.measurement import Issue
from toolkit.plan.row_outputs import Layout
from toolkit.plan.time_axis import find_time_axis
from toolkit.quantize.outputs import real

#: Of the outputs with time: where it is in each, and how many rows the graph has.
_Rows: TypeAlias = Mapping[str, tuple[Layout, int]]


@dataclass(frozen=True, eq=False)
class Answer:
    """How the outputs of a graph become values; ``labels`` are their names."""

    graph: Graph
    rows: _Rows
    labels: tuple[str, ...]

    @property
    def issues(self) -> tuple[Issue, ...]:
        """What the values of outputs with time are."""
        names = ", ".join(map(repr, self.rows))
        note = f"values shown of outputs with time are the means of their rows: {names}"
        return (Issue("outputs.rows", note),) if names else ()

    def values(self, outputs: Sequence[Array]) -> Array:
        """Real values, flat, from arrays of any shape in the order of the outputs."""
        pairs = zip(self.graph.free_outputs, outputs, strict=True)
        return np.concatenate([self._values(name, array) for name, array in pairs])

    def _values(self, name: str, array: Array) -> Array:
        values = real(self.graph, name, array).reshape(-1)
        if name not in self.rows:
            return values
        layout, rows = self.rows[name]
        shape = self.graph.tensors[name].shape
        count = values.size * rows // math.prod(shape)
        split = (*shape[: layout.axis], count, layout.values, *shape[layout.axis + 1 :])
        means: Array = values.reshape(split).mean(layout.axis).reshape(-1)
        return means


def answer_of(graph: Graph) -> Answer:
    """How the outputs of ``graph``, float or integer, become values."""
    rows = _rows(graph)
    sizes = ((n, math.prod(graph.tensors[n].shape)) for n in graph.free_outputs)
    count = sum(size // rows[name][1] if name in rows else size for name, size in sizes)
    return Answer(graph, rows, output_labels(graph, count))


def _rows(graph: Graph) -> _Rows:
    if graph.states:
        return {}  # a step is all there is
    try:
        time = find_time_axis(graph)
    except NotStreamableError:
        return {}
    found = {}
    for output in time.row_outputs:
        layout, _ = time.layouts.get(output.name, (Layout(), None))
        found[output.name] = layout, time.counts[output.rows].rows(time.frames)
    return found
