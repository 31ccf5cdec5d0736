"""Explicit padding and padding operators are two forms of one computation."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from tests.support.graphs import activation, add_conv, conv_graph
from tests.support.oracle import assert_matches_tflm, random_inputs, run_numpy
from toolkit.errors import UnsupportedError
from toolkit.ir import Graph, GraphBuilder
from toolkit.ir.check import check_graph
from toolkit.ops.average_pool_2d import AveragePool2DAttrs
from toolkit.ops.max_pool_2d import MaxPool2DAttrs
from toolkit.ops.pad import PadAttrs
from toolkit.ops.pad_v2 import PadV2Attrs
from toolkit.ops.parts.window import Padding, Window
from toolkit.passes.fold_pad import fold_pad
from toolkit.passes.split_pad import split_pad
from toolkit.tflite.read import read_tflite
from toolkit.tflite.write import write_tflite

ODD = Padding(2, 0, 1, 2)


def pool_graph(op: str, padding: Padding, zero_point: int = -3) -> Graph:
    builder = GraphBuilder("pool")
    x = builder.add_input(activation("x", (1, 9, 8, 3), 0.05, zero_point))
    window = Window(3, 3, 2, 2, padding=padding)
    height, width = window.output_hw(9, 8)
    attrs = (MaxPool2DAttrs if op == "max_pool_2d" else AveragePool2DAttrs)(window)
    output = activation("y", (1, height, width, 3), 0.05, zero_point)
    builder.outputs.append(builder.add_node(op, [x], output, attrs))
    return builder.build()


def padded_graph(attrs: PadAttrs | PadV2Attrs, readers: int = 1) -> Graph:
    """A padding operator before convolutions without padding, whose results are the outputs."""
    rng = np.random.default_rng(3)
    builder = GraphBuilder("padded")
    x = builder.add_input(activation("x", (1, 6, 5, 3), 0.05, -3))
    shape = tuple(s + sum(p) for s, p in zip((1, 6, 5, 3), attrs.paddings, strict=True))
    op = "pad" if isinstance(attrs, PadAttrs) else "pad_v2"
    padded = builder.add_node(op, [x], activation("padded", shape, 0.05, -3), attrs)
    for i in range(readers):
        builder.outputs.append(add_conv(builder, padded, Window(3, 3), 2, rng, f"y{i}"))
    return builder.build()


def ops(graph: Graph) -> list[str]:
    return [node.op for node in graph.nodes]


def assert_same_results(left: Graph, right: Graph) -> None:
    inputs = random_inputs(left, 3)
    for a, b in zip(run_numpy(left, inputs), run_numpy(right, inputs), strict=True):
        np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize(
    ("graph", "expected"),
    [
        (conv_graph(2, ODD, layers=2), ["pad", "conv_2d"] * 2),
        (pool_graph("max_pool_2d", Padding(1, 1, 1, 1)), ["pad_v2", "max_pool_2d"]),
        (pool_graph("max_pool_2d", Padding(1, 1, 1, 1), -128), ["pad", "max_pool_2d"]),
    ],
)
def test_split_and_fold_are_inverse(graph: Graph, expected: list[str]) -> None:
    split = check_graph(split_pad(graph), "split")
    assert ops(split) == expected
    assert_same_results(graph, split)
    folded = check_graph(fold_pad(split), "fold")
    assert [(n.op, n.inputs, n.attrs) for n in folded.nodes] == [
        (n.op, n.inputs, n.attrs) for n in graph.nodes
    ]
    assert ops(split_pad(split)) == expected
    assert ops(fold_pad(folded)) == ops(folded)
    assert_matches_tflm(graph, cases=5)


@pytest.mark.parametrize("padding", [None, Padding(), Padding(0, 1, 0, 1)])
def test_padding_that_a_rule_gives_stays(padding: Padding | None) -> None:
    graph = conv_graph(2, padding, in_h=8)
    assert ops(split_pad(graph)) == ["conv_2d"]


def test_average_pool_has_no_explicit_form() -> None:
    with pytest.raises(UnsupportedError, match=r"'y' \(average_pool_2d\): TFLite has no such"):
        split_pad(pool_graph("average_pool_2d", Padding(1, 1, 1, 1)))


EDGES = ((0, 0), (1, 2), (0, 1), (0, 0))


@pytest.mark.parametrize("readers", [1, 2])
@pytest.mark.parametrize("attrs", [PadAttrs(EDGES), PadV2Attrs(EDGES, -3)])
def test_zero_padding_folds_into_every_reader(attrs: PadAttrs | PadV2Attrs, readers: int) -> None:
    graph = padded_graph(attrs, readers)
    folded = check_graph(fold_pad(graph), "fold")
    assert ops(folded) == ["conv_2d"] * readers
    assert "padded" not in folded.tensors
    assert_same_results(graph, folded)
    assert_matches_tflm(graph, cases=3)


@pytest.mark.parametrize(
    "graph",
    [
        padded_graph(PadV2Attrs(EDGES, -4)),  # not the zero point
        padded_graph(PadAttrs(((0, 0), (0, 0), (1, 1), (0, 2)))),  # channels
        padded_graph(PadAttrs(((0, 0), (3, 0), (0, 0), (0, 0)))),  # a window all in the padding
        replace(padded_graph(PadAttrs(EDGES)), outputs=("y0", "padded")),
    ],
)
def test_other_padding_stays(graph: Graph) -> None:
    assert ops(fold_pad(graph)) == ops(graph)


def test_paddings_in_a_row_fold_together() -> None:
    graph = padded_graph(PadAttrs(((0, 0), (1, 0), (0, 1), (0, 0))))
    (pad, conv) = graph.nodes
    outer = replace(
        pad,
        name="outer",
        inputs=("padded",),
        outputs=("outer",),
        attrs=PadAttrs(((0, 0), (1, 1), (0, 1), (0, 0))),
    )
    wide = replace(graph.tensors["padded"], name="outer", shape=(1, 9, 7, 3))
    output = replace(graph.tensors["y0"], shape=(1, 7, 5, 2))
    chained = replace(
        graph,
        nodes=(pad, outer, replace(conv, inputs=("outer", *conv.inputs[1:]))),
        tensors={**graph.tensors, "outer": wide, "y0": output},
    )
    folded = check_graph(fold_pad(chained), "fold")
    assert ops(folded) == ["conv_2d"]
    assert_same_results(chained, folded)


def test_padding_survives_the_file() -> None:
    graph = conv_graph(2, ODD, layers=2)
    again = read_tflite(write_tflite(graph), "m")
    assert ops(again) == ["conv_2d"] * 2
    assert [n.attrs for n in again.nodes] == [n.attrs for n in graph.nodes]
