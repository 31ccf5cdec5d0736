"""SOFTMAX int8."""

from __future__ import annotations

import numpy as np

from tests.support.operators import add_input, add_node, assert_operator, quant
from toolkit.ir import GraphBuilder, QuantParams
from toolkit.ops.softmax import SoftmaxAttrs
from toolkit.ops.softmax_int8 import MAX_CLASSES


def case(builder: GraphBuilder, rng: np.random.Generator) -> str:
    classes = int(rng.choice([1, 2, 3, 10, 12, 35, 100, MAX_CLASSES]))
    x = add_input(builder, (int(rng.integers(1, 4)), classes), quant(rng, 1e-4, 10))
    beta = float(np.float32(rng.choice([1.0, 0.1, 3.0])))
    out = QuantParams.per_tensor(1 / 256, -128)
    return add_node(builder, "softmax", [x], out, SoftmaxAttrs(beta))


def test_int8_numpy_tflm_and_c_agree() -> None:
    assert_operator(case, 100)
