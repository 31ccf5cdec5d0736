"""Variance and deviation over axes: numpy against C, closeness to float, damaged files."""

from __future__ import annotations

import numpy as np
import pytest

from tests.support.kernel import run_graph_in_c
from tests.support.operators import add_input, add_node, quant
from toolkit.errors import ModelError
from toolkit.ir import DType, Graph, GraphBuilder, QuantParams
from toolkit.ir.tensor import dequantize
from toolkit.ops import OPERATORS
from toolkit.ops.attention_pool import weight_table
from toolkit.ops.check import check_operators
from toolkit.ops.execute import run_graph
from toolkit.ops.parts.base import TimeBehaviour, view
from toolkit.ops.variance import VarianceAttrs, _root
from toolkit.ops.weighted_variance import WeightedVarianceAttrs
from toolkit.tflite.read import read_tflite
from toolkit.tflite.write import write_tflite


def case(builder: GraphBuilder, rng: np.random.Generator) -> str:
    shape = tuple(int(n) for n in rng.integers(3, 9, 4))
    first = int(rng.integers(0, 4))
    axes = tuple(range(first, int(rng.integers(first + 1, 5))))
    x = quant(rng, 1e-3, 1)
    root = bool(rng.integers(2))
    square = x.tensor_scale**2
    attrs = VarianceAttrs(
        axes,
        bool(rng.integers(2)) or len(axes) == 4,
        int(rng.integers(2)),
        float(rng.choice([0, 1e-5, 3 * square])),
        float(rng.choice([0, 10 * square])),
        root,
    )
    wide = bool(rng.integers(2))
    out = float(np.float32((x.tensor_scale if root else square) * rng.uniform(0.02, 3)))
    output = QuantParams.per_tensor(out, 0 if wide else int(rng.integers(-128, 128)))
    dtype = DType.INT16 if wide else DType.INT8
    return add_node(builder, "variance", [add_input(builder, shape, x)], output, attrs, dtype)


def plain(attrs: VarianceAttrs) -> Graph:
    builder, scale = GraphBuilder("variance"), QuantParams.per_tensor(0.1, 0)
    x = add_input(builder, (1, 9, 1, 4), scale)
    builder.outputs.append(add_node(builder, "variance", [x], scale, attrs))
    return builder.build()


def test_numpy_and_c_agree_and_are_close_to_float() -> None:
    rng = np.random.default_rng(0)
    for _ in range(60):
        builder = GraphBuilder("variance")
        builder.outputs.append(case(builder, rng))
        graph = builder.build()
        check_operators(graph)
        again = read_tflite(write_tflite(graph), "again")
        entry, made = graph.tensors["x"], graph.tensors["y"]
        assert entry.quant is not None and made.quant is not None
        low = int(rng.integers(-128, 100))
        values = rng.integers(low, min(low + int(rng.integers(1, 256)), 128), entry.shape)
        x = {"x": values.astype(np.int8)}
        want = run_graph(graph, x)["y"]
        np.testing.assert_array_equal(run_graph_in_c(graph, x)["y"], want)
        np.testing.assert_array_equal(run_graph(again, x)[again.outputs[0]], want)
        node = view(graph, graph.nodes[0])
        real = OPERATORS["variance"].run_float(node, [dequantize(x["x"], entry.quant)])
        low_limit, high_limit = made.dtype.limits
        steps = np.clip(real / made.scale + made.zero_point, low_limit, high_limit)
        assert np.abs(steps - want).max() <= 0.5 + 0.01 * made.dtype.size_bytes**4


def test_integer_roots_are_floored() -> None:
    values = np.array([0, 1, 2, 3, 4, 8, 9, (1 << 52) - 1, (1 << 50), (1 << 50) - 1])
    roots = _root(values)
    assert (roots * roots <= values).all() and ((roots + 1) ** 2 > values).all()


def test_reduces_time_and_takes_more_rows_than_its_correction() -> None:
    graph = plain(VarianceAttrs((1,), correction=1))
    node, operator = view(graph, graph.nodes[0]), OPERATORS["variance"]
    assert operator.time_behaviour(node, 1) is TimeBehaviour.REDUCING
    assert operator.least_rows(node, 1) == 2


def test_damaged_options_are_refused() -> None:
    data = write_tflite(plain(VarianceAttrs((1,))))
    assert data.count(b"TKVA") == 1
    with pytest.raises(ModelError, match="options of kind"):
        read_tflite(data.replace(b"TKVA", b"XXXX"), "bad")


SHAPES = [
    ((1, 30, 3, 4), (1, 30, 3, 4)),
    ((1, 30, 1, 5), (1, 30, 1, 1)),
    ((1, 9, 1, 4), (1, 9, 3, 1)),
]


def weighted(
    builder: GraphBuilder,
    shapes: tuple[tuple[int, ...], tuple[int, ...]],
    attrs: WeightedVarianceAttrs,
    dtype: DType,
) -> str:
    lin = add_input(builder, shapes[0], QuantParams.per_tensor(LIN_SCALE, 7))
    logits = add_input(builder, shapes[1], QuantParams.per_tensor(LOGIT_SCALE, 0))
    table = builder.constant("table", weight_table(LOGIT_SCALE))
    out = QuantParams.per_tensor(OUT_SCALES[dtype], 0)
    return add_node(builder, "weighted_variance", [lin, logits, table], out, attrs, dtype)


LIN_SCALE, LOGIT_SCALE, OUT_SCALES = 0.05, 0.03, {DType.INT8: 0.03, DType.INT16: 3e-4}


def weighted_case(builder: GraphBuilder, rng: np.random.Generator) -> str:
    attrs = WeightedVarianceAttrs(root=bool(rng.integers(2)))
    dtype = (DType.INT8, DType.INT16)[rng.integers(2)]
    return weighted(builder, SHAPES[rng.integers(len(SHAPES))], attrs, dtype)


@pytest.mark.parametrize("dtype", [DType.INT8, DType.INT16])
@pytest.mark.parametrize("root", [True, False])
@pytest.mark.parametrize("shapes", SHAPES)
def test_variance_by_weights(
    shapes: tuple[tuple[int, ...], tuple[int, ...]], root: bool, dtype: DType
) -> None:
    builder = GraphBuilder("weighted")
    attrs = WeightedVarianceAttrs(added=1e-3, least=2e-3, root=root)
    builder.outputs = [weighted(builder, shapes, attrs, dtype)]
    graph = builder.build()
    lin, logits = graph.inputs
    check_operators(graph)
    again = read_tflite(write_tflite(graph), "again")
    assert again.nodes[0].attrs == attrs
    rng = np.random.default_rng(0)
    for spread in (0, 3, 60):
        values = {
            lin: rng.integers(20 - spread, 21 + spread, shapes[0]).astype(np.int8),
            logits: rng.integers(-128, 128, shapes[1]).astype(np.int8),
        }
        want = run_graph(graph, values)["y"]
        np.testing.assert_array_equal(run_graph_in_c(graph, values)["y"], want)
        again_values = dict(zip(again.inputs, values.values(), strict=True))
        np.testing.assert_array_equal(run_graph(again, again_values)[again.outputs[0]], want)
        real = OPERATORS["weighted_variance"].run_float(
            view(graph, graph.nodes[0]),
            [LIN_SCALE * (values[lin].astype(np.float64) - 7), LOGIT_SCALE * values[logits]],
        )
        steps = np.clip(real / OUT_SCALES[dtype], *dtype.limits)
        assert np.abs(steps - want).max() <= 0.5 + 0.002 * np.abs(steps).max()
