"""The imported network against onnxruntime, as every verb compares it: planted errors are found and
named, what cannot be run is never passed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from tests.support import onnx_models
from tests.support.cli import image_model, speech_model, toolkit
from tests.support.onnx_models import ModelMaker
from tests.support.qdq import quantize_with_onnxruntime
from toolkit.compare import outside
from toolkit.compare.import_match import MAX_ELEMENTS, import_cases, import_checks
from toolkit.deploy.model import load
from toolkit.frontend.load import LOWERINGS
from toolkit.frontend.lowering import Lowering
from toolkit.frontend.reader import OnnxNode
from toolkit.ir import Graph
from toolkit.measurement import Check
from toolkit.model import int8 as int8_module


def checks(model: onnx.ModelProto, folder: Path, has_time: bool = False) -> list[Check]:
    path = folder / "m.onnx"
    path.write_bytes(model.SerializeToString())
    int8 = load(path).quantize().int8
    return list(import_checks(int8, import_cases(int8), has_time))


def plant(patch: pytest.MonkeyPatch, op: str, bug: Callable[[Lowering, OnnxNode], None]) -> None:
    """Let ``bug`` change what the lowering of ``op`` sees."""
    lower = LOWERINGS[op]

    def wrong(low: Lowering, node: OnnxNode) -> str:
        bug(low, node)
        return lower(low, node)

    patch.setitem(LOWERINGS, op, wrong)


def _roll_bias(low: Lowering, node: OnnxNode) -> None:
    low.constants[node.inputs[2]] = np.roll(low.constants[node.inputs[2]], 1)


def _index_before(low: Lowering, node: OnnxNode) -> None:
    low.constants[node.inputs[1]] = low.constants[node.inputs[1]] - 1


def _no_step(low: Lowering, node: OnnxNode) -> None:
    """As many values, but neighbours."""
    low.constants[node.inputs[4]] = np.array([1, 1])
    low.constants[node.inputs[2]] = np.array([-1, 5])


@pytest.mark.parametrize(
    "make",
    [
        onnx_models.ds_cnn,
        onnx_models.resnet,
        onnx_models.conv_1d,
        onnx_models.mobilenet_v2,
        onnx_models.mobilenet_v3,
        onnx_models.parts,
        onnx_models.dense,
        onnx_models.layouts,
        image_model,
    ],
)
def test_networks_equal_onnxruntime(make: Callable[[], onnx.ModelProto], tmp_path: Path) -> None:
    (check,) = checks(make(), tmp_path)
    assert check.passed and "onnxruntime" in check.detail, check


@pytest.mark.parametrize(
    ("make", "op", "bug", "node"),
    [
        (onnx_models.dense, "Gemm", _roll_bias, "'Gemm_10' (Gemm), value 't10'"),
        (onnx_models.parts, "Slice", _no_step, "'Slice_5' (Slice), value 't5'"),
        (onnx_models.parts, "Gather", _index_before, "'Gather_6' (Gather), value 't6'"),
        (onnx_models.ds_cnn, "Conv", _roll_bias, "'Conv_0' (Conv), value 't0'"),
    ],
    ids=["gemm bias", "slice steps", "gather index", "conv bias"],
)
def test_a_wrong_import_fails_and_names_the_node(
    make: Callable[[], onnx.ModelProto],
    op: str,
    bug: Callable[[Lowering, OnnxNode], None],
    node: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    plant(monkeypatch, op, bug)
    (check,) = checks(make(), tmp_path)
    assert check.failed and check.required
    assert check.where == f"first differing node {node}", check


def test_a_wrong_rewrite_is_not_blamed_on_a_node(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from toolkit.passes import optimize

    def doubled(graph: Graph) -> Graph:
        name = graph.nodes[-1].inputs[1]
        assert name is not None
        tensor = graph.tensors[name]
        twice = replace(tensor, data=tensor.values * 2)
        return replace(graph, tensors={**graph.tensors, name: twice})

    monkeypatch.setattr(optimize, "fuse_activation", doubled)
    (check,) = checks(image_model(), tmp_path)
    assert check.failed and "a later rewrite of the graph is wrong" in check.where


def test_a_build_of_a_wrong_import_ends_with_1(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All bytes match all the same: the reference is wrong alike."""
    plant(monkeypatch, "Gemm", _roll_bias)
    (tmp_path / "m.onnx").write_bytes(image_model().SerializeToString())
    run = toolkit("build", "m.onnx", "--target", "cortex-m4", "--json", cwd=tmp_path)
    found = {check["name"]: check for check in run.json["checks"]}
    assert run.exit_code == 1
    assert found["bit_match"]["passed"] and not found["import_match"]["passed"]
    assert "first differing node 'Gemm_4' (Gemm)" in found["import_match"]["where"]
    run = toolkit("convert", "m.onnx", "-o", "m.tflite", cwd=tmp_path)
    assert run.exit_code == 1 and "FAIL import_match" in run.stdout


@pytest.mark.parametrize(
    ("limit", "value", "reason"),
    [
        ("MEMORY_BYTES", 48 << 20, "the interpreter's process ended"),
        ("TIME_S", 0.01, "did not finish in 0.01 s"),
        ("_WORKER", None, "signal 9"),
    ],
)
def test_a_child_that_dies_is_a_note(
    limit: str, value: object, reason: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if limit == "_WORKER":
        value = tmp_path / "killed.py"
        (tmp_path / "killed.py").write_text("import os; os.kill(os.getpid(), 9)", "utf-8")
    monkeypatch.setattr(outside, limit, value)
    outside._asked.cache_clear()
    (tmp_path / "m.onnx").write_bytes(image_model().SerializeToString())
    run = toolkit("convert", "m.onnx", "-o", "m.tflite", "--json", cwd=tmp_path)
    (check,) = run.json["checks"]
    assert run.exit_code == 0 and check["passed"] is None
    assert check["detail"].startswith("not checked: ") and reason in check["detail"], check


@pytest.mark.parametrize(("ir", "oracle"), [(14, "onnxruntime"), (90, "onnx ReferenceEvaluator")])
def test_new_files_are_run_by_one_of_the_two(ir: int, oracle: str, tmp_path: Path) -> None:
    model = image_model()
    model.ir_version = ir
    (check,) = checks(model, tmp_path)
    assert check.passed and oracle in check.detail, check


def test_what_is_too_large_is_not_run(tmp_path: Path) -> None:
    m = ModelMaker(1, 1, 1024, 1024)
    x = m.op("Relu", m.conv("x", (1, 16), (1, 1)))
    (tmp_path / "m.onnx").write_bytes(m.model(m.op("GlobalAveragePool", x)).SerializeToString())
    int8 = replace(load(tmp_path / "m.onnx").source)
    model = int8_module.Int8Model(int8, b"", int8.float_graph, ())  # never quantised: too slow
    (check,) = import_checks(model, [])
    assert check.passed is None and f"more than {MAX_ELEMENTS:,}" in check.detail


def test_other_lengths_of_an_open_file(tmp_path: Path) -> None:
    own, other = checks(speech_model(), tmp_path, has_time=True)
    assert own.passed and other.passed and " rows, onnxruntime" in other.detail, other


def timed(pool: str) -> onnx.ModelProto:
    """A convolution along 24 rows of a file of fixed length, reduced as asked."""
    m = ModelMaker(1, 24, 1, 6)
    x = "x"
    if pool == "reshape":  # nothing moves, but the file says 24
        x = m.op("Reshape", m.op("Relu", x), m.constant(np.array([1, 24, 1, 6], np.int64)))
    x = m.op("Transpose", x, perm=[0, 3, 1, 2])
    x = m.op("Relu", m.conv(x, (6, 8), (5, 1), strides=[2, 1], pads=[2, 0, 2, 0]))
    if pool == "open":
        x = m.op("Flatten", m.op("GlobalAveragePool", x))
    elif pool == "window":
        x = m.op("Flatten", m.op("AveragePool", x, kernel_shape=[12, 1]))
    elif pool == "reshape":
        x = m.op("ReduceMean", x, axes=[2, 3], keepdims=0)
    else:
        x = m.op("ReduceMean", m.op("Softmax", x, axis=2), axes=[2, 3], keepdims=0)
    return m.model(m.dense(x, 8, 3))


def test_other_lengths_of_a_file_that_fixes_one(tmp_path: Path) -> None:
    """Time is opened in a copy, no node touched; a node that fixes it is named."""
    _, other = checks(timed("open"), tmp_path, has_time=True)
    assert other.passed and "at 12 and 49 rows" in other.detail, other
    for kind, words in (
        ("window", "time fixed by node 'AveragePool_3' (AveragePool): other T not checked outside"),
        ("reshape", "time fixed by node 'Reshape_1' (Reshape): other T not checked outside"),
        ("softmax", "it has no other length (node "),
    ):
        own, other = checks(timed(kind), tmp_path, has_time=True)
        assert own.passed and other.passed is None, other
        assert other.detail.startswith(f"not checked: {words}"), other


def test_a_network_wrong_at_other_lengths_fails(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from toolkit.compare import import_match

    right = import_match.retime

    def wrong(time: import_match.TimeAxis, rows: int) -> Graph:
        graph = right(time, rows)
        bias = graph.nodes[-1].inputs[2]
        assert bias is not None
        tensor = graph.tensors[bias]
        return replace(
            graph, tensors={**graph.tensors, bias: replace(tensor, data=tensor.values + rows)}
        )

    monkeypatch.setattr(import_match, "retime", wrong)
    own, other = checks(timed("open"), tmp_path, has_time=True)
    assert own.passed and other.failed and "at 12 rows" in other.detail
    assert "first differing node 'Gemm_5' (Gemm)" in other.where, other


def test_a_quantised_file_is_compared_without_its_rounding(tmp_path: Path) -> None:
    for index, model in enumerate((onnx_models.mobilenet_v2(), image_model())):
        shape = (1, 1, 24, 20) if index == 0 else (1, 1, 8, 8)
        cases = np.random.default_rng(0).normal(size=(8, *shape)).astype(np.float32)
        (check,) = checks(quantize_with_onnxruntime(model, list(cases), tmp_path), tmp_path)
        assert check.passed and "quantisers of activations left out" in check.detail, check


def test_weights_may_be_rounded_in_the_file(tmp_path: Path) -> None:
    """As torch exports them: float weights through quantisers whose scales are Constant nodes."""
    weights = np.random.default_rng(1).normal(size=(2, 3, 3, 3)).astype(np.float32)
    nodes = []

    def rounded(name: str, scale: float) -> str:
        numbers = {"scale": np.float32(scale), "zero": np.int8(0)}
        for kind, number in numbers.items():
            value = numpy_helper.from_array(np.array(number))
            nodes.append(helper.make_node("Constant", [], [f"{name}_{kind}"], value=value))
        params = [f"{name}_scale", f"{name}_zero"]
        nodes.append(helper.make_node("QuantizeLinear", [name, *params], [f"{name}_q"]))
        nodes.append(helper.make_node("DequantizeLinear", [f"{name}_q", *params], [f"{name}_dq"]))
        return f"{name}_dq"

    operands = [rounded("x", 0.04), rounded("w", 0.1)]
    nodes.append(helper.make_node("Conv", operands, ["c"]))
    rounded("c", 0.2)
    shapes = {"x": [1, 3, 8, 8], "c_dq": [1, 2, 6, 6]}
    x, y = (helper.make_tensor_value_info(n, TensorProto.FLOAT, s) for n, s in shapes.items())
    graph = helper.make_graph(nodes, "rounded", [x], [y], [numpy_helper.from_array(weights, "w")])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)
    (check,) = checks(model, tmp_path)
    assert check.passed, check
