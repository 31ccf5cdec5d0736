"""QUANTIZE between int8 and int16."""

from __future__ import annotations

from functools import partial

import numpy as np
import pytest

from tests.support.operators import add_input, add_node, assert_operator, scale, zero_point
from toolkit.ir import DType, GraphBuilder, QuantParams

INT8, INT16 = DType.INT8, DType.INT16
PAIRS = [(INT8, INT8), (INT8, INT16), (INT16, INT8), (INT16, INT16)]


def parameters(dtype: DType, rng: np.random.Generator) -> QuantParams:
    if dtype is INT8:
        return QuantParams.per_tensor(scale(rng, 1e-3, 1), zero_point(rng))
    return QuantParams.per_tensor(scale(rng, 1e-4, 1e-1), 0)


def case(source: DType, target: DType, builder: GraphBuilder, rng: np.random.Generator) -> str:
    x = add_input(builder, (1, 7, 5), parameters(source, rng), source)
    return add_node(builder, "quantize", [x], parameters(target, rng), None, target)


@pytest.mark.parametrize(("source", "target"), PAIRS)
def test_numpy_tflm_and_c_agree(source: DType, target: DType) -> None:
    assert_operator(partial(case, source, target))
