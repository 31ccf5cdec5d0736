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
    scale,
)
from toolkit.ir import DType, GraphBuilder, QuantParams
from toolkit.ops.leaky_relu import LeakyReluAttrs
from toolkit.ops.parts.arithmetic import ArithmeticAttrs

OPS = ("maximum", "minimum")


def case(op: str, dtype: DType, builder: GraphBuilder, rng: np.random.Generator) -> str:
    params = quant(rng) if dtype is DType.INT8 else QuantParams.per_tensor(0.01, 0)
    operands, constant, (low, high) = [], int(rng.integers(4)), dtype.limits
    for index, shape in enumerate(shapes(rng)):
        if index == constant:
            values = rng.integers(low, high + 1, shape).astype(dtype.numpy)
            operands.append(builder.constant("c", values, params))
        else:
            operands.append(add_input(builder, shape, params, dtype))
    return add_node(builder, op, operands, params, ArithmeticAttrs(), dtype)


@pytest.mark.parametrize("op", OPS)
def test_numpy_tflm_and_c_agree(op: str) -> None:
    assert_operator(partial(case, op, DType.INT8))


@pytest.mark.parametrize("op", OPS)
def test_int16_in_c(op: str) -> None:
    assert_operator(partial(case, op, DType.INT16), 20, tflm=False)


def parameters(
    dtype: DType, rng: np.random.Generator, low: float = 1e-3, high: float = 1.0
) -> QuantParams:
    """Scales of int16 are 2^-8 of those of int8, its zero points 0."""
    if dtype is DType.INT8:
        return quant(rng, low, high)
    return QuantParams.per_tensor(scale(rng, low / 256, high / 256), 0)


BOTH = (DType.INT8, DType.INT16)


def prelu_case(dtype: DType, builder: GraphBuilder, rng: np.random.Generator) -> str:
    shape = tuple(int(n) for n in rng.integers(1, 6, 4))
    slopes = rng.integers(-128, 128, shape[3 - rng.integers(2) :]).astype(np.int8)
    slopes = slopes if slopes.ndim == 1 else slopes[:1]
    x = add_input(builder, shape, parameters(dtype, rng, 1e-2), dtype)
    constant = builder.constant("slopes", slopes, quant(rng, 1e-3, 1e-1))
    out = parameters(dtype, rng, 3e-2)
    return add_node(builder, "prelu", [x, constant], out, ArithmeticAttrs(), dtype)


@pytest.mark.parametrize("dtype", BOTH)
def test_prelu(dtype: DType) -> None:
    assert_operator(partial(prelu_case, dtype))


def leaky_case(dtype: DType, builder: GraphBuilder, rng: np.random.Generator) -> str:
    low, high = dtype.limits
    x = add_input(builder, (high - low + 1,), parameters(dtype, rng), dtype)
    attrs = LeakyReluAttrs(float(np.float32(rng.uniform(0.001, 1))))
    return add_node(builder, "leaky_relu", [x], parameters(dtype, rng), attrs, dtype)


@pytest.mark.parametrize("dtype", BOTH)
def test_leaky_relu_of_every_value(dtype: DType) -> None:
    low, high = dtype.limits
    values = np.arange(low, high + 1).astype(dtype.numpy)[None]
    assert_all_agree(pack(partial(leaky_case, dtype), 60), [values] * 60)


def square_case(dtype: DType, builder: GraphBuilder, rng: np.random.Generator) -> str:
    scales = [parameters(dtype, rng, 1e-2) for _ in range(2)]
    operands = [add_input(builder, s, q, dtype) for s, q in zip(shapes(rng), scales, strict=True)]
    larger = 2 * max(q.tensor_scale for q in scales)
    least = larger**2 / (1 << 13) if dtype is DType.INT8 else 1.1 * larger**2
    out = QuantParams.per_tensor(scale(rng, least, 8000 * least), 0)
    return add_node(builder, "squared_difference", operands, out, ArithmeticAttrs(), dtype)


@pytest.mark.parametrize("dtype", BOTH)
def test_squared_difference(dtype: DType) -> None:
    assert_operator(partial(square_case, dtype))
