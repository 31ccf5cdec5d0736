"""Functions of one value: imported they give what onnxruntime gives, composed they are one table
of the nearest values."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
import pytest

from tests.support.onnx_models import ModelMaker
from tests.support.random_onnx import difference, imported, outside
from toolkit.ir import DType
from toolkit.ir.tensor import dequantize, quantize
from toolkit.ops.execute import run_graph
from toolkit.quantize.convert import convert
from toolkit.quantize.ranges import calibrate


def number(value: float) -> np.ndarray:
    return np.full((), value, np.float32)


def powers(base_first: bool, value: float) -> onnx.ModelProto:
    maker = ModelMaker(2, 4)
    x = maker.op("Abs", "x") if not base_first else "x"
    sides = [x, maker.constant(number(value))][:: -1 if base_first else 1]
    return maker.model(maker.op("Pow", *sides))


def clips(*limits: float | None) -> onnx.ModelProto:
    maker = ModelMaker(2, 4)
    inputs = ["" if v is None else maker.constant(number(v)) for v in limits]
    return maker.model(maker.op("Clip", "x", *inputs))


CASES: dict[str, Callable[[], onnx.ModelProto]] = {
    **{f"Pow {v}": lambda v=v: powers(False, v) for v in (1.0, 3.0, 0.3, 2.0)},  # type: ignore[misc]
    "Pow of 2": lambda: powers(True, 2.0),
    "Clip 0 1": lambda: clips(0.0, 1.0),
    "Clip max": lambda: clips(None, 0.5),
    "Clip -1 2": lambda: clips(-1.0, 2.0),
}


@pytest.mark.parametrize("name", CASES)
def test_imported_it_is_onnxruntimes(name: str, tmp_path: Path) -> None:
    model = CASES[name]()
    want, graphs = outside(model, 1), imported(model, tmp_path)
    assert isinstance(graphs, dict) and want is not None
    assert {k: difference(g, want) for k, g in graphs.items()} == {"imported": "", "optimised": ""}


def gelu(m: ModelMaker) -> str:
    """As torch's exporter spells it."""
    part = m.op("Erf", m.op("Div", "x", m.constant(number(2**0.5))))
    whole = m.op("Mul", "x", m.op("Add", part, m.constant(number(1))))
    return m.op("Mul", whole, m.constant(number(0.5)))


SPELT: dict[str, Callable[[ModelMaker], str]] = {
    "gelu": gelu,
    "silu": lambda m: m.op("Mul", "x", m.op("Sigmoid", "x")),
    "mish": lambda m: m.op("Mul", "x", m.op("Tanh", m.op("Softplus", "x"))),
    "log of a power": lambda m: m.op(
        "Log", m.op("Add", m.op("Mul", "x", "x"), m.constant(number(1e-3)))
    ),
    "1/sqrt": lambda m: m.op(
        "Div",
        m.constant(number(1)),
        m.op("Sqrt", m.op("Add", m.op("Abs", "x"), m.constant(number(0.1)))),
    ),
}


@pytest.mark.parametrize("name", SPELT)
def test_spelt_out_it_becomes_one_table(name: str, tmp_path: Path) -> None:
    maker = ModelMaker(2, 64)
    model = maker.model(SPELT[name](maker))
    want, graphs = outside(model, 1), imported(model, tmp_path)
    assert isinstance(graphs, dict) and want is not None
    graph = graphs["optimised"]
    assert [node.op for node in graph.nodes] == ["table"]
    assert difference(graph, want) == ""
    quantized = convert(graph, calibrate(graph, [want.inputs]))
    (out,) = (quantized.tensors[n] for n in quantized.outputs)
    entry = quantized.tensors[quantized.inputs[0]]
    q = np.clip(np.rint(want.inputs["x"] / entry.scale) + entry.zero_point, -128, 127)
    have = run_graph(quantized, {"x": q.astype(np.int8)})[out.name].astype(int)
    rounded = ((q - entry.zero_point) * entry.scale).astype(np.float32)
    exact = run_graph(graph, {"x": rounded})[graph.outputs[0]] / out.scale + out.zero_point
    assert np.abs(np.clip(exact, -128, 127) - have).max() <= 0.5 + 1e-3


def test_what_tflm_does_cheaply_stays(tmp_path: Path) -> None:
    maker = ModelMaker(2, 4)
    two = maker.constant(number(2))
    model = maker.model(maker.op("Tanh", maker.op("Mul", maker.op("Relu", "x"), two)))
    graphs = imported(model, tmp_path)
    assert isinstance(graphs, dict)
    assert [node.op for node in graphs["optimised"].nodes] == ["relu", "mul", "tanh"]


def test_16_bits_are_nearer(tmp_path: Path) -> None:
    maker = ModelMaker(2, 64)
    graphs = imported(maker.model(gelu(maker)), tmp_path)
    assert isinstance(graphs, dict)
    graph = graphs["optimised"]
    x = np.random.default_rng(0).uniform(-3, 3, (2, 64)).astype(np.float32)
    ranges, name = calibrate(graph, [{"x": x}]), graph.outputs[0]
    errors = []
    for wide in ([], [name]):
        quantized = convert(graph, ranges, wide=wide)
        made = next(node.outputs[0] for node in quantized.nodes if node.op == "table")
        entry, out = quantized.tensors["x"].quant, quantized.tensors[made].quant
        assert entry is not None and out is not None
        q = quantize(x, entry, DType.INT8)
        exact = run_graph(graph, {"x": dequantize(q, entry)})[name]
        errors.append(np.abs(dequantize(run_graph(quantized, {"x": q})[made], out) - exact).max())
    assert errors[1] < errors[0] / 20
