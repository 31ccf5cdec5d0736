"""FULLY_CONNECTED, int8 and int16, one weight scale and one an output."""

from __future__ import annotations

import numpy as np

from tests.support.operators import add_input, add_node, assert_operator, quant, scale
from tests.support.windows import ACTIVATIONS, add_weights
from toolkit.ir import DType, GraphBuilder, QuantParams
from toolkit.ops.fully_connected import FullyConnectedAttrs


def shapes(rng: np.random.Generator) -> tuple[tuple[int, ...], int, bool]:
    """Input shape, depth, and whether the output keeps the leading dimensions."""
    depth = int(rng.integers(1, 40))
    keep = bool(rng.integers(2))
    leading = [(1,), (3,), (1, 2), (1, 3, 2)][rng.integers(4)]
    return (*leading, depth), depth, keep


def case_int8(builder: GraphBuilder, rng: np.random.Generator) -> str:
    shape, depth, keep = shapes(rng)
    x_quant = quant(rng)
    x = add_input(builder, shape, x_quant)
    axis = 0 if rng.integers(2) else None
    size = (int(rng.integers(1, 12)), depth)
    inputs = [x, *filter(None, add_weights(builder, rng, size, axis, x_quant.tensor_scale))]
    attrs = FullyConnectedAttrs(ACTIVATIONS[rng.integers(4)], keep)
    return add_node(builder, "fully_connected", inputs, quant(rng, 1e-3, 10), attrs)


def case_int16(builder: GraphBuilder, rng: np.random.Generator) -> str:
    shape, depth, keep = shapes(rng)
    x_quant = QuantParams.per_tensor(scale(rng, 1e-6, 1e-3), 0)
    x = add_input(builder, shape, x_quant, DType.INT16)
    outputs, w_scale = int(rng.integers(1, 12)), scale(rng, 1e-3, 1e-1)
    weights = builder.constant(
        "w",
        rng.integers(-127, 128, (outputs, depth)).astype(np.int8),
        QuantParams.per_tensor(w_scale, 0),
    )
    bias = builder.constant(
        "b",
        rng.integers(-(10**9), 10**9, outputs).astype(np.int64),
        QuantParams.per_tensor(float(np.float32(w_scale * x_quant.tensor_scale)), 0),
    )
    out = QuantParams.per_tensor(scale(rng, 1e-4, 1e-1), 0)
    attrs = FullyConnectedAttrs(ACTIVATIONS[rng.integers(4)], keep)
    inputs = [x, weights, bias] if rng.random() < 0.8 else [x, weights]
    return add_node(builder, "fully_connected", inputs, out, attrs, DType.INT16)


def test_int8_numpy_tflm_and_c_agree() -> None:
    assert_operator(case_int8)


def test_int16_numpy_tflm_and_c_agree() -> None:
    assert_operator(case_int16)
