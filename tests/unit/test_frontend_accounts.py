"""Nothing that an ONNX node states is overlooked; outputs keep their names."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto, defs, helper

from tests.support.host_run import NAME, project_of
from tests.support.onnx_models import ModelMaker, save
from tests.support.random_onnx import difference, imported, outside
from toolkit.errors import ModelError, ToolkitError, UnsupportedError
from toolkit.frontend.fold import FOLDS
from toolkit.frontend.load import LOWERINGS, load_onnx
from toolkit.frontend.node import Attributes, Inputs, OnnxNode
from toolkit.frontend.reader import MAX_OPSET
from toolkit.frontend.schema import check_accounted
from toolkit.model.int8 import to_int8
from toolkit.model.load import load_source
from toolkit.quantize.recipe import Recipe
from toolkit.tflite.read import read_tflite


def floats(*shape: int) -> np.ndarray:
    return np.random.default_rng(len(shape)).uniform(0.5, 2, shape).astype(np.float32)


def ints(*values: int) -> np.ndarray:
    return np.array(values, np.int64)


@pytest.mark.parametrize("op", sorted({*LOWERINGS, *FOLDS, "Shape"}))
def test_an_unknown_attribute_is_refused(op: str, tmp_path: Path) -> None:
    maker = ModelMaker(1, 4)
    opset = max(17, defs.get_schema(op, MAX_OPSET).since_version)
    inputs = [maker.constant(floats(4)) for _ in range(defs.get_schema(op, opset).min_input)]
    path = save(maker.model(maker.op(op, *inputs, made_up=3), opset), tmp_path)
    with pytest.raises(ModelError, match=r"no attribute 'made_up' here"):
        load_onnx(path)


def test_no_operator_set_beyond_the_last_that_was_looked_at(tmp_path: Path) -> None:
    maker = ModelMaker(1, 4)
    path = save(maker.model(maker.op("Relu", "x"), MAX_OPSET + 1), tmp_path)
    with pytest.raises(UnsupportedError, match=f"at most {MAX_OPSET}"):
        load_onnx(path)


def unread(**attrs: Any) -> OnnxNode:
    return OnnxNode("n", "Gemm", Inputs(("a", "b", "c")), ("y",), Attributes(attrs))


def test_what_nobody_read_is_refused_by_name() -> None:
    node = unread(alpha=1.0, beta=2.0)
    assert "alpha" in node.attrs  # does not count as reading it
    assert node.inputs.has(2)
    with pytest.raises(UnsupportedError, match=r"'n' \(Gemm\): attribute 'beta' = 2.0 is not"):
        check_accounted(node, 17, [])
    assert node.attrs["beta"] == 2.0
    assert list(node.inputs[:2]) == ["a", "b"]
    with pytest.raises(UnsupportedError, match=r"input 2 \(C\) = 'c' is not taken account of"):
        check_accounted(node, 17, [])
    assert node.inputs[2] == "c"
    with pytest.raises(UnsupportedError, match=r"output 0 \('y'\) is used"):
        check_accounted(node, 17, ["y"])
    check_accounted(node, 17, [])


def with_output(op: str, index: int, *constants: Any, used: bool, **attrs: Any) -> onnx.ModelProto:
    """``op`` with ``index`` + 1 outputs, the last of which is one of the model's where it is
    ``used``."""
    maker = ModelMaker(1, 2, 6)
    y = maker.op(op, "x", *(maker.constant(c) for c in constants), **attrs)
    maker.nodes[-1].output.extend(f"more{i}" for i in range(1, index + 1))
    model = maker.model(maker.op("Relu", y))
    if used:
        model.graph.output.append(helper.make_tensor_value_info("more1", TensorProto.INT64, None))
    return model


def dropout_in_training() -> onnx.ModelProto:
    maker = ModelMaker(1, 4)
    inputs = maker.constant(np.array(0.5, np.float32)), maker.constant(np.array(True))
    return maker.model(maker.op("Dropout", "x", *inputs))


def gemm(*bias: int) -> onnx.ModelProto:
    maker = ModelMaker(4, 6)
    weights = maker.weights(4, 6), maker.constant(floats(*bias))
    return maker.model(maker.op("Gemm", "x", *weights, transB=1))


@pytest.mark.parametrize(
    ("model", "kind", "words"),
    [
        (with_output("MaxPool", 1, used=True, kernel_shape=[2]), UnsupportedError,
         "output 1 ('more1') is used"),
        (with_output("Dropout", 1, used=True), UnsupportedError, "output 1 ('more1') is used"),
        (dropout_in_training(), UnsupportedError, "training mode"),
        (with_output("BatchNormalization", 2, *[floats(2)] * 4, used=False, training_mode=1),
         UnsupportedError, "training mode"),
        (with_output("MaxPool", 2, used=False, kernel_shape=[2]), ModelError, "at most 2 outputs"),
        (with_output("Relu", 0, floats(1), used=False), ModelError, "at most 1 inputs"),
        (with_output("MaxPool", 0, used=False), ModelError, "'kernel_shape' is missing"),
        (with_output("Conv", 0, floats(2, 2, 3), used=False, kernel_shape=[2]), ModelError,
         "kernel_shape [2], but"),
        (with_output("Conv", 0, floats(2, 2, 3), used=False, auto_pad="SAME_UPPER", pads=[5, 5]),
         UnsupportedError, "'pads' = (5, 5) is not taken account of"),
        (with_output("ReduceMean", 0, used=False, keepdims=0), UnsupportedError, "a scalar"),
        (gemm(3, 1), ModelError, "does not fit"),
        (gemm(1, 4, 4), ModelError, "does not fit"),
    ],
)  # fmt: skip
def test_what_is_not_made_is_refused(
    model: onnx.ModelProto, kind: type[ToolkitError], words: str, tmp_path: Path
) -> None:
    with pytest.raises(kind) as caught:
        load_onnx(save(model, tmp_path))
    assert words in str(caught.value)


def expand_to_output() -> onnx.ModelProto:
    m = ModelMaker(1, 4, 1)
    return m.model(m.op("Expand", m.op("Relu", "x"), m.constant(ints(1, 4, 8))))


def expand_read_and_output() -> onnx.ModelProto:
    m = ModelMaker(1, 4, 6, 5)
    wide = m.op("Expand", m.op("GlobalAveragePool", "x"), m.constant(ints(1, 4, 6, 5)))
    model = m.model(m.op("Mul", wide, "x"))
    model.graph.output.append(helper.make_tensor_value_info(wide, TensorProto.FLOAT, None))
    return model


def shape_start() -> onnx.ModelProto:
    m = ModelMaker(1, 4, 6, 5)
    height = m.op("Gather", m.op("Shape", "x", start=2), m.constant(ints(0)))
    target = m.op("Concat", m.constant(ints(1, -1)), height, axis=0)
    return m.model(m.op("Reshape", m.op("Relu", "x"), target))


def slice_without_axes() -> onnx.ModelProto:
    m = ModelMaker(1, 4, 6)
    bounds = [m.constant(ints(v)) for v in (0, 3)]
    part = m.op("Slice", m.op("Shape", "x"), *bounds, "", m.constant(ints(2)))
    target = m.op("Concat", part, m.constant(ints(-1)), axis=0)
    return m.model(m.op("Reshape", m.op("Relu", "x"), target))


def concat_of(*parts: Any, axis: int = 1) -> Callable[[], onnx.ModelProto]:
    """Concat of constants and, where there is None, a computed value."""

    def make() -> onnx.ModelProto:
        m = ModelMaker(1, 4)
        x = m.op("Relu", "x")
        return m.model(
            m.op("Concat", *(x if p is None else m.constant(p) for p in parts), axis=axis)
        )

    return make


@pytest.mark.parametrize(
    "make",
    [
        *(lambda bias=bias: gemm(*bias) for bias in ((4, 1), (1, 4), (4, 4), (4,), (), (1, 1))),
        expand_to_output,
        expand_read_and_output,
        shape_start,
        slice_without_axes,
        concat_of(None, floats(1, 2)),
        concat_of(np.zeros((1, 2), np.float32), None),
        concat_of(floats(1, 2), None, floats(1, 1), None, np.full((1, 3), 2, np.float32)),
        concat_of(None),
        concat_of(*[None] * 9),
    ],
)  # fmt: skip
def test_faults_of_the_past(make: Callable[[], onnx.ModelProto], tmp_path: Path) -> None:
    model = make()
    want, graphs = outside(model, 3), imported(model, tmp_path)
    assert want is not None
    assert not isinstance(graphs, ToolkitError), graphs
    assert [difference(graph, want) for graph in graphs.values()] == ["", ""]


def named(*outputs: str) -> onnx.ModelProto:
    """A dense layer ``dense`` and views of it under other names; ``outputs`` in that order."""
    m = ModelMaker(1, 8)
    m.nodes += [
        helper.make_node("Gemm", ["x", m.weights(4, 8)], ["dense"], "a", transB=1),
        helper.make_node("Identity", ["dense"], ["same"], "b"),
        helper.make_node("Flatten", ["dense"], ["flat"], "c"),
        helper.make_node("Reshape", ["flat", m.constant(ints(1, 2, 2))], ["square"], "d"),
        helper.make_node("Relu", ["same"], ["relu"], "e"),
    ]
    model = m.model(outputs[0])
    del model.graph.output[:]
    model.graph.output.extend(
        helper.make_tensor_value_info(name, TensorProto.FLOAT, None) for name in outputs
    )
    return model


@pytest.mark.parametrize(
    "outputs",
    [
        ("dense", "same", "relu"),
        ("flat", "dense"),
        ("same", "flat", "square", "dense"),
        ("relu", "square", "same"),
        ("square", "flat"),
    ],
)
def test_outputs_of_one_value_keep_names_and_order(
    outputs: tuple[str, ...], tmp_path: Path
) -> None:
    model = named(*outputs)
    want, graphs = outside(model, 3), imported(model, tmp_path)
    assert want is not None
    assert not isinstance(graphs, ToolkitError), graphs
    assert [difference(graph, want) for graph in graphs.values()] == ["", ""]
    graph = read_tflite(to_int8(load_source(str(save(model, tmp_path))), Recipe()).data, "named")
    assert graph.outputs == outputs
    shapes = {name: graph.tensors[name].shape for name in outputs}
    assert shapes == {name: value.shape for name, value in want.outputs.items()}
    header = project_of(graph).files[f"{NAME}/include/{NAME}.h"].decode()
    places = [header.index(f"output {i}: {name}\n") for i, name in enumerate(outputs)]
    assert places == sorted(places)


def test_an_output_that_nothing_computes_is_refused(tmp_path: Path) -> None:
    m = ModelMaker(1, 4)
    constant = m.op("Relu", m.constant(floats(1, 4)))
    with pytest.raises(UnsupportedError, match="is constant"):
        load_onnx(save(with_output(m.model(m.op("Relu", "x")), constant), tmp_path))


@pytest.mark.parametrize("op", ["Identity", "Flatten"])
def test_an_output_that_is_an_input_is_its_copy(op: str, tmp_path: Path) -> None:
    m = ModelMaker(1, 4)
    same = m.op(op, "x")
    model = with_output(m.model(m.op("Relu", "x")), same)
    want, graphs = outside(model, 3), imported(model, tmp_path)
    assert want is not None and not isinstance(graphs, ToolkitError)
    assert [difference(graph, want) for graph in graphs.values()] == ["", ""]
    graph = read_tflite(to_int8(load_source(str(save(model, tmp_path))), Recipe()).data, "same")
    assert graph.outputs[1] == same and not set(graph.outputs) & set(graph.inputs)


def with_output(model: onnx.ModelProto, output: str) -> onnx.ModelProto:
    """The model with one more output."""
    model.graph.output.append(helper.make_tensor_value_info(output, TensorProto.FLOAT, None))
    return model


def test_an_output_stated_twice_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="'dense' is stated twice"):
        load_onnx(save(named("dense", "dense"), tmp_path))
