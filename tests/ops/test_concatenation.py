"""CONCATENATION of 2 to 4 int8 or int16 tensors along any axis."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from tests.support.operators import AddCase, add_input, add_node, assert_operator, pack
from toolkit.errors import ToolkitError
from toolkit.ir import DType, Graph, GraphBuilder, QuantParams
from toolkit.ops.check import check_operators
from toolkit.ops.concatenation import ConcatenationAttrs

QUANT = QuantParams.per_tensor(0.1, 0)


def case(dtype: DType, count: int | None = None) -> AddCase:
    def add(builder: GraphBuilder, rng: np.random.Generator) -> str:
        rank = int(rng.integers(1, 5))
        axis = int(rng.integers(rank))
        shape = [int(n) for n in rng.integers(1, 6, rank)]
        inputs: list[str | None] = []
        for _ in range(count or int(rng.integers(2, 5))):
            shape[axis] = int(rng.integers(1, 6))
            inputs.append(add_input(builder, tuple(shape), QUANT, dtype))
        return add_node(builder, "concatenation", inputs, QUANT, ConcatenationAttrs(axis), dtype)

    return add


@pytest.mark.parametrize("dtype", [DType.INT8, DType.INT16])
def test_numpy_tflm_and_c_agree(dtype: DType) -> None:
    assert_operator(case(dtype), 600)


def refused(graph: Graph, rule: str) -> None:
    with pytest.raises(ToolkitError, match=rule):
        check_operators(graph)


def test_five_inputs_are_refused() -> None:
    refused(pack(case(DType.INT8, 5), 1), "2 to 4 inputs")


@pytest.mark.parametrize("dtype", [DType.INT8, DType.INT16])
def test_unequal_scales_are_refused(dtype: DType) -> None:
    """TFLM would copy an int16 input of another scale without a word."""
    graph = pack(case(dtype, 2), 1)
    name = graph.inputs[1]
    other = replace(graph.tensors[name], quant=QuantParams.per_tensor(0.2, 0))
    refused(replace(graph, tensors={**graph.tensors, name: other}), "scale and zero point")
