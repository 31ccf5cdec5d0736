"""SUM int8 over every set of neighbouring axes, and what its sums hold."""

from __future__ import annotations

import ctypes

import numpy as np
import pytest

from tests.ops.test_mean import AXES
from tests.support.graphs import activation
from tests.support.kernel import kernel_library, parameter_struct
from tests.support.operators import add_input, add_node, assert_operator, quant
from toolkit.errors import UnsupportedError
from toolkit.ir import DType, Graph, GraphBuilder, QuantParams
from toolkit.ops import OPERATORS
from toolkit.ops.check import check_operators
from toolkit.ops.parts.base import view
from toolkit.ops.parts.reduction import ReductionAttrs
from toolkit.ops.sum import most_summed
from toolkit.tflite.oracle import run_tflm
from toolkit.tflite.write import write_tflite


def case(builder: GraphBuilder, rng: np.random.Generator) -> str:
    size = 1 if rng.random() < 0.2 else int(rng.integers(1, 40))
    x = add_input(builder, (1, size, *map(int, rng.integers(1, 7, 2))), quant(rng, 1e-3, 1))
    attrs = ReductionAttrs(AXES[rng.integers(len(AXES))], bool(rng.integers(2)))
    return add_node(builder, "sum", [x], quant(rng, 1e-2, 30), attrs)


def test_numpy_tflm_and_c_agree() -> None:
    assert_operator(case, 100)


def test_long_clip() -> None:
    def long(builder: GraphBuilder, rng: np.random.Generator) -> str:
        x = add_input(builder, (1, int(rng.integers(1000, 30000)), 1, 3), quant(rng, 1e-3, 1))
        return add_node(builder, "sum", [x], quant(rng, 1, 1e3), ReductionAttrs((1,)))

    assert_operator(long, 8)


def test_tflm_saturates_a_sum_beyond_its_scale() -> None:
    """As we do: a wrapped sum would have the wrong sign."""
    graph = one_sum((1, 40, 1, 1), 1.0, 1.0)
    for value, limit in ((100, 127), (-100, -128)):
        clip = np.full((1, 1, 40, 1, 1), value, np.int8)
        ((found,),) = (out.reshape(1, -1) for out in run_tflm(write_tflite(graph), [clip]).outputs)
        assert found == limit


def one_sum(
    shape: tuple[int, ...], in_scale: float, out_scale: float, zero_point: int = 0
) -> Graph:
    builder = GraphBuilder("sum")
    x = builder.add_input(activation("x", shape, in_scale, zero_point))
    y = activation("y", (1, *shape[2:]), out_scale, 3)
    builder.outputs.append(builder.add_node("sum", [x], y, ReductionAttrs((1,))))
    return builder.build()


@pytest.mark.parametrize(("in_scale", "zero_point"), [(0.01, -128), (0.01, 0), (0.08, 127)])
def test_as_many_values_as_32_bits_hold(in_scale: float, zero_point: int) -> None:
    """The longest sum that the rule allows is right at both ends; one more value is refused."""
    node = one_sum((1, 1, 1, 1), in_scale, 0.01, zero_point)
    most = most_summed(view(node, node.nodes[0]))
    with pytest.raises(UnsupportedError, match=rf"stay within 32 bits.*got {most + 1} values"):
        check_operators(one_sum((1, most + 1, 1, 1), in_scale, 0.01, zero_point))
    check_operators(one_sum((1, most, 1, 1), in_scale, 0.01, zero_point))
    params = parameter_struct("tk_reduce_sum_s8")[0]()
    for field, value in OPERATORS["sum"].kernel_call(view(node, node.nodes[0])).params.items():
        setattr(params, field, value)
    params.inner = 2
    totals, out = np.array([-128 * most, 127 * most, most], np.int32), np.zeros(2, np.int8)
    kernel_library().tk_reduce_sum_s8_finish(
        ctypes.byref(params),
        ctypes.c_void_p(totals.ctypes.data),
        ctypes.c_void_p(out.ctypes.data),
    )
    low, high = (-128 if zero_point > -128 else 3, 127 if zero_point < 127 else 3)
    assert out.tolist() == [low, high]


@pytest.mark.parametrize("rows", [1, 2, 37, 499])
@pytest.mark.parametrize("dtype", [DType.INT8, DType.INT16])
def test_a_stream_sums_what_the_clip_does(rows: int, dtype: DType) -> None:
    """In blocks that are merged, as endless audio sums them."""
    wide = dtype is DType.INT16
    builder, kernel = GraphBuilder("one"), f"tk_reduce_sum_s{16 if wide else 8}"
    x = add_input(builder, (1, rows, 4, 2), QuantParams.per_tensor(0.1, 0 if wide else 3), dtype)
    quant_y = QuantParams.per_tensor(0.1 * rows, 0)
    builder.outputs.append(add_node(builder, "sum", [x], quant_y, ReductionAttrs((1,)), dtype))
    graph = builder.build()
    node = view(graph, graph.nodes[0])
    rng = np.random.default_rng(rows)
    clip = rng.integers(*dtype.limits, (1, rows, 4, 2), dtype.numpy, endpoint=True)
    struct, fields = parameter_struct(kernel)
    call = OPERATORS["sum"].kernel_call(node)
    params = struct(*({**call.params, "summed": 1}[field] for field in fields))
    sums, block, out = np.zeros(9, np.int32), np.zeros(9, np.int32), np.zeros(8, dtype.numpy)
    library = kernel_library()

    def run(function: str, *arrays: np.ndarray) -> None:
        pointers = (ctypes.c_void_p(array.ctypes.data) for array in arrays)
        getattr(library, f"{kernel}_{function}")(ctypes.byref(params), *pointers)

    run("init", sums)
    for first in range(0, rows, 10):
        run("init", block)
        for row in clip[0, first : first + 10]:
            run("accumulate_row", np.ascontiguousarray(row), block)
        run("merge", sums, block)
    run("finish", sums, out)
    np.testing.assert_array_equal(out, OPERATORS["sum"].run_int(node, [clip]).reshape(-1))
