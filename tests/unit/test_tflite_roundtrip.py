"""Writing and reading .tflite files: same graph, same bytes, accepted by both interpreters."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from ai_edge_litert import schema_py_generated as schema

from tests.support.graphs import conv_graph
from tests.support.oracle import (
    assert_matches_tflm,
    random_inputs,
    run_litert_reference,
    run_numpy,
)
from toolkit.errors import InputError
from toolkit.ir import Graph, Tensor
from toolkit.ops.parts.window import Padding
from toolkit.tflite.read import load_tflite, read_tflite
from toolkit.tflite.write import write_tflite

PADDINGS = [None, Padding(), Padding(1, 1, 1, 1), Padding(2, 0, 0, 1), Padding(1, 0, 1, 0)]


def assert_same_tensor(left: Tensor, right: Tensor) -> None:
    assert (left.name, left.shape, left.dtype, left.quant) == (
        right.name,
        right.shape,
        right.dtype,
        right.quant,
    )
    assert left.is_constant == right.is_constant
    if left.is_constant:
        np.testing.assert_array_equal(left.values, right.values)


def assert_same_graph(left: Graph, right: Graph) -> None:
    assert (left.inputs, left.outputs) == (right.inputs, right.outputs)
    assert left.metadata == right.metadata
    for a, b in zip(left.nodes, right.nodes, strict=True):
        assert (a.op, a.inputs, a.outputs, a.attrs) == (b.op, b.inputs, b.outputs, b.attrs)
    assert left.tensors.keys() == right.tensors.keys()
    for name, tensor in left.tensors.items():
        assert_same_tensor(tensor, right.tensors[name])


@pytest.mark.parametrize("stride", [1, 2])
@pytest.mark.parametrize("padding", PADDINGS)
def test_reading_what_was_written_gives_the_same_graph(
    padding: Padding | None, stride: int
) -> None:
    graph = conv_graph(stride, padding, layers=2)
    assert_same_graph(graph, read_tflite(write_tflite(graph), graph.name))


@pytest.mark.parametrize("stride", [1, 2])
@pytest.mark.parametrize("padding", PADDINGS)
def test_written_model_gives_the_reference_bytes_in_tflm(
    padding: Padding | None, stride: int
) -> None:
    assert_matches_tflm(conv_graph(stride, padding, layers=2), cases=5)


def test_written_model_gives_the_reference_bytes_in_litert() -> None:
    graph = conv_graph(2, Padding(2, 0, 0, 1), layers=2)
    inputs = random_inputs(graph, 5)
    (got,) = run_litert_reference(write_tflite(graph), inputs)
    np.testing.assert_array_equal(got, run_numpy(graph, inputs)[0])


def test_same_graph_gives_same_bytes() -> None:
    assert write_tflite(conv_graph(layers=2)) == write_tflite(conv_graph(layers=2))


def test_metadata_order_does_not_matter() -> None:
    graph = conv_graph()
    one = replace(graph, metadata={"a": "1", "b": "2"})
    other = replace(graph, metadata={"b": "2", "a": "1"})
    assert write_tflite(one) == write_tflite(other)


def test_metadata_keeps_unicode_text() -> None:
    graph = conv_graph().with_metadata(labels="ärger\nfreude")
    assert read_tflite(write_tflite(graph), "m").metadata["labels"] == "ärger\nfreude"


def test_buffers_are_aligned_and_shared() -> None:
    graph = conv_graph()
    twin = replace(graph.tensors["conv_0/bias"], name="twin")
    tensors = {**graph.tensors, "twin": twin}
    node = replace(graph.nodes[0], inputs=("conv_0", graph.nodes[0].inputs[1], "twin"))
    second = replace(node, name="second", outputs=("second",))
    tensors["second"] = replace(graph.tensors["conv_0"], name="second")
    data = write_tflite(
        replace(graph, tensors=tensors, nodes=(*graph.nodes, second), outputs=("second",))
    )
    model = schema.Model.GetRootAs(data, 0)
    contents = [model.Buffers(i) for i in range(1, model.BuffersLength())]
    assert len(contents) == 3  # weights, bias and the metadata
    for buffer in contents:
        values = buffer.DataAsNumpy()
        start = (
            values.__array_interface__["data"][0]
            - np.frombuffer(data, np.uint8).__array_interface__["data"][0]
        )
        assert start % 16 == 0


def test_reader_takes_the_default_of_an_absent_optional_input() -> None:
    graph = conv_graph()
    node = replace(graph.nodes[0], inputs=(*graph.nodes[0].inputs[:2], None))
    bare = replace(graph, nodes=(node,)).pruned()
    again = read_tflite(write_tflite(bare), "m")
    assert again.nodes[0].inputs == node.inputs


def test_load_reports_a_missing_file(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"cannot read .*absent\.tflite"):
        load_tflite(tmp_path / "absent.tflite")
