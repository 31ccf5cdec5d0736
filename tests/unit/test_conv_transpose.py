"""Transposed convolutions against onnxruntime; those that stretch the width alone stream."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from onnx import numpy_helper

from tests.support.onnx_models import ModelMaker
from tests.support.oracle import assert_matches_tflm
from tests.support.random_onnx import difference, imported, outside
from tests.support.whole_way import all_the_way
from toolkit.ops import OPERATORS
from toolkit.ops.check import check_operators
from toolkit.ops.execute import run_graph
from toolkit.ops.parts.base import TimeBehaviour, view
from toolkit.passes.absorb_layout import to_graph_layout
from toolkit.quantize.convert import convert
from toolkit.quantize.ranges import calibrate


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


@pytest.mark.parametrize("bias", [False, True])
def test_groups_of_channels(bias: bool, tmp_path: Path) -> None:
    maker = ModelMaker(1, 6, 7, 5)
    inputs = ["x", maker.weights(6, 2, 3, 2), *([maker.weights(6)] if bias else [])]
    y = maker.op("ConvTranspose", *inputs, strides=[2, 1], group=3)
    all_the_way(maker.model(maker.op("Relu", y)), tmp_path)


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


@pytest.mark.parametrize(
    ("kernel", "stride", "dilation", "extra"), [(1, 2, 4, 3), (2, 3, 4, 3), (3, 1, 4, 3)]
)
def test_output_padding_beyond_the_kernel_is_the_bias(
    kernel: int, stride: int, dilation: int, extra: int, tmp_path: Path
) -> None:
    """onnxruntime refuses what torch makes of it."""
    torch = pytest.importorskip("torch")
    maker = ModelMaker(1, 3, 6, 5)
    weights, bias = (maker.weights(*shape) for shape in ((3, 2, kernel, 1), (2,)))
    model = maker.model(
        maker.op("ConvTranspose", "x", weights, bias, strides=[stride, 1],
                 dilations=[dilation, 1], output_padding=[extra, 0])
    )  # fmt: skip
    graphs = imported(model, tmp_path)
    assert isinstance(graphs, dict), graphs
    x = np.random.default_rng(0).standard_normal((1, 3, 6, 5)).astype(np.float32)
    given = [torch.tensor(numpy_helper.to_array(t).copy()) for t in model.graph.initializer]
    want = torch.nn.functional.conv_transpose2d(
        torch.tensor(x), *given, (stride, 1), 0, (extra, 0), 1, (dilation, 1)
    ).numpy()
    graph = graphs["optimised"]
    made = run_graph(graph, to_graph_layout(graph, {"x": x}))[graph.outputs[0]]
    np.testing.assert_allclose(made, want, rtol=1e-5, atol=1e-5)
    form = convert(graph, calibrate(graph, [to_graph_layout(graph, {"x": x})]))
    check_operators(form)
    assert_matches_tflm(form, cases=2)
