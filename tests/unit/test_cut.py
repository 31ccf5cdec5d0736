"""Cutting a graph at a tensor: the two parts in sequence compute the whole."""

from __future__ import annotations

import numpy as np
import pytest

from tests.support.graphs import conv_graph
from tests.support.oracle import assert_matches_tflm, random_inputs, run_numpy
from toolkit.errors import InputError
from toolkit.ir.check import check_graph
from toolkit.ir.cut import prefix_graph, suffix_graph

GRAPH = conv_graph(layers=3)


@pytest.mark.parametrize("tensor", ["x", "conv_0", "conv_1", "conv_2"])
def test_parts_in_sequence_compute_the_whole(tensor: str) -> None:
    prefix = check_graph(prefix_graph(GRAPH, [tensor]), "prefix")
    suffix = check_graph(suffix_graph(GRAPH, [tensor]), "suffix")
    assert len(prefix.nodes) + len(suffix.nodes) == len(GRAPH.nodes)
    inputs = random_inputs(GRAPH, 2)
    assert prefix.outputs == suffix.inputs == (tensor,)
    between = run_numpy(prefix, inputs)
    np.testing.assert_array_equal(run_numpy(suffix, between)[0], run_numpy(GRAPH, inputs)[0])


def test_parts_hold_only_what_they_use() -> None:
    prefix, suffix = prefix_graph(GRAPH, ["conv_0"]), suffix_graph(GRAPH, ["conv_0"])
    assert set(prefix.tensors) == {"x", "conv_0", "conv_0/weights", "conv_0/bias"}
    assert set(suffix.tensors) == set(GRAPH.tensors) - {"x", "conv_0/weights", "conv_0/bias"}


def test_parts_run_in_tflm() -> None:
    assert_matches_tflm(prefix_graph(GRAPH, ["conv_1"]), cases=3)
    assert_matches_tflm(suffix_graph(GRAPH, ["conv_1"]), cases=3)


def test_several_outputs_in_the_order_asked_for() -> None:
    prefix = prefix_graph(GRAPH, ["conv_1", "conv_0"])
    assert prefix.outputs == ("conv_1", "conv_0")


def test_unknown_tensor() -> None:
    with pytest.raises(InputError, match="no activation tensor named 'absent'"):
        prefix_graph(GRAPH, ["absent"])
    with pytest.raises(InputError, match="no activation tensor named 'conv_0/bias'"):
        suffix_graph(GRAPH, ["conv_0/bias"])
