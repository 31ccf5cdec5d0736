"""Tables of functions of one value, over every value; no interpreter of others has the operator."""

from __future__ import annotations

from functools import partial

import numpy as np
import pytest

from tests.support.operators import add_input, add_node, assert_all_agree, pack, quant
from toolkit.ir import DType, Graph, GraphBuilder, Node, QuantParams, Tensor
from toolkit.ops.execute import run_graph
from toolkit.ops.numerics.functions import ARGUMENT, Formula, Result, Step, formula
from toolkit.ops.parts.base import NodeView
from toolkit.ops.table import Table, TableAttrs

KINDS = ((DType.INT8, DType.INT8), (DType.INT8, DType.INT16), (DType.INT16, DType.INT16))

FORMULAS = (
    formula("erf"),
    formula("log"),
    formula("clip", -1, 0.5),
    Formula((Step("exp", (ARGUMENT,)), Step("mul", (Result(0), ARGUMENT)))),
)


def add_table(builder: GraphBuilder, made: Formula, x: str, out: QuantParams, dtype: DType) -> str:
    source = builder.tensors[x]
    output = Tensor("y", source.shape, dtype, out)
    real = TableAttrs(made)
    bare = NodeView(Node("y", "table", (x,), ("y",), real), (source,), (output,), real)
    return add_node(builder, "table", [x], out, Table().integer_form(bare)[1], dtype)


def case(kinds: tuple[DType, DType], builder: GraphBuilder, rng: np.random.Generator) -> str:
    quants = [
        quant(rng, 1e-3, 1) if kind is DType.INT8
        else QuantParams.per_tensor(float(rng.uniform(1e-5, 1e-2)), 0)
        for kind in kinds
    ]  # fmt: skip
    low, high = kinds[0].limits
    x = add_input(builder, (high - low + 1,), quants[0], kinds[0])
    made = FORMULAS[rng.integers(len(FORMULAS))]
    return add_table(builder, made, x, quants[1], kinds[1])


@pytest.mark.parametrize("kinds", KINDS)
def test_numpy_c_and_the_file_agree_on_every_value(kinds: tuple[DType, DType]) -> None:
    graph = pack(partial(case, kinds), 8)
    low, high = kinds[0].limits
    values = np.arange(low, high + 1).astype(kinds[0].numpy)
    assert_all_agree(graph, [values[None]] * 8, tflm=False)


def single(kinds: tuple[DType, DType], made: Formula, x: QuantParams, out: QuantParams) -> Graph:
    builder, (low, high) = GraphBuilder("table"), kinds[0].limits
    name = add_input(builder, (high - low + 1,), x, kinds[0])
    builder.outputs.append(add_table(builder, made, name, out, kinds[1]))
    return builder.build()


def test_between_entries_it_is_straight() -> None:
    """tanh(x) / 2 of 16 bits: what is off are two roundings, and what a straight line misses, h^2/8
    times the most that it curves (0.385), in steps of the output."""
    made = Formula((Step("tanh", (ARGUMENT,)), Step("mul", (Result(0), 0.5))))
    fine, out = QuantParams.per_tensor(0.05 / 128, 0), QuantParams.per_tensor(1 / 8192, 0)
    graph = single(KINDS[2], made, fine, out)
    values = np.arange(-32768, 32768).astype(np.int16)
    have = run_graph(graph, {"x": values})["y"]
    exact = made(values * fine.tensor_scale) / out.tensor_scale
    assert np.abs(have - exact).max() <= 1.01 + 0.05**2 / 8 * 0.385 * 8192


def test_where_it_is_no_number_the_nearest_argument_counts() -> None:
    x, out = QuantParams.per_tensor(0.05, 10), QuantParams.per_tensor(1 / 64, 0)
    graph = single(KINDS[0], formula("sqrt"), x, out)
    values = np.arange(-128, 128).astype(np.int8)
    have = run_graph(graph, {"x": values})["y"]
    assert (have[values < 10] == 0).all() and have[values == 10] == 0
    assert have[values == 110] == 127
