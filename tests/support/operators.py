"""Holds an operator's numpy reference, its C kernel and TFLM against each other.

Many random single-operator cases become one graph of independent nodes, so that the oracle starts
once and the kernels compile once.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from tests.support.kernel import run_graph_in_c
from tests.support.oracle import run_numpy
from toolkit.ir import DType, Graph, GraphBuilder, Node, QuantParams, Tensor
from toolkit.ir.tensor import Array
from toolkit.ops import OPERATORS
from toolkit.ops.check import check_operators
from toolkit.ops.parts.base import NodeView
from toolkit.tflite.oracle import run_tflm
from toolkit.tflite.read import read_tflite
from toolkit.tflite.write import write_tflite

#: Adds one random case to a graph and returns its output's name.
AddCase = Callable[[GraphBuilder, np.random.Generator], str]


def scale(rng: np.random.Generator, low: float = 1e-4, high: float = 1.0) -> float:
    """A float32 scale, evenly distributed over the orders of magnitude; every second one is short
    in decimals, so that results meet rounding ties."""
    value = np.exp(rng.uniform(np.log(low), np.log(high)))
    return float(np.float32(value if rng.integers(2) else f"{value:.2g}"))


def zero_point(rng: np.random.Generator) -> int:
    """An int8 zero point, the ends as often as the rest."""
    return int(rng.choice([-128, 127, 0, int(rng.integers(-128, 128))]))


def quant(rng: np.random.Generator, low: float = 1e-4, high: float = 1.0) -> QuantParams:
    return QuantParams.per_tensor(scale(rng, low, high), zero_point(rng))


def add_input(
    builder: GraphBuilder,
    shape: tuple[int, ...],
    quantisation: QuantParams,
    dtype: DType = DType.INT8,
) -> str:
    return builder.add_input(Tensor("x", shape, dtype, quantisation))


def add_node(
    builder: GraphBuilder,
    op: str,
    inputs: list[str | None],
    quantisation: QuantParams,
    attrs: object = None,
    dtype: DType = DType.INT8,
) -> str:
    """Append a node whose output has the shape the operator infers."""
    tensors = tuple(None if name is None else builder.tensors[name] for name in inputs)
    bare = NodeView(Node("y", op, tuple(inputs), (), attrs), tensors, (), attrs)
    shape = OPERATORS[op].infer_shape(bare)
    return builder.add_node(op, inputs, Tensor("y", shape, dtype, quantisation), attrs, "y")


def pack(add_case: AddCase, count: int, seed: int = 0) -> Graph:
    """One graph of ``count`` independent random cases."""
    builder, rng = GraphBuilder("cases"), np.random.default_rng(seed)
    for _ in range(count):
        builder.outputs.append(add_case(builder, rng))
    return builder.build()


def case_inputs(graph: Graph, seed: int = 0) -> list[Array]:
    """For every input: the ends of its type, uniform noise, values near the zero point."""
    rng = np.random.default_rng(seed)
    inputs = []
    for name in graph.inputs:
        tensor = graph.tensors[name]
        low, high = tensor.dtype.limits
        shape, kind = tensor.shape, tensor.dtype.numpy
        near = np.clip(tensor.zero_point + rng.integers(-9, 10, shape), low, high)
        inputs.append(
            np.stack(
                [
                    np.full(shape, low, kind),
                    np.full(shape, high, kind),
                    rng.integers(low, high, shape, kind, endpoint=True),
                    rng.choice(np.array([low, high], kind), shape),
                    near.astype(kind),
                ]
            )
        )
    return inputs


def assert_all_agree(graph: Graph, inputs: list[Array] | None = None, tflm: bool = True) -> None:
    """numpy == TFLM (unless it lacks the operator) == C, and the graph survives a round trip
    through a file."""
    check_operators(graph)
    inputs = case_inputs(graph) if inputs is None else inputs
    model = write_tflite(graph)
    expected = run_numpy(graph, inputs)
    if tflm:
        _assert_equal(graph, "TFLM", expected, list(run_tflm(model, inputs).outputs))
    _assert_equal(graph, "C", expected, _run_c(graph, inputs))
    again = read_tflite(model, "again")
    check_operators(again)
    _assert_equal(graph, "the file read back", expected, run_numpy(again, inputs))


def assert_operator(add_case: AddCase, count: int = 60, seed: int = 0, tflm: bool = True) -> None:
    assert_all_agree(pack(add_case, count, seed), tflm=tflm)


def _run_c(graph: Graph, inputs: list[Array]) -> list[Array]:
    results = []
    for case in zip(*inputs, strict=True):
        values = run_graph_in_c(graph, dict(zip(graph.inputs, case, strict=True)))
        results.append([values[name] for name in graph.outputs])
    return [np.stack(outputs) for outputs in zip(*results, strict=True)]


def _assert_equal(graph: Graph, who: str, expected: list[Array], got: list[Array]) -> None:
    problems = []
    for name, want, have in zip(graph.outputs, expected, got, strict=True):
        assert have.dtype == want.dtype, f"{who}: {name} is {have.dtype}, not {want.dtype}"
        differing = int(np.count_nonzero(have.reshape(want.shape) != want))
        if differing:
            node = graph.producer(name)
            problems.append(f"{name}: {differing} of {want.size} values ({node})")
    assert not problems, f"{who} differs from numpy in {len(problems)} cases: {problems[0]}"
