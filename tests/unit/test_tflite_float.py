"""Float ``.tflite``: what LiteRT computes, and int8 of it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from ai_edge_litert import schema_py_generated as schema

from tests.support.oracle import run_litert_reference
from tests.support.outside import CASES, MODELS, file
from tests.support.tflite_maker import TfliteMaker
from toolkit.compare.import_match import import_cases, import_checks
from toolkit.deploy.model import load
from toolkit.errors import UnsupportedError
from toolkit.ir import Graph
from toolkit.ir.tensor import Array
from toolkit.measurement import Check
from toolkit.ops.execute import run_graph
from toolkit.ops.numerics.functions import formula
from toolkit.passes.absorb_layout import to_graph_layout
from toolkit.passes.optimize import optimize
from toolkit.quantize.convert import convert
from toolkit.quantize.ranges import calibrate
from toolkit.tflite import read_float
from toolkit.tflite.read_float import is_float, read_float_tflite


class Floats(TfliteMaker):
    """A float model; methods return the number of a tensor."""

    def __init__(self, *shape: int) -> None:
        super().__init__()
        self.rng = np.random.default_rng(0)
        self.x = self.made(shape)

    def made(self, shape: Sequence[int]) -> int:
        return self.main.tensor(shape, "float32")

    def weights(self, *shape: int) -> int:
        data = self.rng.uniform(-1, 1, shape).astype(np.float32)
        return self.main.tensor(shape, "float32", data=data)

    def unary(self, op: str, x: int, options: Any = None) -> int:
        output = self.made(self.main.table.tensors[x].shape)
        self.main.op(op, [x], [output], options)
        return output

    def model(self, output: int) -> bytes:
        return self.data([self.x], [output])


def convolutions() -> bytes:
    m = Floats(1, 9, 8, 3)
    y, z, out = m.made([1, 5, 4, 6]), m.made([1, 5, 4, 6]), m.made([1, 6])
    options = schema.Conv2DOptionsT(
        padding=0, strideW=2, strideH=2, fusedActivationFunction=1,
        dilationWFactor=1, dilationHFactor=1,
    )  # fmt: skip
    m.main.op("CONV_2D", [m.x, m.weights(6, 3, 3, 3), m.weights(6)], [y], options)
    own = schema.DepthwiseConv2DOptionsT(
        padding=0, strideW=1, strideH=1, depthMultiplier=1, dilationWFactor=1, dilationHFactor=1
    )
    m.main.op("DEPTHWISE_CONV_2D", [y, m.weights(1, 3, 3, 6), m.weights(6)], [z], own)
    axes = m.main.integers(1, 2)
    m.main.op("MEAN", [z, axes], [out], schema.ReducerOptionsT(keepDims=False))
    return m.model(out)


def functions() -> bytes:
    """Keras' activations, one behind the other."""
    m = Floats(1, 40)
    y = m.unary("LEAKY_RELU", m.x, schema.LeakyReluOptionsT(alpha=0.25))
    y = m.unary("LOGISTIC", m.unary("ABS", y))
    y = m.unary("LOG", m.unary("SQUARE", y))
    return m.model(m.unary("RSQRT", m.unary("EXP", y)))


def variance() -> bytes:
    m = Floats(1, 4, 10)
    mean, squares, out = m.made([1, 4, 1]), m.made([1, 4, 10]), m.made([1, 4, 1])
    keep = schema.ReducerOptionsT(keepDims=True)
    m.main.op("MEAN", [m.x, m.main.integers(2)], [mean], keep)
    m.main.op("SQUARED_DIFFERENCE", [m.x, mean], [squares], schema.SquaredDifferenceOptionsT())
    m.main.op("MEAN", [squares, m.main.integers(2)], [out], keep)
    return m.model(out)


def resized() -> bytes:
    """By both rules, then what normalises the last axis."""
    m = Floats(1, 6, 5, 3)
    y, z = m.made([1, 12, 9, 3]), m.made([1, 24, 18, 3])
    half = schema.ResizeBilinearOptionsT(halfPixelCenters=True)
    m.main.op("RESIZE_BILINEAR", [m.x, m.main.integers(12, 9)], [y], half)
    nearest = schema.ResizeNearestNeighborOptionsT()
    m.main.op("RESIZE_NEAREST_NEIGHBOR", [y, m.main.integers(24, 18)], [z], nearest)
    y = m.unary("L2_NORMALIZATION", z, schema.L2NormOptionsT())
    return m.model(m.unary("LOG_SOFTMAX", y, schema.LogSoftmaxOptionsT()))


FILES: dict[str, Callable[[], bytes]] = {
    "convolutions": convolutions,
    "functions": functions,
    "variance": variance,
    "resized": resized,
    "hello": lambda: file(CASES, "models/real/tflm_hello_float.tflite").read_bytes(),
}


def given(graph: Graph, cases: int) -> Array:
    shape = graph.tensors[graph.inputs[0]].shape
    return np.random.default_rng(1).uniform(-2, 2, (cases, *shape)).astype(np.float32)


def ours(graph: Graph, x: Array) -> Array:
    name = graph.inputs[0]
    return np.stack(
        [run_graph(graph, to_graph_layout(graph, {name: v}))[graph.outputs[0]] for v in x]
    )


@pytest.mark.parametrize("name", FILES)
def test_values_are_litert_s_and_int8_is_near(name: str) -> None:
    data = FILES[name]()
    assert is_float(data, "m")
    graph = read_float_tflite(data, "m")
    x = given(graph, 4)
    (want,) = run_litert_reference(data, [x])
    for made in (graph, optimize(graph)):
        np.testing.assert_allclose(ours(made, x), want, rtol=2e-5, atol=2e-5)
    made = optimize(graph)
    fed = [to_graph_layout(made, {made.inputs[0]: v}) for v in x]
    assert convert(made, calibrate(made, fed)).is_quantized()


def import_check(data: bytes, folder: Path) -> Check:
    path = folder / "m.tflite"
    path.write_bytes(data)
    int8 = load(path).quantize().int8
    (check,) = import_checks(int8, import_cases(int8))
    return check


@pytest.mark.parametrize("make", [convolutions, variance])
def test_the_import_is_compared_with_litert(make: Callable[[], bytes], tmp_path: Path) -> None:
    check = import_check(make(), tmp_path)
    assert check.passed and "2 rows, LiteRT's reference kernels" in check.detail, check


def test_a_wrong_import_is_found(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setitem(read_float._FUNCTIONS, "ABS", formula("neg"))
    m = Floats(1, 8)
    check = import_check(m.model(m.unary("ABS", m.x)), tmp_path)
    assert check.failed and "differs by" in check.detail, check


def test_int8_weights_are_not_compared(tmp_path: Path) -> None:
    """LiteRT rounds what they multiply."""
    data = file(MODELS, "mlperf_tiny_kws_float32.tflite").read_bytes()
    check = import_check(data, tmp_path)
    assert check.passed is None and "rounds activations" in check.detail, check


def test_weights_of_8_bits_are_what_they_stand_for() -> None:
    """LiteRT rounds activations to 8 bits before it multiplies by such weights."""
    data = file(MODELS, "mlperf_tiny_kws_float32.tflite").read_bytes()
    graph = read_float_tflite(data, "kws")
    x = given(graph, 6) * 10
    (want,) = run_litert_reference(data, [x])
    assert np.abs(ours(graph, x) - want).max() < 0.1
    assert (ours(graph, x).argmax(-1) == want.argmax(-1)).mean() > 0.8


def test_what_there_is_no_operator_for_is_named() -> None:
    m = Floats(1, 4, 4, 1)
    output = m.unary("COS", m.unary("CUMSUM", m.x))
    with pytest.raises(UnsupportedError, match="operator 'CUMSUM' at node 0"):
        read_float_tflite(m.model(output), "m")
