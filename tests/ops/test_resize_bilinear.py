"""RESIZE_BILINEAR int8."""

from __future__ import annotations

import numpy as np

from tests.support.operators import add_input, add_node, assert_operator, quant
from toolkit.ir import GraphBuilder
from toolkit.ops.resize_bilinear import ResizeBilinearAttrs


def case(builder: GraphBuilder, rng: np.random.Generator) -> str:
    """Of any size, one axis as often unchanged as not."""
    height, width, channels = (int(v) for v in rng.integers(1, 9, 3))
    quantisation = quant(rng)
    x = add_input(builder, (1, height, width, channels), quantisation)
    made = [int(v) if rng.integers(2) else None for v in rng.integers(1, 20, 2)]
    aligned, half = ((False, False), (True, False), (False, True))[rng.integers(3)]
    attrs = ResizeBilinearAttrs(
        None if made[0] == height else made[0], None if made[1] == width else made[1], aligned, half
    )
    return add_node(builder, "resize_bilinear", [x], quantisation, attrs)


def test_numpy_tflm_and_c_agree() -> None:
    assert_operator(case, 80)
