"""MEAN int8 over every set of neighbouring axes."""

from __future__ import annotations

import ctypes

import numpy as np
import pytest

from tests.support.graphs import activation
from tests.support.kernel import kernel_library, parameter_struct
from tests.support.operators import add_input, add_node, assert_operator, quant
from toolkit.ir import GraphBuilder
from toolkit.ops import OPERATORS
from toolkit.ops.mean import MAX_AVERAGED, Mean, MeanAttrs
from toolkit.ops.numerics.fixed_point import requantize
from toolkit.ops.parts.base import view

AXES = [(1,), (2,), (3,), (1, 2), (2, 1), (2, 3), (1, 2, 3), (-1,), (-3, -2), (0, 1), (0, 1, 2, 3)]


def case(builder: GraphBuilder, rng: np.random.Generator) -> str:
    size = 1 if rng.random() < 0.2 else int(rng.integers(1, 40))
    x = add_input(builder, (1, size, *map(int, rng.integers(1, 7, 2))), quant(rng, 1e-3, 1))
    attrs = MeanAttrs(AXES[rng.integers(len(AXES))], bool(rng.integers(2)))
    return add_node(builder, "mean", [x], quant(rng, 1e-3, 1), attrs)


def test_numpy_tflm_and_c_agree() -> None:
    assert_operator(case, 100)


def test_long_clip() -> None:
    def long(builder: GraphBuilder, rng: np.random.Generator) -> str:
        x = add_input(builder, (1, int(rng.integers(1000, 30000)), 1, 3), quant(rng, 1e-3, 1))
        return add_node(builder, "mean", [x], quant(rng, 1e-3, 1), MeanAttrs((1,)))

    assert_operator(long, 8)


#: Ratios of input to output scale: usual ones, and both ends of the multiplier's shift.
RATIOS = [1.0, 0.3, 7.7, 16383.0, 2.0**-20, 2.0**-30 * 1.5, 2.0**-31 * 1.2]


@pytest.mark.parametrize("ratio", RATIOS)
def test_the_kernel_divides_the_multiplier_as_tflm_does(ratio: float) -> None:
    """For every clip length up to 4096 frames and some up to the longest; sums at both ends."""
    builder = GraphBuilder("mean")
    x = builder.add_input(activation("x", (1, 1, 1, 1), ratio * 0.01, -7))
    y = activation("y", (1, 1, 1, 1), 0.01, 3)
    builder.outputs.append(builder.add_node("mean", [x], y, MeanAttrs((1,), True)))
    graph = builder.build()
    mean_view = view(graph, graph.nodes[0])
    library = kernel_library()
    params = parameter_struct("tk_mean_s8")[0]()
    for field, value in OPERATORS["mean"].kernel_call(mean_view).params.items():
        setattr(params, field, value)
    rng = np.random.default_rng(0)
    values = params.inner = 16
    for count in [*range(1, 4097), 5000, 65535, 65536, 1 << 20, (1 << 22) + 3, MAX_AVERAGED]:
        totals = rng.integers(-128 * count, 127 * count, values + 1, np.int32, endpoint=True)
        totals[:2], totals[values] = (-128 * count, 127 * count), count
        got = np.zeros(values, np.int8)
        library.tk_mean_s8_finish(
            ctypes.byref(params),
            ctypes.c_void_p(totals.ctypes.data),
            ctypes.c_void_p(got.ctypes.data),
        )
        centred = totals[:values].astype(np.int64) + 7 * count
        want = requantize(centred, *Mean.multiplier(mean_view, count)) + 3
        np.testing.assert_array_equal(got, np.clip(want, -128, 127), err_msg=str(count))
