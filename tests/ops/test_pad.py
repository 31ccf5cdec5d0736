"""PAD and PADV2 int8 in up to four dimensions."""

from __future__ import annotations

from functools import partial

import numpy as np
import pytest

from tests.support.operators import add_input, add_node, assert_operator, quant
from toolkit.ir import GraphBuilder
from toolkit.ops.pad import PadAttrs
from toolkit.ops.pad_v2 import PadV2Attrs

OPS = ["pad", "pad_v2"]


def case(op: str, builder: GraphBuilder, rng: np.random.Generator) -> str:
    rank, x_quant = int(rng.integers(1, 5)), quant(rng)
    x = add_input(builder, tuple(int(n) for n in rng.integers(1, 5, rank)), x_quant)
    paddings = tuple((int(a), int(b)) for a, b in rng.integers(0, 3, (rank, 2)))
    value = int(rng.integers(-128, 128))
    attrs = PadAttrs(paddings) if op == "pad" else PadV2Attrs(paddings, value)
    return add_node(builder, op, [x], x_quant, attrs)


@pytest.mark.parametrize("op", OPS)
def test_numpy_tflm_and_c_agree(op: str) -> None:
    assert_operator(partial(case, op))
