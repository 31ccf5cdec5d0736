"""BATCH_MATMUL int8 and int16, every combination of transposed and broadcast operands."""

from __future__ import annotations

import numpy as np
import pytest

from tests.support.operators import (
    AddCase,
    add_node,
    assert_all_agree,
    assert_operator,
    pack,
    quant,
    scale,
)
from toolkit.errors import ToolkitError
from toolkit.ir import DType, GraphBuilder, QuantParams, Tensor
from toolkit.ops import OPERATORS
from toolkit.ops.batch_matmul import BatchMatmulAttrs
from toolkit.ops.check import check_operators
from toolkit.ops.numerics.fixed_point import quantize_multiplier, requantize
from toolkit.ops.parts.base import view

BATCHES: list[tuple[tuple[int, ...], tuple[int, ...]]] = [
    ((), ()),
    ((3,), (3,)),
    ((2, 3), (2, 3)),
    ((1,), (3,)),
    ((3,), (1,)),
    ((), (2,)),
    ((1, 1), (2, 2)),
]


def case(dtype: DType) -> AddCase:
    def add(builder: GraphBuilder, rng: np.random.Generator) -> str:
        rows, depth, columns = (int(n) for n in rng.integers(1, 9, 3))
        adj_x, adj_y = (bool(b) for b in rng.integers(0, 2, 2))
        x_batch, y_batch = BATCHES[rng.integers(len(BATCHES))]
        x_shape = (*x_batch, *((depth, rows) if adj_x else (rows, depth)))
        y_shape = (*y_batch, *((columns, depth) if adj_y else (depth, columns)))
        x_quant, y_quant = parameters(rng, dtype), parameters(rng, dtype)
        inputs: list[str | None] = [
            builder.add_input(Tensor("x", x_shape, dtype, x_quant)),
            builder.add_input(Tensor("y", y_shape, dtype, y_quant)),
        ]
        # Output scales from mostly saturated to mostly zero.
        spread = depth * dtype.limits[1] * float(np.exp(rng.uniform(-4, 1)))
        out_scale = x_quant.tensor_scale * y_quant.tensor_scale * spread
        out = QuantParams.per_tensor(out_scale, parameters(rng, dtype).tensor_zero_point)
        return add_node(builder, "batch_matmul", inputs, out, BatchMatmulAttrs(adj_x, adj_y), dtype)

    return add


def parameters(rng: np.random.Generator, dtype: DType) -> QuantParams:
    return QuantParams.per_tensor(scale(rng), 0) if dtype is DType.INT16 else quant(rng)


@pytest.mark.parametrize("dtype", [DType.INT8, DType.INT16])
def test_numpy_tflm_and_c_agree(dtype: DType) -> None:
    assert_operator(case(dtype), 600)


def test_scales_multiply_in_double_precision_as_in_tflm() -> None:
    """Sums at which a product of scales rounded to float32 would give another result."""
    rng = np.random.default_rng(0)
    builder, inputs = GraphBuilder("boundaries"), []
    factors = np.array([127] * 97 + [1], np.int8)
    while len(builder.outputs) < 5:
        scales = [float(np.float32(s)) for s in rng.uniform(0.001, 0.1, 2)]
        out = float(np.float32(scales[0] * scales[1] * rng.uniform(12000, 18000)))
        sums = np.arange(-1_500_000, 1_500_000)
        exact, rounded = (
            requantize(sums, *quantize_multiplier(product / out))
            for product in (scales[0] * scales[1], float(np.prod(np.float32(scales))))
        )
        sums = sums[exact != rounded]
        if not len(sums):
            continue
        whole, rest = np.divmod(sums, 127)
        share, extra = np.divmod(whole, 97)
        x = share[:, None] + (np.arange(98) < extra[:, None])
        x[:, 97] = rest
        assert (x @ factors.astype(np.int64) == sums).all()
        inputs += [x.astype(np.int8)[None], factors[None, None]]
        names: list[str | None] = [
            builder.add_input(Tensor("x", shape, DType.INT8, QuantParams.per_tensor(real_scale, 0)))
            for shape, real_scale in zip([(len(sums), 98), (1, 98)], scales, strict=True)
        ]
        attrs = BatchMatmulAttrs(adj_y=True)
        y = add_node(builder, "batch_matmul", names, QuantParams.per_tensor(out, 0), attrs)
        builder.outputs.append(y)
    assert_all_agree(builder.build(), inputs)


def test_gram_product_of_one_tensor_with_itself() -> None:
    def gram(builder: GraphBuilder, rng: np.random.Generator) -> str:
        x = builder.add_input(Tensor("x", (1, 13, 13), DType.INT16, parameters(rng, DType.INT16)))
        out = QuantParams.per_tensor(builder.tensors[x].scale ** 2 * 13 * 20000, 0)
        return add_node(
            builder, "batch_matmul", [x, x], out, BatchMatmulAttrs(False, True), DType.INT16
        )

    assert_operator(gram, 20)


def test_float_semantics() -> None:
    graph = pack(case(DType.INT8), 40)
    rng = np.random.default_rng(0)
    for node in graph.nodes:
        node_view = view(graph, node)
        x, y = (rng.normal(size=node_view.input(i).shape).astype(np.float32) for i in range(2))
        a = np.moveaxis(x, -1, -2) if node_view.attrs.adj_x else x
        b = np.moveaxis(y, -1, -2) if node_view.attrs.adj_y else y
        want = np.einsum("...ik,...kj->...ij", a, b)
        got = OPERATORS["batch_matmul"].run_float(node_view, [x, y])
        np.testing.assert_allclose(got, want, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(
    ("x_shape", "y_shape", "out_shape", "found"),
    [
        ((2, 1, 3, 4), (1, 2, 4, 5), (2, 2, 3, 5), "leading dimensions"),
        ((2, 3, 4), (3, 4, 5), (2, 3, 5), "do not fit"),
        ((2, 3, 4), (2, 5, 4), (2, 3, 5), "rows of 4 values meet columns of 5"),
    ],
)
def test_shapes_that_do_not_fit_are_refused(
    x_shape: tuple[int, ...], y_shape: tuple[int, ...], out_shape: tuple[int, ...], found: str
) -> None:
    builder, q = GraphBuilder("mixed"), QuantParams.per_tensor(0.1, 0)
    x = builder.add_input(Tensor("x", x_shape, DType.INT8, q))
    y = builder.add_input(Tensor("y", y_shape, DType.INT8, q))
    out = Tensor("o", out_shape, DType.INT8, q)
    builder.outputs.append(builder.add_node("batch_matmul", [x, y], out, BatchMatmulAttrs()))
    with pytest.raises(ToolkitError, match=found):
        check_operators(builder.build())
