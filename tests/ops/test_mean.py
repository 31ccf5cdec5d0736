"""MEAN int8 over every set of neighbouring axes."""

from __future__ import annotations

import numpy as np

from tests.support.operators import add_input, add_node, assert_operator, quant
from toolkit.ir import GraphBuilder
from toolkit.ops.mean import MeanAttrs

AXES = [(1,), (2,), (3,), (1, 2), (2, 1), (2, 3), (1, 2, 3), (-1,), (-3, -2), (0, 1), (0, 1, 2, 3)]


def case(builder: GraphBuilder, rng: np.random.Generator) -> str:
    size = 1 if rng.random() < 0.2 else int(rng.integers(1, 40))
    x = add_input(builder, (1, size, *map(int, rng.integers(1, 7, 2))), quant(rng, 1e-3, 1))
    attrs = MeanAttrs(AXES[rng.integers(len(AXES))], bool(rng.integers(2)))
    return add_node(builder, "mean", [x], quant(rng, 1e-3, 1), attrs)


def test_numpy_tflm_and_c_agree() -> None:
    assert_operator(case, 100)


def test_long_clip() -> None:
    def long(builder: GraphBuilder, rng: np.random.Generator) -> str:
        x = add_input(builder, (1, int(rng.integers(1000, 30000)), 1, 3), quant(rng, 1e-3, 1))
        return add_node(builder, "mean", [x], quant(rng, 1e-3, 1), MeanAttrs((1,)))

    assert_operator(long, 8)
