"""What ordinary exporters write and a strict reader stumbles over, held to onnxruntime."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper

from tests.support.onnx_models import ModelMaker, save
from tests.support.random_onnx import difference, imported, outside
from toolkit.errors import ModelError, ToolkitError, UnsupportedError
from toolkit.frontend.load import load_onnx
from toolkit.ops.execute import run_graph


def floats(*shape: int) -> np.ndarray:
    return np.random.default_rng(len(shape)).uniform(-1, 1, shape).astype(np.float32)


def dead_branch() -> onnx.ModelProto:
    maker = ModelMaker(2, 4)
    maker.op("Erf", "x")
    return maker.model(maker.op("Relu", "x"))


def out_of_order() -> onnx.ModelProto:
    maker = ModelMaker(2, 4)
    y = maker.op("Tanh", maker.op("Mul", maker.op("Relu", "x"), maker.constant(floats(4))))
    maker.nodes.reverse()
    return maker.model(y)


def constants_of_any_operator() -> onnx.ModelProto:
    """exp(w), |w| over a range of 0 to 4, cos, the largest, a norm, a remainder, a product."""
    maker = ModelMaker(2, 4)
    three = [maker.constant(np.array(value, np.int64)) for value in (0, 4, 1)]
    steps = maker.op("Cast", maker.op("Range", *three), to=TensorProto.FLOAT)
    w = maker.op("Exp", maker.constant(floats(4)))
    w = maker.op("Mul", w, maker.op("Cos", maker.op("Abs", steps)))
    w = maker.op("Add", w, maker.op("ReduceL2", w, keepdims=1))
    w = maker.op("Max", w, maker.op("Ceil", maker.constant(floats(4))))
    shape = maker.op("Shape", "x")
    size = maker.op(
        "Unsqueeze", maker.op("ReduceProd", shape, keepdims=0), maker.constant(np.array([0]))
    )
    flat = maker.op("Reshape", maker.op("Mul", "x", w), size)
    return maker.model(flat)


def half_precision() -> onnx.ModelProto:
    """Weights and arithmetic in 16 bits between casts, as converters to fp16 write it."""
    maker = ModelMaker(2, 4)
    weights = floats(4, 3)
    name = "half"
    maker.initializers.append(
        helper.make_tensor(name, TensorProto.FLOAT16, (4, 3), weights.reshape(-1).tolist())
    )
    y = maker.op("MatMul", maker.op("Cast", "x", to=TensorProto.FLOAT16), name)
    return maker.model(maker.op("Cast", y, to=TensorProto.FLOAT))


def concatenated() -> onnx.ModelProto:
    """One, many, and constants."""
    maker = ModelMaker(2, 4)
    one = maker.op("Concat", "x", axis=1)
    many = maker.op("Concat", one, *(maker.op("Relu", "x") for _ in range(5)), axis=1)
    both = maker.op("Concat", maker.constant(floats(2, 3)), many, axis=1)
    return maker.model(maker.op("Tanh", both))


FORMS: dict[str, Callable[[], onnx.ModelProto]] = {
    "dead_branch": dead_branch,
    "out_of_order": out_of_order,
    "constants": constants_of_any_operator,
    "concat": concatenated,
}


@pytest.mark.parametrize("form", FORMS)
def test_everyday_files_mean_what_onnxruntime_says(form: str, tmp_path: Path) -> None:
    model = FORMS[form]()
    graphs, want = imported(model, tmp_path), outside(model, 1)
    assert not isinstance(graphs, ToolkitError), graphs
    assert want is not None
    assert {name: difference(graph, want) for name, graph in graphs.items()} == {
        "imported": "",
        "optimised": "",
    }


def test_half_precision_is_onnxruntimes_but_for_its_rounding(tmp_path: Path) -> None:
    model = half_precision()
    graphs, want = imported(model, tmp_path), outside(model, 1)
    assert isinstance(graphs, dict) and want is not None
    ((name, expected),) = want.outputs.items()
    found = run_graph(graphs["optimised"], want.inputs)[name]
    np.testing.assert_allclose(found, expected, atol=2e-3 * np.abs(expected).max())


def test_bfloat16_weights_are_read(tmp_path: Path) -> None:
    maker = ModelMaker(2, 4)
    weights = floats(4, 3)
    maker.initializers.append(
        helper.make_tensor("half", TensorProto.BFLOAT16, (4, 3), weights.reshape(-1).tolist())
    )
    y = maker.op("MatMul", "x", maker.op("Cast", "half", to=TensorProto.FLOAT))
    graph = load_onnx(save(maker.model(y), tmp_path))
    x = floats(2, 4)
    (found,) = (run_graph(graph, {"x": x})[name] for name in graph.outputs)
    np.testing.assert_allclose(found, x @ weights, atol=0.02)


def test_what_folds_without_end_is_refused(tmp_path: Path) -> None:
    maker = ModelMaker(2, 4)
    w = maker.constant(floats(64, 64))
    for _ in range(24):
        w = maker.op("Concat", w, w, axis=0)
    model = maker.model(maker.op("MatMul", "x", w))
    with pytest.raises(ModelError, match="constant"):
        load_onnx(save(model, tmp_path))


def test_random_numbers_are_no_constants(tmp_path: Path) -> None:
    maker = ModelMaker(2, 4)
    y = maker.op("Add", "x", maker.op("RandomNormal", shape=[4]))
    with pytest.raises(UnsupportedError, match="RandomNormal"):
        load_onnx(save(maker.model(y), tmp_path))


def test_a_dead_branch_leaves_nothing_behind(tmp_path: Path) -> None:
    graph = load_onnx(save(dead_branch(), tmp_path))
    assert [node.op for node in graph.nodes] == ["relu"]
