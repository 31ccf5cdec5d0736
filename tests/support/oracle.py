"""Builds small quantised graphs and holds numpy against the reference interpreters."""

from __future__ import annotations

import numpy as np

from toolkit.ir import Graph
from toolkit.ir.tensor import Array
from toolkit.ops.execute import run_graph
from toolkit.tflite.oracle import run_litert_reference, run_tflm
from toolkit.tflite.write import write_tflite

__all__ = ["assert_matches_tflm", "random_inputs", "run_litert_reference", "run_numpy", "run_tflm"]


def random_inputs(graph: Graph, cases: int, seed: int = 0) -> list[Array]:
    """One array per graph input, cases first, over the whole range of its integer type."""
    rng = np.random.default_rng(seed)
    return [
        rng.integers(*t.dtype.limits, (cases, *t.shape), t.dtype.numpy, endpoint=True)
        for t in (graph.tensors[name] for name in graph.inputs)
    ]


def run_numpy(graph: Graph, inputs: list[Array]) -> list[Array]:
    """The integer reference on every case: one array per graph output, cases first."""
    results = []
    for case in zip(*inputs, strict=True):
        values = run_graph(graph, dict(zip(graph.inputs, case, strict=True)))
        results.append([values[name] for name in graph.outputs])
    return [np.stack(outputs) for outputs in zip(*results, strict=True)]


def assert_matches_tflm(graph: Graph, cases: int = 20, seed: int = 0) -> None:
    """The numpy reference gives TFLM's bytes on random inputs of a builtin-only graph."""
    inputs = random_inputs(graph, cases, seed)
    expected = run_tflm(write_tflite(graph), inputs).outputs
    for want, got, name in zip(expected, run_numpy(graph, inputs), graph.outputs, strict=True):
        assert got.dtype == want.dtype, name
        differing = int(np.count_nonzero(got.reshape(want.shape) != want))
        assert differing == 0, f"{name}: {differing} of {want.size} values differ from TFLM"
