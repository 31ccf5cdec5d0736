"""CONV_2D."""

from __future__ import annotations

import numpy as np

from tests.support.operators import add_input, add_node, assert_operator, pack, quant
from tests.support.windows import ACTIVATIONS, add_weights, random_window
from toolkit.ir import GraphBuilder
from toolkit.ops.conv_2d import Conv2DAttrs
from toolkit.ops.kernels import kernel_call
from toolkit.ops.parts.base import view
from toolkit.ops.parts.window import Window


def case(builder: GraphBuilder, rng: np.random.Generator) -> str:
    in_h, in_w, in_c, out_c = (int(n) for n in rng.integers((1, 1, 1, 1), (9, 9, 5, 6)))
    window = random_window(rng, in_h, in_w)
    x_quant = quant(rng)
    x = add_input(builder, (1, in_h, in_w, in_c), x_quant)
    shape = (out_c, window.kernel_h, window.kernel_w, in_c)
    axis = 0 if rng.random() < 0.8 else None
    inputs = [x, *filter(None, add_weights(builder, rng, shape, axis, x_quant.tensor_scale))]
    attrs = Conv2DAttrs(window, ACTIVATIONS[rng.integers(4)])
    return add_node(builder, "conv_2d", inputs, quant(rng, 1e-3, 10), attrs)


def test_numpy_tflm_and_c_agree() -> None:
    assert_operator(case, 100)


def tall(builder: GraphBuilder, rng: np.random.Generator) -> str:
    """More rows than kernels hold pointers to, over one column."""
    in_h, in_c, out_c = (int(n) for n in rng.integers((40, 1, 1), (90, 4, 4)))
    window = Window(int(rng.integers(33, 40)), 1, int(rng.integers(1, 4)))
    x_quant = quant(rng)
    x = add_input(builder, (1, in_h, 1, in_c), x_quant)
    shape = (out_c, window.kernel_h, 1, in_c)
    inputs = [x, *filter(None, add_weights(builder, rng, shape, 0, x_quant.tensor_scale))]
    return add_node(builder, "conv_2d", inputs, quant(rng, 1e-3, 10), Conv2DAttrs(window))


def test_kernels_of_any_height_over_one_column() -> None:
    assert_operator(tall, 12)


def whole(builder: GraphBuilder, rng: np.random.Generator) -> str:
    """One window that is the whole input, often a single pixel."""
    in_h, in_w, in_c, out_c = (int(n) for n in rng.integers((1, 1, 1, 1), (3, 4, 40, 9)))
    window = Window(in_h, in_w, *(int(n) for n in rng.integers(1, 3, 2)))
    x_quant = quant(rng)
    x = add_input(builder, (1, in_h, in_w, in_c), x_quant)
    shape = (out_c, in_h, in_w, in_c)
    inputs = [x, *filter(None, add_weights(builder, rng, shape, 0, x_quant.tensor_scale))]
    attrs = Conv2DAttrs(window, ACTIVATIONS[rng.integers(4)])
    return add_node(builder, "conv_2d", inputs, quant(rng, 1e-3, 10), attrs)


def test_a_window_that_is_the_whole_input_runs_as_a_dense_layer() -> None:
    graph = pack(whole, 3)
    kernels = {kernel_call(view(graph, node)).kernel for node in graph.nodes}
    assert kernels == {"tk_fully_connected_s8"}
    assert_operator(whole, 40)
