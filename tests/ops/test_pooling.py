"""AVERAGE_POOL_2D and MAX_POOL_2D, windows of the whole input included."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import numpy as np
import pytest

from tests.support.operators import add_input, add_node, assert_operator, quant
from tests.support.windows import ACTIVATIONS, random_window
from toolkit.ir import GraphBuilder
from toolkit.ops.parts.window import Window, WindowedAttrs, padding_rule

OPS = ["average_pool_2d", "max_pool_2d"]


def windowed(op: str, builder: GraphBuilder, rng: np.random.Generator) -> str:
    in_h, in_w, channels = (int(n) for n in rng.integers((1, 1, 1), (9, 9, 5)))
    window = random_window(rng, in_h, in_w, dilated=False)
    while op == "average_pool_2d" and padding_rule(window, in_h, in_w) is None:
        window = random_window(rng, in_h, in_w, dilated=False)  # no TFLite form
    x_quant = quant(rng)
    x = add_input(builder, (1, in_h, in_w, channels), x_quant)
    return add_node(builder, op, [x], x_quant, WindowedAttrs(window, ACTIVATIONS[rng.integers(4)]))


def whole_input(op: str, builder: GraphBuilder, rng: np.random.Generator) -> str:
    in_h, in_w, channels = (int(n) for n in rng.integers((1, 1, 1), (60, 9, 5)))
    x_quant = quant(rng)
    x = add_input(builder, (1, in_h, in_w, channels), x_quant)
    attrs = WindowedAttrs(Window(in_h, in_w, in_h, in_w), ACTIVATIONS[rng.integers(4)])
    return add_node(builder, op, [x], x_quant, attrs)


@pytest.mark.parametrize("op", OPS)
@pytest.mark.parametrize("add", [windowed, whole_input])
def test_numpy_tflm_and_c_agree(op: str, add: Callable[..., str]) -> None:
    assert_operator(partial(add, op))
