"""What streaming needs of the operators: their time behaviour, and kernels that take rows."""

from __future__ import annotations

import ctypes

import numpy as np
import pytest

from tests.support.kernel import kernel_library, parameter_struct, reduce_rows, window_row
from tests.support.operators import add_input, add_node
from toolkit.ir import DType, GraphBuilder, QuantParams
from toolkit.ops import OPERATORS
from toolkit.ops.fully_connected import FullyConnectedAttrs
from toolkit.ops.mean import MeanAttrs
from toolkit.ops.pad import PadAttrs
from toolkit.ops.parts.arithmetic import ArithmeticAttrs
from toolkit.ops.parts.base import NodeView, TimeBehaviour, view
from toolkit.ops.parts.rows import row_view
from toolkit.ops.parts.window import Window, WindowedAttrs
from toolkit.ops.reshape import ReshapeAttrs
from toolkit.ops.softmax import SoftmaxAttrs
from toolkit.ops.squeeze import SqueezeAttrs
from toolkit.ops.strided_slice import WHOLE, Range, StridedSliceAttrs

ROW_LOCAL, WINDOWED = TimeBehaviour.ROW_LOCAL, TimeBehaviour.WINDOWED
REDUCING, OPAQUE = TimeBehaviour.REDUCING, TimeBehaviour.OPAQUE
QUANT = QuantParams.per_tensor(0.1, 3)
SHAPE = (1, 20, 4, 2)

Rule = tuple[str, tuple[int, ...], object, TimeBehaviour]
RULES: list[Rule] = [
    ("max_pool_2d", SHAPE, WindowedAttrs(Window(3, 3)), WINDOWED),
    ("average_pool_2d", SHAPE, WindowedAttrs(Window(20, 4)), REDUCING),
    ("average_pool_2d", SHAPE, WindowedAttrs(Window(20, 2)), WINDOWED),
    ("mean", SHAPE, MeanAttrs((1,)), REDUCING),
    ("mean", SHAPE, MeanAttrs((2,)), ROW_LOCAL),
    ("relu", SHAPE, None, ROW_LOCAL),
    ("softmax", SHAPE, SoftmaxAttrs(), ROW_LOCAL),
    ("softmax", (1, 20), SoftmaxAttrs(), OPAQUE),
    ("pad", SHAPE, PadAttrs(((0, 0), (1, 0), (0, 0), (0, 0))), WINDOWED),
    ("pad", SHAPE, PadAttrs(((0, 0), (0, 0), (1, 1), (0, 0))), ROW_LOCAL),
    ("reshape", SHAPE, ReshapeAttrs((1, 20, 8)), ROW_LOCAL),
    ("reshape", SHAPE, ReshapeAttrs((1, 160)), OPAQUE),
    ("squeeze", (1, 20, 1, 2), SqueezeAttrs((2,)), ROW_LOCAL),
]


def single(op: str, shapes: list[tuple[int, ...]], attrs: object, constant: int = -1) -> NodeView:
    builder = GraphBuilder("one")
    names = [
        builder.constant("c", np.ones(shape, np.int8), QUANT)
        if index == constant
        else add_input(builder, shape, QUANT)
        for index, shape in enumerate(shapes)
    ]
    builder.outputs.append(add_node(builder, op, list(names), QUANT, attrs))
    graph = builder.build()
    return view(graph, graph.nodes[0])


@pytest.mark.parametrize(("op", "shape", "attrs", "expected"), RULES)
def test_behaviour_along_the_first_axis_after_batch(
    op: str, shape: tuple[int, ...], attrs: object, expected: TimeBehaviour
) -> None:
    assert OPERATORS[op].time_behaviour(single(op, [shape], attrs), 1) is expected


@pytest.mark.parametrize(
    ("other", "constant", "expected"),
    [
        (SHAPE, False, ROW_LOCAL),  # two signals
        ((2,), True, ROW_LOCAL),  # a value per channel
        (SHAPE, True, OPAQUE),  # a constant as long as the clip
        ((1, 1, 4, 2), False, OPAQUE),  # one activation for all of time
    ],
)
def test_addition(other: tuple[int, ...], constant: bool, expected: TimeBehaviour) -> None:
    node = single("add", [SHAPE, other], ArithmeticAttrs(), 1 if constant else -1)
    assert OPERATORS["add"].time_behaviour(node, 1) is expected


@pytest.mark.parametrize(("keep", "expected"), [(True, ROW_LOCAL), (False, OPAQUE)])
def test_dense_layer(keep: bool, expected: TimeBehaviour) -> None:
    attrs = FullyConnectedAttrs(keep_num_dims=keep)
    node = single("fully_connected", [(1, 20, 8), (3, 8)], attrs, 1)
    assert OPERATORS["fully_connected"].time_behaviour(node, 1) is expected


def pointer(array: np.ndarray) -> ctypes.c_void_p:
    return ctypes.c_void_p(array.ctypes.data)


@pytest.mark.parametrize("rows", [1, 2, 37, 499])
def test_mean_of_a_stream_is_the_mean_of_the_clip(rows: int) -> None:
    rng = np.random.default_rng(rows)
    node = single("mean", [(1, rows, 4, 2)], MeanAttrs((1,)))
    clip = rng.integers(-128, 128, (1, rows, 4, 2)).astype(np.int8)
    struct, fields = parameter_struct("tk_mean_s8")
    call = OPERATORS["mean"].kernel_call(node)
    # A row of a stream: one time step is averaged, however long the clip will be.
    params = struct(*({**call.params, "averaged": 1}[field] for field in fields))
    sums, out = np.zeros(8 + 1, np.int32), np.zeros(8, np.int8)
    library = kernel_library()
    library.tk_mean_s8_init(ctypes.byref(params), pointer(sums))
    for row in np.ascontiguousarray(clip[0]):
        library.tk_mean_s8_accumulate_row(ctypes.byref(params), pointer(row), pointer(sums))
    library.tk_mean_s8_finish(ctypes.byref(params), pointer(sums), pointer(out))
    expected = OPERATORS["mean"].run_int(node, [clip])
    np.testing.assert_array_equal(out, expected.reshape(-1))


PARTS = [(0, 3, 1), (2, 7, 2), (-1, None, 1), (-6, None, 1), (-6, -1, 2)]


@pytest.mark.parametrize("dtype", [DType.INT8, DType.INT16])
@pytest.mark.parametrize("part", PARTS)
def test_frames_that_a_stream_keeps(part: Range, dtype: DType) -> None:
    for rows in (7, 8, 13):
        keep_rows(part, rows, dtype)


def keep_rows(part: Range, rows: int, dtype: DType, *flags: str) -> None:
    builder = GraphBuilder("kept")
    x = add_input(builder, (1, rows, 4, 2), QUANT, dtype)
    attrs = StridedSliceAttrs((WHOLE, part, WHOLE, WHOLE))
    builder.outputs.append(add_node(builder, "strided_slice", [x], QUANT, attrs, dtype))
    graph = builder.build()
    node, operator = view(graph, graph.nodes[0]), OPERATORS["strided_slice"]
    clip = np.random.default_rng(rows).integers(-99, 99, (1, rows, 4, 2)).astype(dtype.numpy)
    want = operator.run_int(node, [clip])
    call = operator.row_call(row_view(node, REDUCING), REDUCING)
    assert call.kernel == "tk_keep_rows" and operator.least_rows(node, 1) <= 7
    out = np.zeros(want.shape, dtype.numpy)
    reduce_rows(call, clip[0], out, *flags)
    np.testing.assert_array_equal(out, want)


def test_the_largest_of_many_rows_some_of_them_padding() -> None:
    tall_max_row()


def tall_max_row(*flags: str) -> None:
    node = single("max_pool_2d", [(1, 50, 1, 5)], WindowedAttrs(Window(40, 1)))
    call = OPERATORS["max_pool_2d"].row_call(row_view(node, WINDOWED), WINDOWED)
    assert call.kernel == "tk_max_pool_tall_s8"
    rows = np.random.default_rng(0).integers(-128, 128, (40, 5)).astype(np.int8)
    padded = [None if index < 7 else row for index, row in enumerate(rows)]
    out = np.zeros(5, np.int8)
    window_row(call, padded, out, *flags)
    np.testing.assert_array_equal(out, rows[7:].max(axis=0))
