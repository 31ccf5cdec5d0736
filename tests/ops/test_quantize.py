"""QUANTIZE between int8 and int16."""

from __future__ import annotations

import numpy as np
import pytest

from tests.support.operators import add_input, add_node, assert_operator, scale, zero_point
from toolkit.ir import DType, GraphBuilder, QuantParams

INT8, INT16 = DType.INT8, DType.INT16


@pytest.mark.parametrize(
    ("source", "target"), [(INT8, INT8), (INT8, INT16), (INT16, INT8), (INT16, INT16)]
)
def test_numpy_tflm_and_c_agree(source: DType, target: DType) -> None:
    def case(builder: GraphBuilder, rng: np.random.Generator) -> str:
        def parameters(dtype: DType) -> QuantParams:
            low = 1e-3 if dtype is INT8 else 1e-4
            return QuantParams.per_tensor(
                scale(rng, low, 1000 * low), zero_point(rng) if dtype is INT8 else 0
            )

        x = add_input(builder, (1, 7, 5), parameters(source), source)
        return add_node(builder, "quantize", [x], parameters(target), None, target)

    assert_operator(case)
