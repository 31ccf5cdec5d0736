"""MAXIMUM and MINIMUM (TFLM compares the integers), PRELU, LEAKY_RELU, SQUARED_DIFFERENCE."""

from __future__ import annotations

from functools import partial

import numpy as np
import pytest

from tests.ops.test_arithmetic import shapes
from tests.support.operators import (
    add_input,
    add_node,
    assert_all_agree,
    assert_operator,
    pack,
    quant,
)
from toolkit.ir import DType, GraphBuilder, QuantParams
from toolkit.ops.leaky_relu import LeakyReluAttrs
from toolkit.ops.parts.arithmetic import ArithmeticAttrs
from toolkit.ops.parts.lookup import INT8_VALUES

OPS = ("maximum", "minimum")


def case(op: str, dtype: DType, builder: GraphBuilder, rng: np.random.Generator) -> str:
    scale = quant(rng) if dtype is DType.INT8 else QuantParams.per_tensor(0.01, 0)
    operands, constant, (low, high) = [], int(rng.integers(4)), dtype.limits
    for index, shape in enumerate(shapes(rng)):
        if index == constant:
            values = rng.integers(low, high + 1, shape).astype(dtype.numpy)
            operands.append(builder.constant("c", values, scale))
        else:
            operands.append(add_input(builder, shape, scale, dtype))
    return add_node(builder, op, operands, scale, ArithmeticAttrs(), dtype)


@pytest.mark.parametrize("op", OPS)
def test_numpy_tflm_and_c_agree(op: str) -> None:
    assert_operator(partial(case, op, DType.INT8))


@pytest.mark.parametrize("op", OPS)
def test_int16_in_c(op: str) -> None:
    assert_operator(partial(case, op, DType.INT16), 20, tflm=False)


def prelu_case(builder: GraphBuilder, rng: np.random.Generator) -> str:
    shape = tuple(int(n) for n in rng.integers(1, 6, 4))
    slopes = rng.integers(-128, 128, shape[3 - rng.integers(2) :]).astype(np.int8)
    slopes = slopes if slopes.ndim == 1 else slopes[:1]
    x = add_input(builder, shape, quant(rng, 1e-3, 1))
    constant = builder.constant("slopes", slopes, quant(rng, 1e-3, 1e-1))
    return add_node(builder, "prelu", [x, constant], quant(rng, 1e-3, 1), ArithmeticAttrs())


def test_prelu() -> None:
    assert_operator(prelu_case)


def leaky_case(builder: GraphBuilder, rng: np.random.Generator) -> str:
    x = add_input(builder, (256,), quant(rng, 1e-3, 1))
    alpha = float(np.float32(rng.uniform(0.001, 1)))
    return add_node(builder, "leaky_relu", [x], quant(rng, 1e-3, 1), LeakyReluAttrs(alpha))


def test_leaky_relu_of_every_value() -> None:
    assert_all_agree(pack(leaky_case, 60), [INT8_VALUES[None]] * 60)


def square_case(builder: GraphBuilder, rng: np.random.Generator) -> str:
    scales = [quant(rng, 1e-2, 1) for _ in range(2)]
    operands = [add_input(builder, s, q) for s, q in zip(shapes(rng), scales, strict=True)]
    larger = 2 * max(q.tensor_scale for q in scales)
    out = quant(rng, larger**2 / (1 << 13), larger**2)
    return add_node(builder, "squared_difference", operands, out, ArithmeticAttrs())


def test_squared_difference() -> None:
    assert_operator(square_case)
