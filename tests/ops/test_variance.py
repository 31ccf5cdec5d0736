"""Variance and deviation over axes: numpy against C, closeness to float, damaged files."""

from __future__ import annotations

import numpy as np
import pytest

from tests.support.kernel import run_graph_in_c
from tests.support.operators import add_input, quant
from toolkit.errors import ModelError
from toolkit.ir import DType, Graph, GraphBuilder, QuantParams, Tensor
from toolkit.ir.tensor import dequantize
from toolkit.ops import OPERATORS
from toolkit.ops.append import append
from toolkit.ops.attention_pool import weight_table
from toolkit.ops.check import check_operators
from toolkit.ops.execute import run_graph
from toolkit.ops.parts.base import TimeBehaviour, view
from toolkit.ops.variance import VarianceAttrs, _root
from toolkit.ops.weighted_variance import WeightedVarianceAttrs
from toolkit.tflite.read import read_tflite
from toolkit.tflite.write import write_tflite


def variance_graph(
    shape: tuple[int, ...],
    attrs: VarianceAttrs,
    x: QuantParams,
    out: QuantParams,
    dtype: DType = DType.INT8,
) -> Graph:
    floats = GraphBuilder("float")
    source = floats.add_input(Tensor("x", shape, DType.FLOAT32))
    made = floats.tensors[append(floats, "variance", [source], attrs, "y")].shape
    builder = GraphBuilder("variance")
    name = add_input(builder, shape, x)
    y = Tensor("y", made, dtype, out)
    builder.outputs.append(builder.add_node("variance", [name], y, attrs, "y"))
    return builder.build()


def random_graph(rng: np.random.Generator) -> Graph:
    shape = tuple(int(n) for n in rng.integers(3, 9, 4))
    first = int(rng.integers(0, 4))
    axes = tuple(range(first, int(rng.integers(first + 1, 5))))
    x = quant(rng, 1e-3, 1)
    root = bool(rng.integers(2))
    unit = x.tensor_scale * (1 if root else x.tensor_scale)
    attrs = VarianceAttrs(
        axes,
        bool(rng.integers(2)) or len(axes) == 4,
        int(rng.integers(2)),
        float(rng.choice([0, 1e-5, 3 * x.tensor_scale**2])),
        float(rng.choice([0, 10 * x.tensor_scale**2])),
        root,
    )
    wide = bool(rng.integers(2))
    out = QuantParams.per_tensor(
        float(np.float32(unit * rng.uniform(0.02, 3))), 0 if wide else int(rng.integers(-128, 128))
    )
    return variance_graph(shape, attrs, x, out, DType.INT16 if wide else DType.INT8)


def test_numpy_and_c_agree_and_are_close_to_float() -> None:
    rng = np.random.default_rng(0)
    for _ in range(60):
        graph = random_graph(rng)
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
    scale = QuantParams.per_tensor(0.1, 0)
    graph = variance_graph((1, 9, 1, 4), VarianceAttrs((1,), correction=1), scale, scale)
    node, operator = view(graph, graph.nodes[0]), OPERATORS["variance"]
    assert operator.time_behaviour(node, 1) is TimeBehaviour.REDUCING
    assert operator.least_rows(node, 1) == 2


def test_damaged_options_are_refused() -> None:
    scale = QuantParams.per_tensor(0.1, 0)
    data = write_tflite(variance_graph((1, 9, 4), VarianceAttrs((1,)), scale, scale))
    assert data.count(b"TKVA") == 1
    with pytest.raises(ModelError, match="options of kind"):
        read_tflite(data.replace(b"TKVA", b"XXXX"), "bad")


@pytest.mark.parametrize("dtype", [DType.INT8, DType.INT16])
@pytest.mark.parametrize("root", [True, False])
@pytest.mark.parametrize(
    ("lin", "logits"),
    [((1, 30, 3, 4), (1, 30, 3, 4)), ((1, 30, 1, 5), (1, 30, 1, 1)), ((1, 9, 1, 4), (1, 9, 3, 1))],
)
def test_variance_by_weights(
    lin: tuple[int, ...], logits: tuple[int, ...], root: bool, dtype: DType
) -> None:
    scale, logit_scale = 0.05, 0.03
    builder = GraphBuilder("weighted")
    builder.add_input(Tensor("lin", lin, DType.INT8, QuantParams.per_tensor(scale, 7)))
    builder.add_input(Tensor("logits", logits, DType.INT8, QuantParams.per_tensor(logit_scale, 0)))
    table = builder.constant("table", weight_table(logit_scale))
    shape = (1, 1, *np.broadcast_shapes(lin, logits)[2:])
    out = 0.03 if dtype is DType.INT8 else 3e-4
    y = Tensor("y", shape, dtype, QuantParams.per_tensor(out, 0))
    attrs = WeightedVarianceAttrs(added=1e-3, least=2e-3, root=root)
    builder.outputs = [
        builder.add_node("weighted_variance", ["lin", "logits", table], y, attrs, "y")
    ]
    graph = builder.build()
    check_operators(graph)
    again = read_tflite(write_tflite(graph), "again")
    assert again.nodes[0].attrs == attrs
    rng = np.random.default_rng(0)
    for spread in (0, 3, 60):
        values = {
            "lin": rng.integers(20 - spread, 21 + spread, lin).astype(np.int8),
            "logits": rng.integers(-128, 128, logits).astype(np.int8),
        }
        want = run_graph(graph, values)["y"]
        np.testing.assert_array_equal(run_graph_in_c(graph, values)["y"], want)
        np.testing.assert_array_equal(run_graph(again, values)[again.outputs[0]], want)
        real = OPERATORS["weighted_variance"].run_float(
            view(graph, graph.nodes[0]),
            [scale * (values["lin"].astype(np.float64) - 7), logit_scale * values["logits"]],
        )
        steps = np.clip(real / out, *dtype.limits)
        assert np.abs(steps - want).max() <= 0.5 + 0.002 * np.abs(steps).max()
