"""Names of a network's output values, in its metadata."""

from __future__ import annotations

import json

from toolkit.ir.graph import Graph

LABELS_KEY = "toolkit.labels"


def output_count(graph: Graph) -> int:
    """Number of output values of an inference."""
    return sum(graph.tensors[name].elements for name in graph.free_outputs)


def output_labels(graph: Graph, count: int | None = None) -> tuple[str, ...]:
    """Names of the output values (of ``count`` values, where that is given), from the metadata
    where it has them."""
    count = output_count(graph) if count is None else count
    try:
        labels = json.loads(graph.metadata.get(LABELS_KEY, "[]"))
    except (ValueError, RecursionError):
        labels = []
    if isinstance(labels, list) and len(labels) == count:
        return tuple(str(label) for label in labels)
    return tuple(f"output[{index}]" for index in range(count))
