"""DIV of int8 tensors: every pair of values, and the divisor that TFLM aborts on; of int16 tensors,
which TFLM has not, against real numbers."""

from __future__ import annotations

from functools import partial

import numpy as np

from tests.ops.test_arithmetic import shapes
from tests.support.kernel import run_graph_in_c
from tests.support.operators import add_input, add_node, assert_all_agree, pack, scale
from toolkit.ir import DType, Graph, GraphBuilder, QuantParams
from toolkit.ops.execute import run_graph
from toolkit.ops.numerics.activation import Activation
from toolkit.ops.parts.arithmetic import ArithmeticAttrs

#: Scales of dividend, divisor and quotient, for which no quotient is beyond TFLM's arithmetic.
SCALES = [(0.5, 0.5, 0.01), (0.3, 0.004, 0.31), (0.011, 0.9, 0.0001), (1.0, 0.5, 0.03)]


def divided(dividend: int, divisor: int, activation: Activation = Activation.NONE) -> Graph:
    """All pairs at each of the scales, with those zero points."""
    builder = GraphBuilder("pairs")
    for a, b, out in SCALES:
        x = add_input(builder, (254, 254), QuantParams.per_tensor(a, dividend))
        y = add_input(builder, (254, 254), QuantParams.per_tensor(b, divisor))
        quant = QuantParams.per_tensor(out, -7)
        builder.outputs.append(add_node(builder, "div", [x, y], quant, ArithmeticAttrs(activation)))
    return builder.build()


def pairs(first: int) -> list[np.ndarray]:
    """All dividends and divisors, these from ``first`` on."""
    grid = np.meshgrid(np.arange(-127, 127), np.arange(first, first + 254), indexing="ij")
    return [grid[i % 2].astype(np.int8)[None] for i in range(2 * len(SCALES))]


def test_all_pairs_of_values_agree() -> None:
    assert_all_agree(divided(-128, -128), pairs(-127))
    assert_all_agree(divided(3, 127, Activation.RELU), pairs(-127))


def test_quotients_far_below_a_step_are_zero() -> None:
    builder = GraphBuilder("small")
    x = add_input(builder, (254, 254), QuantParams.per_tensor(0.5, -128))
    y = add_input(builder, (254, 254), QuantParams.per_tensor(0.5, -128))
    quant = QuantParams.per_tensor(0.5, -7)
    builder.outputs.append(add_node(builder, "div", [x, y], quant, ArithmeticAttrs()))
    graph = builder.build()
    values = dict(zip(graph.inputs, [pair[0] for pair in pairs(-127)], strict=False))
    want, have = run_graph(graph, values)["y"], run_graph_in_c(graph, values)["y"]
    np.testing.assert_array_equal(have, want)
    a, b = (values[name].astype(np.float64) + 128 for name in graph.inputs)
    assert np.abs(np.clip(a / b / 0.5 - 7, -128, 127) - want).max() < 0.51


def test_operands_broadcast() -> None:
    builder = GraphBuilder("broadcast")
    x = add_input(builder, (1, 5, 4), QuantParams.per_tensor(0.1, 3))
    y = add_input(builder, (1, 5, 1), QuantParams.per_tensor(0.2, -128))
    quant = QuantParams.per_tensor(0.005, 1)
    builder.outputs.append(add_node(builder, "div", [x, y], quant, ArithmeticAttrs()))
    rng = np.random.default_rng(0)
    inputs = [
        rng.integers(-127, 128, (8, *shape)).astype(np.int8) for shape in ((1, 5, 4), (1, 5, 1))
    ]
    assert_all_agree(builder.build(), inputs)


def test_a_divisor_of_zero_counts_as_one_step() -> None:
    graph = divided(3, 0)
    values = {name: np.full((254, 254), 5, np.int8) for name in graph.inputs}
    ones = {name: values[name] for name in graph.inputs}
    for name in graph.inputs[1::2]:
        values[name] = np.zeros((254, 254), np.int8)
        ones[name] = np.ones((254, 254), np.int8)
    expected = run_graph(graph, ones)
    for have in (run_graph(graph, values), run_graph_in_c(graph, values)):
        for name in graph.outputs:
            np.testing.assert_array_equal(have[name], expected[name])


def wide_case(dtype: DType, builder: GraphBuilder, rng: np.random.Generator) -> str:
    operands = [
        add_input(builder, shape, QuantParams.per_tensor(scale(rng, 1e-4, 1e-2), 0), dtype)
        for shape in shapes(rng)
    ]
    a, b = (builder.tensors[name].scale for name in operands)
    out = QuantParams.per_tensor(float(np.float32(a / b / 2.0 ** rng.uniform(-20, 23))), 0)
    attrs = ArithmeticAttrs(list(Activation)[rng.integers(4)])
    return add_node(builder, "div", operands, out, attrs, dtype)


def test_quotients_in_16_bits_are_near() -> None:
    graph = pack(partial(wide_case, DType.INT16), 40)
    assert_all_agree(graph, tflm=False)
    rng = np.random.default_rng(1)
    a = rng.integers(-32768, 32768, 4000).astype(np.int16)
    b = np.concatenate([np.arange(-1000, 0), np.arange(1, 1001), rng.integers(1, 32768, 2000)])
    builder = GraphBuilder("near")
    names = [
        add_input(builder, (4000,), QuantParams.per_tensor(s, 0), DType.INT16) for s in (0.01, 0.02)
    ]
    for out in (1e-7, 1e-4, 0.01, 3.0):
        params = QuantParams.per_tensor(out, 0)
        made = add_node(builder, "div", names, params, ArithmeticAttrs(), DType.INT16)
        builder.outputs.append(made)
    graph = builder.build()
    found = run_graph(graph, dict(zip(names, (a, b.astype(np.int16)), strict=True)))
    for name in graph.outputs:
        exact = np.clip(a / b * 0.5 / graph.tensors[name].scale, -32768, 32767)
        assert np.abs(found[name] - exact).max() < 0.52
