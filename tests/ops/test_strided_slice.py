"""STRIDED_SLICE of int8 and int16 tensors of 1 to 4 dimensions."""

from __future__ import annotations

import numpy as np
import pytest

from tests.support.operators import AddCase, add_input, add_node, assert_operator
from toolkit.errors import UnsupportedError
from toolkit.ir import DType, Graph, GraphBuilder, QuantParams
from toolkit.ops import OPERATORS
from toolkit.ops.parts.base import TimeBehaviour, view
from toolkit.ops.strided_slice import WHOLE, Range, StridedSliceAttrs
from toolkit.tflite.read import read_tflite
from toolkit.tflite.write import write_tflite

QUANT = QuantParams.per_tensor(0.1, 0)


def case(dtype: DType) -> AddCase:
    def add(builder: GraphBuilder, rng: np.random.Generator) -> str:
        shape = tuple(int(n) for n in rng.integers(1, 7, int(rng.integers(1, 5))))
        ranges = []
        for size in shape:
            start = int(rng.integers(0, size))
            stop = int(rng.integers(start + 1, size + 1))
            first = start - size if start and rng.integers(2) else start
            last = None if stop == size else stop - size if rng.integers(2) else stop
            ranges.append((first, last, int(rng.integers(1, 4))))
        x = add_input(builder, shape, QUANT, dtype)
        return add_node(
            builder, "strided_slice", [x], QUANT, StridedSliceAttrs(tuple(ranges)), dtype
        )

    return add


@pytest.mark.parametrize("dtype", [DType.INT8, DType.INT16])
def test_numpy_tflm_and_c_agree(dtype: DType) -> None:
    assert_operator(case(dtype), 300)


def one(*ranges: tuple[int, int | None, int]) -> Graph:
    builder = GraphBuilder("one")
    x = add_input(builder, (1, 6, 5), QUANT)
    attrs = StridedSliceAttrs(ranges)
    builder.outputs.append(add_node(builder, "strided_slice", [x], QUANT, attrs))
    return builder.build()


def test_ranges_survive_a_file_in_the_attributes_alone() -> None:
    graph = one((0, None, 1), (1, -2, 2), (-3, None, 1))
    again = read_tflite(write_tflite(graph), "again")
    assert again.nodes[0].attrs == graph.nodes[0].attrs
    assert len(again.nodes[0].inputs) == 1


def test_backwards_is_refused() -> None:
    data = write_tflite(one((0, None, 1), (1, 5, 2), (2, None, 1)))
    steps = np.array([1, 2, 1], np.int32).tobytes()
    assert data.count(steps) == 1
    with pytest.raises(UnsupportedError, match="steps must be positive; got -2"):
        read_tflite(data.replace(steps, np.array([1, -2, 1], np.int32).tobytes()), "bad")


@pytest.mark.parametrize(
    ("part", "expected"),
    [
        (WHOLE, TimeBehaviour.ROW_LOCAL),
        ((2, None, 1), TimeBehaviour.WINDOWED),
        ((0, -2, 1), TimeBehaviour.WINDOWED),
        ((1, -1, 3), TimeBehaviour.WINDOWED),
        ((0, 3, 1), TimeBehaviour.REDUCING),
        ((-1, None, 1), TimeBehaviour.REDUCING),
        ((-4, -1, 2), TimeBehaviour.REDUCING),
        ((-4, 3, 1), TimeBehaviour.OPAQUE),
    ],
)
def test_what_is_kept_of_time(part: Range, expected: TimeBehaviour) -> None:
    graph = one(WHOLE, part, WHOLE)
    assert OPERATORS["strided_slice"].time_behaviour(view(graph, graph.nodes[0]), 1) is expected


def test_a_part_of_the_last_frames_is_opaque() -> None:
    graph = one(WHOLE, (-2, None, 1), (1, None, 1))
    behaviour = OPERATORS["strided_slice"].time_behaviour(view(graph, graph.nodes[0]), 1)
    assert behaviour is TimeBehaviour.OPAQUE
