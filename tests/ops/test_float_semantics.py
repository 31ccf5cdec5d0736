"""The integer reference stays within rounding of the operator's float semantics."""

from __future__ import annotations

from functools import partial

import numpy as np
import pytest

from tests.ops import (
    test_arithmetic,
    test_conv_2d,
    test_depthwise_conv_2d,
    test_fully_connected,
    test_lookup,
    test_mean,
    test_pooling,
    test_quantize,
    test_softmax,
)
from tests.support.operators import AddCase, case_inputs, pack
from toolkit.ir import QuantParams, Tensor
from toolkit.ir.tensor import Array, dequantize, quantize
from toolkit.ops import OPERATORS
from toolkit.ops.parts.base import view

CASES: dict[str, AddCase] = {
    "conv_2d": test_conv_2d.case,
    "depthwise_conv_2d": test_depthwise_conv_2d.case,
    "fully_connected": test_fully_connected.case_int8,
    "mean": test_mean.case,
    "softmax": test_softmax.case,
    "quantize": partial(test_quantize.case, *test_quantize.PAIRS[0]),
    **{op: partial(test_arithmetic.case, op) for op in test_arithmetic.OPS},
    **{op: partial(test_pooling.windowed, op) for op in test_pooling.OPS},
    **{op: partial(test_lookup.case, op) for op in ("relu", "relu6", "logistic", "tanh")},
}


def real(tensor: Tensor, values: Array) -> Array:
    quant = tensor.quant
    assert quant is not None
    if quant.axis is not None and values.ndim == 1:
        quant = QuantParams(quant.scale, quant.zero_point, 0)
    return dequantize(values, quant)


@pytest.mark.parametrize("op", CASES)
def test_within_one_step(op: str) -> None:
    graph = pack(CASES[op], 40, seed=11)
    data = dict(zip(graph.inputs, case_inputs(graph, seed=11), strict=True))
    for node in graph.nodes:
        operator, node_view = OPERATORS[node.op], view(graph, node)
        tensors = [t for t in node_view.inputs if t is not None]
        for case in range(5):
            values = [t.values if t.is_constant else data[t.name][case] for t in tensors]
            got = operator.run_int(node_view, values).astype(int)
            reals = [real(t, v) for t, v in zip(tensors, values, strict=True)]
            assert node_view.output.quant is not None
            exact = operator.run_float(node_view, reals)
            want = quantize(exact, node_view.output.quant, node_view.output.dtype)
            assert np.abs(got - want).max(initial=0) <= 1, node
