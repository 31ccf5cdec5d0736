"""What torch's tracing exporter makes of mobile networks and of quantisation-aware training."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
import pytest

from tests.support.onnx_models import onnxruntime_output
from toolkit.frontend.load import load_onnx
from toolkit.ir.tensor import dequantize, quantize
from toolkit.model.int8 import to_int8
from toolkit.model.load import load_source
from toolkit.ops.execute import run_graph
from toolkit.passes.absorb_layout import to_graph_layout
from toolkit.passes.optimize import optimize
from toolkit.quantize.recipe import Recipe
from toolkit.tflite.read import read_tflite

torch = pytest.importorskip("torch")
from torch import Tensor, nn  # noqa: E402
from torch.nn import functional  # noqa: E402

SHAPE = (1, 2, 12, 10)
CHANNELS = 8


def pooled_by_convolutions(net: Net, x: Tensor) -> Tensor:
    gate = net.up(functional.relu(net.down(functional.adaptive_avg_pool2d(x, 1))))
    return x * functional.hardsigmoid(gate)


def mean_with_dimensions_kept(net: Net, x: Tensor) -> Tensor:
    return x * torch.sigmoid(net.up(functional.silu(net.down(x.mean((2, 3), keepdim=True)))))


def viewed_and_expanded(net: Net, x: Tensor) -> Tensor:
    n, c, _, _ = x.shape
    gate = net.dense(functional.adaptive_avg_pool2d(x, 1).view(n, c))
    return x * torch.sigmoid(gate).view(n, c, 1, 1).expand_as(x)


def indexed_with_none(net: Net, x: Tensor) -> Tensor:
    return x * torch.sigmoid(net.dense(x.mean([-1, -2])))[:, :, None, None]


def unsqueezed(net: Net, x: Tensor) -> Tensor:
    gate = net.dense(x.mean([-1, -2])).unsqueeze(2).unsqueeze(3)
    return x * (functional.relu6(gate + 3) / 6)


def by_operator(x: Tensor) -> Tensor:
    return functional.hardswish(x)


def spelled_out(x: Tensor) -> Tensor:
    return x * functional.relu6(x + 3) / 6


def spelled_out_gate_first(x: Tensor) -> Tensor:
    return x * (functional.relu6(x + 3) / 6)


class Net(nn.Module):  # type: ignore[misc]
    """Convolution, batch norm, hard swish, squeeze-and-excite, grouped convolution, halves that
    gate one another, dense layer."""

    def __init__(
        self, excite: Callable[[Net, Tensor], Tensor], swish: Callable[[Tensor], Tensor]
    ) -> None:
        super().__init__()
        self.excite, self.swish = excite, swish
        self.first = nn.Conv2d(2, CHANNELS, 3, padding=1, stride=2, bias=False)
        self.norm = nn.BatchNorm2d(CHANNELS)
        self.down, self.up = nn.Conv2d(CHANNELS, 4, 1), nn.Conv2d(4, CHANNELS, 1)
        self.dense = nn.Linear(CHANNELS, CHANNELS)
        self.grouped = nn.Conv2d(CHANNELS, CHANNELS, 3, groups=2, padding=1)
        self.last = nn.Linear(CHANNELS // 2, 3)

    def forward(self, x: Tensor) -> Tensor:
        x = self.excite(self, self.swish(self.norm(self.first(x))))
        a, b = torch.tanh(self.grouped(x)).chunk(2, 1)
        return self.last(torch.flatten(functional.adaptive_avg_pool2d(a * b[:, :, :, :], 1), 1))


class Trained(nn.Module):  # type: ignore[misc]
    """What quantisation-aware training exports: fake quantisation of activations and weights."""

    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Conv2d(2, CHANNELS, 3, padding=1)
        self.last = nn.Linear(CHANNELS, 3)
        self.scales = [0.03, 0.02, 0.01, 0.05]
        peaks = self.first.weight.detach().abs().amax((1, 2, 3))
        self.register_buffer("weight_scales", peaks / 127)
        self.register_buffer("zeros", torch.zeros(CHANNELS, dtype=torch.int32))

    def fake(self, x: Tensor, index: int, zero: int = 0) -> Tensor:
        return torch.fake_quantize_per_tensor_affine(x, self.scales[index], zero, -128, 127)

    def forward(self, x: Tensor) -> Tensor:
        weight = torch.fake_quantize_per_channel_affine(
            self.first.weight, self.weight_scales, self.zeros, 0, -128, 127
        )
        x = functional.conv2d(self.fake(x, 0, 5), weight, self.first.bias, padding=1)
        x = self.fake(functional.relu(x), 1, -128)
        x = self.fake(x.mean((2, 3)), 1, -128)
        dense = torch.fake_quantize_per_tensor_affine(
            self.last.weight, self.scales[2], 0, -128, 127
        )
        return self.fake(functional.linear(x, dense, self.last.bias), 3)


def export(net: nn.Module, path: Path, opset: int) -> onnx.ModelProto:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.onnx.export(
            net.eval(), (torch.zeros(SHAPE),), path, opset_version=opset,
            input_names=["x"], dynamo=False,
        )  # fmt: skip
    return onnx.load(path)


@pytest.mark.parametrize("opset", [11, 13, 17])
@pytest.mark.parametrize("swish", [by_operator, spelled_out, spelled_out_gate_first])
@pytest.mark.parametrize(
    "excite",
    [
        pooled_by_convolutions,
        mean_with_dimensions_kept,
        viewed_and_expanded,
        indexed_with_none,
        unsqueezed,
    ],
)
def test_mobile_networks_equal_onnxruntime(
    excite: Callable[[Net, Tensor], Tensor],
    swish: Callable[[Tensor], Tensor],
    opset: int,
    tmp_path: Path,
) -> None:
    torch.manual_seed(0)
    model = export(Net(excite, swish), tmp_path / "net.onnx", opset)
    imported = load_onnx(tmp_path / "net.onnx")
    x = np.random.default_rng(0).standard_normal(SHAPE).astype(np.float32)
    want = onnxruntime_output(model, x)
    for graph in (imported, optimize(imported)):
        got = run_graph(graph, to_graph_layout(graph, {"x": x}))[graph.outputs[0]]
        np.testing.assert_allclose(got, want, rtol=0, atol=1e-5)
    ops = [node.op for node in optimize(imported).nodes]
    assert ops.count("hard_swish") == 1
    assert "transpose" not in ops


def test_scales_of_quantisation_aware_training_stay(tmp_path: Path) -> None:
    torch.manual_seed(0)
    net = Trained()
    model = export(net, tmp_path / "qat.onnx", 13)
    source = load_source(str(tmp_path / "qat.onnx"))
    int8 = to_int8(source, Recipe())
    data, issues = int8.data, int8.issues
    assert [issue.code for issue in issues] == ["quantisation.kept"]
    graph = read_tflite(data, "qat")
    activations = {
        (t.scale, t.zero_point) for t in graph.tensors.values() if t.quant and not t.is_constant
    }
    single = [float(np.float32(s)) for s in net.scales]
    assert activations == {(single[0], 5), (single[1], -128), (single[3], 0)}
    weights = graph.tensors[str(graph.nodes[0].inputs[1])]
    assert weights.quant is not None
    assert weights.quant.scale == tuple(float(s) for s in net.weight_scales)
    entry, result = graph.tensors[graph.inputs[0]], graph.tensors[graph.outputs[0]]
    assert entry.quant is not None and result.quant is not None
    for seed in range(5):
        x = np.random.default_rng(seed).standard_normal(SHAPE).astype(np.float32)
        assert source.float_graph is not None
        moved = to_graph_layout(source.float_graph, {"x": x})["x"]
        fed = quantize(moved, entry.quant, entry.dtype)
        got = dequantize(run_graph(graph, {entry.name: fed})[result.name], result.quant)
        assert np.abs(got - onnxruntime_output(model, x)).max() <= result.scale * 1.0001
