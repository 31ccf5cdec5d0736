"""Transposed convolutions against onnxruntime; those that stretch the width alone stream."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tests.support.onnx_models import ModelMaker
from tests.support.random_onnx import difference, imported, outside
from tests.support.whole_way import all_the_way
from toolkit.ops import OPERATORS
from toolkit.ops.parts.base import TimeBehaviour, view


@pytest.mark.parametrize("seed", range(40))
def test_any_form_is_onnxruntimes(seed: int, tmp_path: Path) -> None:
    rng = np.random.default_rng(seed)

    def upto(low: int, high: int, count: int) -> list[int]:
        return [int(v) for v in rng.integers(low, high + 1, count)]

    rank = upto(1, 2, 1)[0]
    kernel, strides, dilations = upto(1, 5, rank), upto(1, 3, rank), upto(1, 2, rank)
    pads = [upto(0, dilations[i % rank] * (kernel[i % rank] - 1), 1)[0] for i in range(2 * rank)]
    extra = [upto(0, max(strides[i], dilations[i]) - 1, 1)[0] for i in range(rank)]
    (channels,) = upto(1, 3, 1)
    apart = channels > 1 and rng.random() < 0.3
    outputs = 1 if apart else upto(1, 3, 1)[0]
    maker = ModelMaker(1, channels, *upto(3, 8, rank), seed=seed)
    weights = maker.weights(channels, outputs, *kernel)
    bias = maker.weights(channels if apart else outputs)
    y = maker.op("ConvTranspose", "x", weights, bias, strides=strides, dilations=dilations,
                 pads=pads, output_padding=extra, group=channels if apart else 1)  # fmt: skip
    model = maker.model(maker.op("Relu", y))
    want, graphs = outside(model, seed), imported(model, tmp_path)
    if want is None:
        pytest.skip("nothing is made of it, says onnxruntime")
    assert isinstance(graphs, dict), graphs
    assert {difference(graph, want) for graph in graphs.values()} == {""}


def test_bits_and_time(tmp_path: Path) -> None:
    """As in a denoiser's decoder: frames by frequencies, whose number doubles."""
    maker = ModelMaker(1, 8, 20, 9)
    y = maker.op("ConvTranspose", "x", maker.weights(8, 6, 3, 5), maker.weights(6),
                 strides=[1, 2], pads=[1, 2, 1, 2])  # fmt: skip
    graph = all_the_way(maker.model(maker.op("Relu", y)), tmp_path)
    behaviours = {
        node.op: OPERATORS[node.op].time_behaviour(view(graph, node), 1) for node in graph.nodes
    }
    assert behaviours["conv_2d"] is TimeBehaviour.WINDOWED
    assert behaviours["reshape"] is behaviours["strided_slice"] is TimeBehaviour.ROW_LOCAL
    assert "relu" not in behaviours


def test_one_group_a_channel_in_c(tmp_path: Path) -> None:
    maker = ModelMaker(1, 4, 10)
    y = maker.op("ConvTranspose", "x", maker.weights(4, 1, 4), strides=[2], pads=[1, 1], group=4)
    all_the_way(maker.model(maker.op("Relu", y)), tmp_path)
