"""AVERAGE_POOL_2D and MAX_POOL_2D, windows of the whole input included."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import numpy as np
import pytest

from tests.support.kernel import run_graph_in_c
from tests.support.operators import (
    add_input,
    add_node,
    assert_operator,
    case_inputs,
    pack,
    quant,
)
from tests.support.oracle import run_numpy
from tests.support.windows import ACTIVATIONS, random_window
from toolkit.errors import ModelError
from toolkit.ir import GraphBuilder
from toolkit.ops.parts.window import Window, WindowedAttrs, padding_rule
from toolkit.tflite.read import read_tflite
from toolkit.tflite.write import write_tflite

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


def tall(op: str, builder: GraphBuilder, rng: np.random.Generator) -> str:
    """More rows than kernels hold pointers to, over one column."""
    in_h, channels = int(rng.integers(40, 90)), int(rng.integers(1, 6))
    kernel = int(rng.integers(33, in_h))
    window = Window(kernel, 1, int(rng.integers(1, 4)))
    x_quant = quant(rng)
    x = add_input(builder, (1, in_h, 1, channels), x_quant)
    return add_node(builder, op, [x], x_quant, WindowedAttrs(window, ACTIVATIONS[rng.integers(4)]))


@pytest.mark.parametrize("op", OPS)
def test_windows_of_any_height_over_one_column(op: str) -> None:
    assert_operator(partial(tall, op), 12)


def padded(builder: GraphBuilder, rng: np.random.Generator) -> str:
    in_h, in_w, channels = (int(n) for n in rng.integers((3, 3, 1), (9, 9, 5)))
    x_quant = quant(rng)
    x = add_input(builder, (1, in_h, in_w, channels), x_quant)
    attrs = WindowedAttrs(random_window(rng, in_h, in_w, dilated=False), ACTIVATIONS[1])
    return add_node(builder, "average_pool_padded", [x], x_quant, attrs)


def test_padding_that_tflite_has_no_rule_for() -> None:
    graph = pack(padded, 40)
    inputs = case_inputs(graph)
    expected = run_numpy(graph, inputs)
    again = read_tflite(write_tflite(graph), "again")
    assert [node.attrs for node in again.nodes] == [node.attrs for node in graph.nodes]
    for want, got in zip(expected, run_numpy(again, inputs), strict=True):
        np.testing.assert_array_equal(got, want)
    for case, rows in enumerate(zip(*inputs, strict=True)):
        values = run_graph_in_c(graph, dict(zip(graph.inputs, rows, strict=True)))
        for name, want in zip(graph.outputs, expected, strict=True):
            np.testing.assert_array_equal(values[name], want[case])


def test_damaged_options_of_a_padded_pool_are_refused() -> None:
    data = write_tflite(pack(padded, 1))
    with pytest.raises(ModelError, match="options of kind"):
        read_tflite(data.replace(b"TKAV", b"XXXX"), "bad")
