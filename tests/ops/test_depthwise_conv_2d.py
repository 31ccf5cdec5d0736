"""DEPTHWISE_CONV_2D."""

from __future__ import annotations

import numpy as np

from tests.support.operators import add_input, add_node, assert_operator, quant
from tests.support.windows import ACTIVATIONS, add_weights, random_window
from toolkit.ir import GraphBuilder
from toolkit.ops.depthwise_conv_2d import DepthwiseConv2DAttrs


def case(builder: GraphBuilder, rng: np.random.Generator) -> str:
    in_h, in_w, in_c, multiplier = (int(n) for n in rng.integers((1, 1, 1, 1), (9, 9, 5, 4)))
    window = random_window(rng, in_h, in_w)
    x_quant = quant(rng)
    x = add_input(builder, (1, in_h, in_w, in_c), x_quant)
    shape = (1, window.kernel_h, window.kernel_w, in_c * multiplier)
    inputs = [x, *filter(None, add_weights(builder, rng, shape, 3, x_quant.tensor_scale))]
    attrs = DepthwiseConv2DAttrs(window, ACTIVATIONS[rng.integers(4)])
    return add_node(builder, "depthwise_conv_2d", inputs, quant(rng, 1e-3, 10), attrs)


def test_numpy_tflm_and_c_agree() -> None:
    assert_operator(case, 100)
