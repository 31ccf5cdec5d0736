"""LOG_SOFTMAX int8."""

from __future__ import annotations

import numpy as np
import pytest

from tests.support.operators import add_input, add_node, assert_all_agree, assert_operator, quant
from toolkit.errors import UnsupportedError
from toolkit.ir import GraphBuilder, QuantParams
from toolkit.ops.log_softmax import MAX_CLASSES

OUTPUT = QuantParams.per_tensor(16 / 256, 127)


def case(builder: GraphBuilder, rng: np.random.Generator) -> str:
    classes = int(rng.choice([1, 2, 3, 10, 12, 35, 100, MAX_CLASSES]))
    x = add_input(builder, (int(rng.integers(1, 4)), classes), quant(rng, 1e-6, 100))
    return add_node(builder, "log_softmax", [x], OUTPUT)


def test_numpy_tflm_and_c_agree() -> None:
    assert_operator(case, 100)


def test_sums_of_every_size() -> None:
    """Two values at every distance, and many, in scales that make sums of 1 to thousands."""
    builder, inputs = GraphBuilder("sums"), []
    pairs = np.stack([np.full(256, 127), np.arange(-128, 128)], -1)
    rng = np.random.default_rng(0)
    for scale in (2.0**-24, 0.003, 0.02, 0.1, 0.5, 40.0):
        for rows in (pairs, rng.integers(-128, 128, (60, 300))):
            x = add_input(builder, rows.shape, QuantParams.per_tensor(scale, 5))
            builder.outputs.append(add_node(builder, "log_softmax", [x], OUTPUT))
            inputs.append(rows.astype(np.int8)[None])
    assert_all_agree(builder.build(), inputs)


def test_scales_on_which_tflm_aborts_are_refused() -> None:
    builder = GraphBuilder("m")
    x = add_input(builder, (1, 3), QuantParams.per_tensor(2.0**-25, 0))
    builder.outputs.append(add_node(builder, "log_softmax", [x], OUTPUT))
    with pytest.raises(UnsupportedError, match="the input scale must be at least 2\\^-24"):
        assert_all_agree(builder.build())
