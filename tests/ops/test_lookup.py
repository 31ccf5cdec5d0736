"""Functions of one int8 value (RELU, RELU6, LOGISTIC, TANH, HARD_SWISH), over every value."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import numpy as np
import pytest

from tests.support.kernel import run_graph_in_c
from tests.support.operators import add_input, add_node, assert_all_agree, pack, quant
from toolkit.ir import GraphBuilder, QuantParams
from toolkit.ir.tensor import Array
from toolkit.ops.execute import run_graph
from toolkit.ops.parts.lookup import INT8_VALUES

OUTPUTS = {"logistic": (1 / 256, -128), "tanh": (1 / 128, 0)}


def case(op: str, builder: GraphBuilder, rng: np.random.Generator) -> str:
    x_quant = quant(rng, 1e-4, 10)
    out_quant = {
        "relu": quant(rng, 1e-3, 10),
        "relu6": x_quant,
        "hard_swish": quant(rng, x_quant.tensor_scale / 100, x_quant.tensor_scale * 9),
    }.get(op) or QuantParams.per_tensor(*OUTPUTS[op])
    return add_node(builder, op, [add_input(builder, (256,), x_quant)], out_quant)


@pytest.mark.parametrize("op", ["relu", "relu6", "logistic", "tanh", "hard_swish"])
def test_every_value_agrees(op: str) -> None:
    graph = pack(partial(case, op), 100)
    assert_all_agree(graph, [INT8_VALUES[None]] * 100)


@pytest.mark.parametrize(
    ("op", "function", "out"),
    [
        ("sqrt", lambda x: np.sqrt(np.maximum(x, 0)), (0.02, -128)),
        ("exp", np.exp, (0.5, -120)),
    ],
)
def test_other_functions_give_the_nearest_value(
    op: str, function: Callable[[Array], Array], out: tuple[float, int]
) -> None:
    builder = GraphBuilder(op)
    x = add_input(builder, (256,), QuantParams.per_tensor(0.05, -100))
    builder.outputs.append(add_node(builder, op, [x], QuantParams.per_tensor(*out)))
    graph = builder.build()
    values = {"x": INT8_VALUES}
    have = run_graph(graph, values)["y"]
    real = function(0.05 * (INT8_VALUES.astype(np.float64) + 100))
    assert np.abs(np.clip(real / out[0] + out[1], -128, 127) - have).max() <= 0.5 + 1e-6
    np.testing.assert_array_equal(run_graph_in_c(graph, values)["y"], have)
