"""L2_NORMALIZATION int8."""

from __future__ import annotations

import numpy as np

from tests.support.operators import add_input, add_node, assert_all_agree, assert_operator, quant
from toolkit.ir import GraphBuilder, QuantParams
from toolkit.ops.l2_normalization import MAX_VALUES

OUTPUT = QuantParams.per_tensor(1 / 128, 0)


def case(builder: GraphBuilder, rng: np.random.Generator) -> str:
    values = int(rng.choice([1, 2, 3, 10, 64, 500]))
    x = add_input(builder, (int(rng.integers(1, 4)), values), quant(rng, 1e-4, 10))
    return add_node(builder, "l2_normalization", [x], OUTPUT)


def test_numpy_tflm_and_c_agree() -> None:
    assert_operator(case, 100)


def test_sums_of_every_size() -> None:
    """Rows of one value, of two and of the most, which meet every power of two."""
    builder, inputs = GraphBuilder("sums"), []
    grid = np.meshgrid(np.arange(-128, 128), np.arange(-128, 128), indexing="ij")
    pairs = np.stack(grid, -1).reshape(-1, 2)
    most = np.linspace(-128, 127, 9).repeat(MAX_VALUES).reshape(9, MAX_VALUES)
    for rows in (pairs[:, :1], pairs, most):
        x = add_input(builder, rows.shape, QuantParams.per_tensor(0.1, -128))
        builder.outputs.append(add_node(builder, "l2_normalization", [x], OUTPUT))
        inputs.append(rows.astype(np.int8)[None])
    assert_all_agree(builder.build(), inputs)
