"""REDUCE_MAX of int8 tensors over every set of neighbouring axes; int16 by C alone."""

from __future__ import annotations

import numpy as np

from tests.ops.test_mean import AXES
from tests.support.kernel import run_graph_in_c
from tests.support.operators import add_input, add_node, assert_operator, pack, quant
from toolkit.ir import DType, GraphBuilder, QuantParams
from toolkit.ops.execute import run_graph
from toolkit.ops.parts.reduction import ReductionAttrs


def attributes(rng: np.random.Generator) -> ReductionAttrs:
    return ReductionAttrs(AXES[rng.integers(len(AXES))], bool(rng.integers(2)))


def shape(rng: np.random.Generator) -> tuple[int, ...]:
    return (1, *(int(n) for n in rng.integers(1, 9, 3)))


def case(builder: GraphBuilder, rng: np.random.Generator) -> str:
    scale = quant(rng)
    x = add_input(builder, shape(rng), scale)
    return add_node(builder, "reduce_max", [x], scale, attributes(rng))


def test_numpy_tflm_and_c_agree() -> None:
    assert_operator(case, 60)


def test_int16_in_c() -> None:
    def wide(builder: GraphBuilder, rng: np.random.Generator) -> str:
        scale = QuantParams.per_tensor(0.01, 0)
        x = add_input(builder, shape(rng), scale, DType.INT16)
        return add_node(builder, "reduce_max", [x], scale, attributes(rng), DType.INT16)

    graph, rng = pack(wide, 20), np.random.default_rng(0)
    values = {
        name: rng.integers(-32768, 32768, graph.tensors[name].shape).astype(np.int16)
        for name in graph.inputs
    }
    want, have = run_graph(graph, values), run_graph_in_c(graph, values)
    for name in graph.outputs:
        np.testing.assert_array_equal(have[name], want[name])
