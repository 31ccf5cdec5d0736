"""Recurrent networks streamed in C on this workstation: the bits of the whole clip."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest

from tests.support.continuous_host import Continuous, assert_same_hops
from tests.support.operators import add_node
from tests.support.recurrent import random_network
from tests.support.stream_host import (
    OK,
    Streamed,
    assert_streams_like_batch,
    random_clip,
    random_frames,
)
from tests.support.variants import dsp_variants
from toolkit.ir import DType, Graph, GraphBuilder
from toolkit.ops.check import check_operators
from toolkit.ops.mean import MeanAttrs
from toolkit.plan import check_continuous, check_stream, plan_continuous, plan_stream
from toolkit.plan.continuous_reference import continuous_outputs
from toolkit.plan.stream import StreamPlan

pytestmark = pytest.mark.skipif(shutil.which("gcc") is None, reason="gcc is not installed")

QUICK, EXHAUSTIVE, TOGETHER = 40, 500, 20


def planned(seed: int) -> StreamPlan:
    graph = random_network(seed)
    check_operators(graph)
    variants = dsp_variants(graph) if seed % 2 else {}
    return check_stream(graph, plan_stream(graph, variants=variants))


def assert_stream(seeds: range, lengths: list[int], folder: Path) -> None:
    plans = [planned(seed) for seed in seeds]
    for streamed in Streamed.several(plans, folder):
        assert_streams_like_batch(streamed, lengths)


@pytest.mark.parametrize("first", range(0, QUICK, TOGETHER))
def test_random_networks(tmp_path: Path, first: int) -> None:
    assert_stream(range(first, first + TOGETHER), [1, 2, 3, 7, 30], tmp_path)


@pytest.mark.exhaustive
@pytest.mark.parametrize("first", range(QUICK, EXHAUSTIVE, TOGETHER))
def test_many_random_networks(tmp_path: Path, first: int) -> None:
    assert_stream(range(first, first + TOGETHER), [*range(1, 33), 300], tmp_path)


def averaged(seed: int) -> Graph:
    """A random network's rows, averaged over time."""
    graph = random_network(seed)
    builder = GraphBuilder.from_graph(graph)
    (last,) = graph.outputs
    tensor = graph.tensors[last]
    assert tensor.quant is not None
    mean = add_node(builder, "mean", [last], tensor.quant, MeanAttrs((1,)), tensor.dtype)
    builder.outputs = [mean]
    return builder.build()


def of_int8(seed: int) -> bool:
    graph = random_network(seed)
    return graph.tensors[graph.inputs[0]].dtype is DType.INT8


@pytest.mark.parametrize("seed", list(filter(of_int8, range(12)))[:4])
def test_endless_audio(tmp_path: Path, seed: int) -> None:
    """Layers go on from all that they have heard; a window is of their rows."""
    graph = averaged(seed)
    plan = check_continuous(graph, plan_continuous(plan_stream(graph), 3, 9))
    frames = random_frames(graph, 60, seed)
    instance = Continuous(graph, plan, tmp_path).instance()
    expected = continuous_outputs(plan, frames)
    assert_same_hops(instance.push(frames), expected)
    instance.reset()
    assert_same_hops(instance.push(frames), expected)


def test_a_reset_begins_anew(tmp_path: Path) -> None:
    """Rows after a reset are those of a new instance, whatever came before it."""
    streamed = Streamed.several([planned(1)], tmp_path)[0]
    (rows,) = random_clip(streamed.graph, 9, 5)
    fresh, used = streamed.instance(), streamed.instance()
    want = fresh.run(rows)
    assert used.push(rows[:1]) == {OK}
    used.reset()
    for have, expected in zip(used.run(rows), want, strict=True):
        np.testing.assert_array_equal(have, expected)
