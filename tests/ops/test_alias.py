"""RESHAPE, SQUEEZE and EXPAND_DIMS."""

from __future__ import annotations

import numpy as np
import pytest

from tests.support.operators import add_input, add_node, assert_operator, quant
from toolkit.errors import ModelError
from toolkit.ir import GraphBuilder, QuantParams, Tensor
from toolkit.ir.tensor import DType
from toolkit.ops.check import check_operators
from toolkit.ops.expand_dims import ExpandDimsAttrs
from toolkit.ops.reshape import ReshapeAttrs
from toolkit.ops.squeeze import SqueezeAttrs

CASES = [
    ("reshape", (1, 4, 3, 2), ReshapeAttrs((1, 24))),
    ("reshape", (1, 4, 3, 2), ReshapeAttrs((2, 3, 4))),
    ("squeeze", (1, 4, 1, 2), SqueezeAttrs((2,))),
    ("squeeze", (1, 4, 1, 2), SqueezeAttrs((-2, 0))),
    ("squeeze", (1, 4, 1, 2), SqueezeAttrs()),
    ("expand_dims", (4, 3), ExpandDimsAttrs(1)),
    ("expand_dims", (4, 3), ExpandDimsAttrs(-1)),
]


def test_numpy_tflm_and_c_agree() -> None:
    def case(builder: GraphBuilder, rng: np.random.Generator) -> str:
        op, shape, attrs = CASES[len(builder.inputs)]
        x_quant = quant(rng)
        return add_node(builder, op, [add_input(builder, shape, x_quant)], x_quant, attrs)

    assert_operator(case, len(CASES))


@pytest.mark.parametrize(
    ("op", "attrs"),
    [
        ("reshape", ReshapeAttrs((1, 23))),
        ("squeeze", SqueezeAttrs((1,))),
        ("squeeze", SqueezeAttrs((7,))),
        ("expand_dims", ExpandDimsAttrs(9)),
    ],
)
def test_impossible_shapes_are_named(op: str, attrs: object) -> None:
    builder, parameters = GraphBuilder("bad"), QuantParams.per_tensor(0.1, 0)
    x = add_input(builder, (1, 4, 3, 2), parameters)
    out = Tensor("y", (1, 24), DType.INT8, parameters)
    builder.outputs.append(builder.add_node(op, [x], out, attrs, "bad one"))
    with pytest.raises(ModelError, match="node 'bad one'"):
        check_operators(builder.build())
