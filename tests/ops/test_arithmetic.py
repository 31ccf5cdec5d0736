"""ADD, SUB and MUL: broadcasting, constants on either side, distant scales."""

from __future__ import annotations

from functools import partial

import numpy as np
import pytest

from tests.support.operators import (
    add_input,
    add_node,
    assert_all_agree,
    assert_operator,
    quant,
)
from tests.support.windows import ACTIVATIONS
from toolkit.ir import GraphBuilder, QuantParams
from toolkit.ops.parts.arithmetic import ArithmeticAttrs, broadcast

OPS = ["add", "sub", "mul"]


def shapes(rng: np.random.Generator) -> tuple[tuple[int, ...], tuple[int, ...]]:
    out = tuple(int(n) for n in rng.integers(1, 5, 4))
    kind = rng.integers(4)
    if kind == 0:
        return out, out
    if kind == 1:
        return out, out[-1:]
    if kind == 2:
        return (), out
    first = [bool(rng.integers(2)) for _ in out]
    second = [bool(rng.integers(2)) for _ in out]
    a = tuple(1 if one else size for size, one in zip(out, first, strict=True))
    b = tuple(1 if one else size for size, one in zip(out, second, strict=True))
    return a, b


def case(op: str, builder: GraphBuilder, rng: np.random.Generator) -> str:
    operands, constant = [], int(rng.integers(4))
    for index, shape in enumerate(shapes(rng)):
        x_quant = quant(rng, 1e-3, 1)
        if index == constant:
            values = rng.integers(-128, 128, shape).astype(np.int8)
            operands.append(builder.constant("c", values, x_quant))
        else:
            operands.append(add_input(builder, shape, x_quant))
    out_quant = quant(rng, 1e-3, 1)
    return add_node(builder, op, operands, out_quant, ArithmeticAttrs(ACTIVATIONS[rng.integers(4)]))


@pytest.mark.parametrize("op", OPS)
def test_numpy_tflm_and_c_agree(op: str) -> None:
    assert_operator(partial(case, op))


@pytest.mark.parametrize("op", OPS)
def test_all_pairs_of_values(op: str) -> None:
    builder = GraphBuilder("pairs")
    grid = np.meshgrid(np.arange(-128, 128), np.arange(-128, 128), indexing="ij")
    for a, b, out in ((0.5, 0.5, 0.5), (0.3, 0.004, 0.31), (0.011, 0.9, 0.7), (1.0, 0.5, 0.25)):
        x = add_input(builder, (256, 256), QuantParams.per_tensor(a, -128))
        y = add_input(builder, (256, 256), QuantParams.per_tensor(b, 3))
        quantisation = QuantParams.per_tensor(out, -7)
        builder.outputs.append(add_node(builder, op, [x, y], quantisation, ArithmeticAttrs()))
    graph = builder.build()
    inputs = [grid[i % 2].astype(np.int8)[None] for i in range(len(graph.inputs))]
    assert_all_agree(graph, inputs)


def test_equal_shapes_are_one_loop() -> None:
    loops = broadcast((1, 5, 7, 3), (1, 5, 7, 3))
    assert (loops.dims, loops.a_strides) == ((1, 1, 1, 105), (0, 0, 0, 1))


def test_a_value_per_channel_repeats() -> None:
    loops = broadcast((1, 5, 7, 3), (3,))
    assert loops.dims == (1, 1, 35, 3)
    assert (loops.a_strides, loops.b_strides) == ((0, 0, 3, 1), (0, 0, 0, 1))
