"""TRANSPOSE of int8 and int16 tensors of 1 to 5 dimensions."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from tests.support.operators import AddCase, add_input, add_node, assert_all_agree, assert_operator
from toolkit.errors import ModelError
from toolkit.ir import DType, Graph, GraphBuilder, QuantParams
from toolkit.ops import OPERATORS
from toolkit.ops.parts.base import TimeBehaviour, view
from toolkit.ops.transpose import TransposeAttrs
from toolkit.tflite.read import read_tflite
from toolkit.tflite.write import write_tflite

QUANT = QuantParams.per_tensor(0.1, 0)


def case(dtype: DType) -> AddCase:
    def add(builder: GraphBuilder, rng: np.random.Generator) -> str:
        rank = int(rng.integers(1, 6))
        shape = tuple(int(n) for n in rng.integers(1, 6, rank))
        perm = tuple(int(axis) for axis in rng.permutation(rank))
        x = add_input(builder, shape, QUANT, dtype)
        return add_node(builder, "transpose", [x], QUANT, TransposeAttrs(perm), dtype)

    return add


@pytest.mark.parametrize("dtype", [DType.INT8, DType.INT16])
def test_numpy_tflm_and_c_agree(dtype: DType) -> None:
    assert_operator(case(dtype), 600)


def test_every_permutation_of_four_dimensions() -> None:
    builder = GraphBuilder("all")
    for perm in itertools.permutations(range(4)):
        x = add_input(builder, (2, 3, 4, 5), QUANT)
        builder.outputs.append(add_node(builder, "transpose", [x], QUANT, TransposeAttrs(perm)))
    assert_all_agree(builder.build())


def one(perm: tuple[int, ...] = (0, 2, 1)) -> Graph:
    builder = GraphBuilder("one")
    x = add_input(builder, (1, 2, 3), QUANT)
    builder.outputs.append(add_node(builder, "transpose", [x], QUANT, TransposeAttrs(perm)))
    return builder.build()


def test_the_permutation_lives_in_the_attributes_alone() -> None:
    again = read_tflite(write_tflite(one()), "again")
    assert again.nodes[0].attrs == TransposeAttrs((0, 2, 1))
    assert len(again.nodes[0].inputs) == 1
    assert set(again.tensors) == {*again.inputs, *again.outputs}


def test_a_permutation_that_repeats_an_axis_is_a_model_error() -> None:
    data = write_tflite(one())
    perm = np.array([0, 2, 1], np.int32).tobytes()
    assert data.count(perm) == 1
    with pytest.raises(ModelError, match="permutation"):
        read_tflite(data.replace(perm, np.array([0, 1, 1], np.int32).tobytes()), "bad")


def test_time_streams_where_its_axis_stays() -> None:
    graph = one()
    behaviour = OPERATORS["transpose"].time_behaviour
    assert behaviour(view(graph, graph.nodes[0]), 0) is TimeBehaviour.ROW_LOCAL
    assert behaviour(view(graph, graph.nodes[0]), 1) is TimeBehaviour.OPAQUE
