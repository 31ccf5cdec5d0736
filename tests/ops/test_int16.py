"""Operators on int16 activations: numpy, TFLM and C give the same bits."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import numpy as np
import pytest

from tests.ops.test_arithmetic import shapes as operand_shapes
from tests.ops.test_mean import AXES
from tests.support.operators import add_input, add_node, assert_operator, scale
from tests.support.windows import ACTIVATIONS, random_window
from toolkit.ir import DType, GraphBuilder, QuantParams
from toolkit.ops.mean import MeanAttrs
from toolkit.ops.pad import PadAttrs
from toolkit.ops.parts.arithmetic import ArithmeticAttrs
from toolkit.ops.parts.window import Window, WindowedAttrs, padding_rule


def symmetric(rng: np.random.Generator, low: float, high: float) -> QuantParams:
    return QuantParams.per_tensor(scale(rng, low, high), 0)


def weights(
    builder: GraphBuilder,
    rng: np.random.Generator,
    shape: tuple[int, ...],
    axis: int,
    in_scale: float,
) -> list[str]:
    """Random int8 weights per channel and, mostly, an int64 bias."""
    channels = shape[axis]
    scales = np.array([scale(rng, 1e-3, 1e-1) for _ in range(channels)], np.float32)
    zeros = (0,) * channels
    axis = axis if channels > 1 else None  # type: ignore[assignment]
    values = rng.integers(-127, 128, shape).astype(np.int8)
    names = [builder.constant("w", values, QuantParams(tuple(map(float, scales)), zeros, axis))]
    if rng.random() < 0.8:
        bias_scales = (scales * np.float32(in_scale)).astype(np.float32)
        quant = QuantParams(tuple(map(float, bias_scales)), zeros, None if axis is None else 0)
        bias = rng.integers(-(10**9), 10**9, channels).astype(np.int64)
        names.append(builder.constant("b", bias, quant))
    return names


def convolution(op: str, builder: GraphBuilder, rng: np.random.Generator) -> str:
    in_h, in_w, in_c, factor = (int(n) for n in rng.integers((1, 1, 1, 1), (9, 9, 5, 5)))
    window = random_window(rng, in_h, in_w)
    x_quant = symmetric(rng, 1e-6, 1e-3)
    x = add_input(builder, (1, in_h, in_w, in_c), x_quant, DType.INT16)
    kernel = (window.kernel_h, window.kernel_w)
    depthwise = op == "depthwise_conv_2d"
    shape = (1, *kernel, in_c * factor) if depthwise else (factor, *kernel, in_c)
    inputs = [x, *weights(builder, rng, shape, 3 if depthwise else 0, x_quant.tensor_scale)]
    attrs = WindowedAttrs(window, ACTIVATIONS[rng.integers(4)])
    return add_node(builder, op, inputs, symmetric(rng, 1e-4, 1e-1), attrs, DType.INT16)


def arithmetic(op: str, builder: GraphBuilder, rng: np.random.Generator) -> str:
    operands, constant = [], int(rng.integers(4))
    for index, shape in enumerate(operand_shapes(rng)):
        quant = symmetric(rng, 1e-4, 1e-2)
        if index == constant:
            values = rng.integers(-32767, 32768, shape).astype(np.int16)
            operands.append(builder.constant("c", values, quant))
        else:
            operands.append(add_input(builder, shape, quant, DType.INT16))
    attrs = ArithmeticAttrs(ACTIVATIONS[rng.integers(4)])
    return add_node(builder, op, operands, symmetric(rng, 1e-3, 1e-2), attrs, DType.INT16)


def pool(op: str, builder: GraphBuilder, rng: np.random.Generator) -> str:
    in_h, in_w, channels = (int(n) for n in rng.integers((1, 1, 1), (9, 9, 5)))
    window = Window(in_h, in_w, in_h, in_w)
    if rng.integers(2):
        window = random_window(rng, in_h, in_w, dilated=False)
        while op == "average_pool_2d" and padding_rule(window, in_h, in_w) is None:
            window = random_window(rng, in_h, in_w, dilated=False)
    quant = symmetric(rng, 1e-5, 1e-3)
    x = add_input(builder, (1, in_h, in_w, channels), quant, DType.INT16)
    attrs = WindowedAttrs(window, ACTIVATIONS[rng.integers(4)])
    return add_node(builder, op, [x], quant, attrs, DType.INT16)


def mean(op: str, builder: GraphBuilder, rng: np.random.Generator) -> str:
    size = 1 if rng.random() < 0.2 else int(rng.integers(1, 40))
    shape = (1, size, *map(int, rng.integers(1, 7, 2)))
    x = add_input(builder, shape, symmetric(rng, 1e-5, 1e-3), DType.INT16)
    attrs = MeanAttrs(AXES[rng.integers(len(AXES))], bool(rng.integers(2)))
    low = 1e-4 if op == "mean" else 1e-3
    return add_node(builder, op, [x], symmetric(rng, low, 10 * low), attrs, DType.INT16)


def padding(op: str, builder: GraphBuilder, rng: np.random.Generator) -> str:
    quant = symmetric(rng, 1e-5, 1e-3)
    x = add_input(builder, (1, *map(int, rng.integers(1, 6, 3))), quant, DType.INT16)
    edges = [(int(a), int(b)) for a, b in rng.integers(0, 3, (4, 2))]
    return add_node(builder, op, [x], quant, PadAttrs(tuple(edges)), DType.INT16)


def long_sum(builder: GraphBuilder, rng: np.random.Generator) -> str:
    """More products than a 32-bit sum holds, every weight at the end of its range."""
    in_c = int(rng.integers(500, 2100))
    x_quant = symmetric(rng, 1e-6, 1e-5)
    x = add_input(builder, (1, 1, 2, in_c), x_quant, DType.INT16)
    values = np.full((2, 1, 1, in_c), 127, np.int8)
    values[1] = -127
    names = [builder.constant("w", values, symmetric(rng, 1e-3, 1e-2))]
    out = symmetric(rng, 1e-3, 1e-2)
    return add_node(builder, "conv_2d", [x, *names], out, WindowedAttrs(Window(1, 1)), DType.INT16)


def test_sums_beyond_32_bits() -> None:
    assert_operator(long_sum, 20)


OPS: list[tuple[str, Callable[..., str]]] = [
    ("conv_2d", convolution),
    ("depthwise_conv_2d", convolution),
    ("add", arithmetic),
    ("sub", arithmetic),
    ("mul", arithmetic),
    ("average_pool_2d", pool),
    ("max_pool_2d", pool),
    ("mean", mean),
    ("sum", mean),
    ("pad", padding),
]


@pytest.mark.parametrize(("op", "add"), OPS)
def test_numpy_tflm_and_c_agree(op: str, add: Callable[..., str]) -> None:
    assert_operator(partial(add, op), 60)
