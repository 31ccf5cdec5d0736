"""Normalisation of rows, int8 and int16, near what real numbers give; no interpreter of others has
the operator.  As exporters spell it, it is found."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
import pytest

from tests.support.onnx_models import ModelMaker
from tests.support.operators import add_input, add_node, assert_operator, pack, quant
from tests.support.oracle import random_inputs, run_numpy
from tests.support.whole_way import all_the_way
from toolkit.ir import DType, GraphBuilder, Node, QuantParams, Tensor
from toolkit.ir.tensor import dequantize
from toolkit.ops.normalization import Normalization, NormalizationAttrs
from toolkit.ops.parts.base import NodeView, view

KINDS = ((DType.INT8, DType.INT8), (DType.INT8, DType.INT16), (DType.INT16, DType.INT16))


def numbers(rng: np.random.Generator, count: int) -> tuple[float, ...]:
    return tuple(float(v) for v in rng.uniform(-2, 2, count))


def parameters(kind: DType, rng: np.random.Generator) -> QuantParams:
    if kind is DType.INT8:
        return quant(rng, 1e-3, 1)
    return QuantParams.per_tensor(float(rng.uniform(1e-5, 1e-2)), 0)


def add_normalization(
    builder: GraphBuilder,
    x: str,
    attrs: NormalizationAttrs,
    out: QuantParams,
    dtype: DType = DType.INT8,
) -> str:
    source = builder.tensors[x]
    output = Tensor("y", source.shape, dtype, out)
    bare = NodeView(Node("y", "normalization", (x,), ("y",), attrs), (source,), (output,), attrs)
    return add_node(
        builder, "normalization", [x], out, Normalization().integer_form(bare)[1], dtype
    )


def case(kinds: tuple[DType, DType], builder: GraphBuilder, rng: np.random.Generator) -> str:
    count = int(rng.choice([2, 3, 8, 31, 200]))
    x = add_input(builder, (1, 3, count), parameters(kinds[0], rng), kinds[0])
    attrs = NormalizationAttrs(
        bool(rng.integers(2)),
        float(rng.choice([0.0, 1e-5, 1.0, 1e9])),
        numbers(rng, count) if rng.integers(2) else (),
        numbers(rng, count) if rng.integers(2) else (),
    )
    return add_normalization(builder, x, attrs, parameters(kinds[1], rng), kinds[1])


@pytest.mark.parametrize("kinds", KINDS)
def test_numpy_c_and_the_file_agree(kinds: tuple[DType, DType]) -> None:
    assert_operator(partial(case, kinds), 40, tflm=False)


def test_the_longest_row_at_both_ends() -> None:
    def longest(builder: GraphBuilder, rng: np.random.Generator) -> str:
        fine = QuantParams.per_tensor(1e-4, 0)
        x = add_input(builder, (1, 1, 1 << 14), fine, DType.INT16)
        attrs = NormalizationAttrs(bool(rng.integers(2)), 0.0)
        return add_normalization(builder, x, attrs, QuantParams.per_tensor(1e-3, 0), DType.INT16)

    assert_operator(longest, 3, tflm=False)


@pytest.mark.parametrize("centred", [True, False])
def test_it_is_what_real_numbers_give(centred: bool) -> None:
    """The nearest step of the output or, where the exact value lies between two, its neighbour."""
    rng = np.random.default_rng(0)
    real = NormalizationAttrs(centred, 1e-3, numbers(rng, 24), numbers(rng, 24))

    def add(builder: GraphBuilder, _: np.random.Generator) -> str:
        x = add_input(builder, (1, 6, 24), QuantParams.per_tensor(0.03, -9))
        return add_normalization(builder, x, real, QuantParams.per_tensor(0.05, 3))

    graph = pack(add, 1)
    inputs = random_inputs(graph, 40)
    (have,) = run_numpy(graph, inputs)
    node = view(graph, graph.nodes[0])
    assert node.input(0).quant is not None
    float_view = NodeView(node.node, node.inputs, node.outputs, real)
    exact = Normalization().run_float(float_view, [dequantize(inputs[0], node.input(0).quant)])
    steps = np.clip(exact.reshape(have.shape) / node.output.scale + 3, -128, 127)
    assert np.abs(steps - have).max() <= 0.51


def number(value: float) -> np.ndarray:
    return np.full((), value, np.float32)


def spelt_layer(m: ModelMaker, axes: tuple[int, ...], shape: tuple[int, ...]) -> str:
    """As torch exports it before operator set 17."""
    mean = m.op("ReduceMean", "x", axes=list(axes), keepdims=1)
    d = m.op("Sub", "x", mean)
    square = m.op("Pow", d, m.constant(number(2)))
    variance = m.op("ReduceMean", square, axes=list(axes), keepdims=1)
    root = m.op("Sqrt", m.op("Add", variance, m.constant(number(1e-5))))
    gained = m.op("Mul", m.op("Div", d, root), m.weights(*shape))
    return m.op("Add", gained, m.weights(*shape))


def spelt_rms(m: ModelMaker) -> str:
    power = m.op("ReduceMean", m.op("Mul", "x", "x"), axes=[-1], keepdims=1)
    root = m.op("Sqrt", m.op("Add", power, m.constant(number(1e-6))))
    return m.op("Mul", m.op("Mul", "x", m.op("Reciprocal", root)), m.weights(8))


MODELS: dict[str, tuple[Callable[[ModelMaker], str], int]] = {
    "layer spelt": (lambda m: spelt_layer(m, (-1,), (8,)), 17),
    "layer of two axes": (lambda m: spelt_layer(m, (2, 3), (6, 8)), 17),
    "layer of channels": (lambda m: spelt_layer(m, (1,), (4, 1, 1)), 17),
    "rms spelt": (spelt_rms, 17),
    "layer": (lambda m: m.op("LayerNormalization", "x", m.weights(8), m.weights(8)), 17),
    "layer of the last two": (
        lambda m: m.op("LayerNormalization", "x", m.weights(6, 8), m.weights(6, 8), axis=2),
        17,
    ),
    "instance": (lambda m: m.op("InstanceNormalization", "x", m.weights(4), m.weights(4)), 17),
    "group": (
        lambda m: m.op("GroupNormalization", "x", m.weights(4), m.weights(4), num_groups=2),
        21,
    ),
}


@pytest.mark.parametrize("name", MODELS)
def test_all_the_way_it_is_one_operator(name: str, tmp_path: Path) -> None:
    make, opset = MODELS[name]
    maker = ModelMaker(1, 4, 6, 8)
    graph = all_the_way(maker.model(make(maker), opset), tmp_path, 25.0)
    ops = [node.op for node in graph.nodes]
    assert ops.count("normalization") == 1
    assert not {"variance", "sqrt", "div", "sub", "mean", "table"} & {*ops}
