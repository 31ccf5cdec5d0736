"""Streamed C against the same torch network exported at other lengths.

The oracle is a file of its own for each length, imported and quantised for itself with the ranges
of the first: nothing of the toolkit brought one network to another's length.
"""

from __future__ import annotations

import shutil
import warnings
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from tests.support.stream_host import Streamed, random_clip
from toolkit.ir import Graph
from toolkit.model.load import load_source
from toolkit.model.stated import Stated
from toolkit.ops.execute import run_graph
from toolkit.plan.plan_stream import plan_stream
from toolkit.plan.stream_check import check_stream
from toolkit.quantize.convert import convert
from toolkit.quantize.ranges import Ranges, calibrate

torch = pytest.importorskip("torch")
from torch import Tensor, nn  # noqa: E402

pytestmark = pytest.mark.skipif(shutil.which("gcc") is None, reason="gcc is not installed")

BANDS = 10
FIRST, OTHERS = 48, (23, 24, 25, 37, 64, 131)


class Strides(nn.Module):  # type: ignore[misc]
    """Convolutions and a pool that halve time, padded at both ends; the mean over time."""

    def __init__(self) -> None:
        super().__init__()
        self.body = nn.Sequential(
            nn.Conv2d(1, 6, 3, padding=1),
            nn.ReLU(),
            nn.MaxPool2d(3, stride=2, padding=1),
            nn.Conv2d(6, 8, (3, 5), stride=(2, 1), padding=(1, 0)),
            nn.ReLU(),
        )
        self.head = nn.Linear(8, 3)

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.body(x).mean((2, 3)))


class Dilated(nn.Module):  # type: ignore[misc]
    """Two branches of other delays, added; the last frame answers."""

    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Conv1d(BANDS, 8, 1)
        self.near = nn.Conv1d(8, 8, 3, dilation=2, padding=2)
        self.far = nn.Conv1d(8, 8, 5, dilation=3, padding=6)
        self.head = nn.Linear(8, 2)

    def forward(self, x: Tensor) -> Tensor:
        x = torch.relu(self.first(x[:, 0].transpose(1, 2)))
        x = torch.relu(self.near(x)) + self.far(x)
        return self.head(torch.relu(x)[:, :, -1])


class Attention(nn.Module):  # type: ignore[misc]
    """Attention pooling over time behind a strided convolution."""

    def __init__(self) -> None:
        super().__init__()
        self.body = nn.Conv2d(1, 5, 3, stride=(2, 1), padding=1)
        self.logits, self.values = nn.Conv2d(5, 5, 1), nn.Conv2d(5, 5, 1)
        self.head = nn.Linear(5 * BANDS, 3)

    def forward(self, x: Tensor) -> Tensor:
        x = torch.relu(self.body(x))
        pooled = (self.values(x) * self.logits(x).softmax(2)).sum(2)
        return self.head(pooled.flatten(1))


class Mask(nn.Module):  # type: ignore[misc]
    """A mask of every frame, which looks two frames ahead."""

    def __init__(self) -> None:
        super().__init__()
        self.body = nn.Sequential(
            nn.Conv2d(1, 4, (5, 3), padding=(2, 1)), nn.ReLU(), nn.Conv2d(4, 1, 1), nn.Sigmoid()
        )

    def forward(self, x: Tensor) -> Tensor:
        return self.body(x)


def imported(net: nn.Module, frames: int, folder: Path) -> Graph:
    """The float graph of the network's own file for that many frames."""
    path = folder / f"net{frames}.onnx"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.onnx.export(net, (torch.zeros(1, 1, frames, BANDS),), path, dynamo=False)
    graph = load_source(str(path), stated=Stated(time_axis=2)).float_graph
    assert graph is not None
    return graph


def with_ranges_of(ranges: Ranges, first: Graph, graph: Graph) -> Graph:
    """Quantised with the ranges of ``first``, whose layers, in order, are the same."""
    names = dict(zip(all_names(graph), all_names(first), strict=True))
    return convert(graph, Ranges({n: ranges.limits[names[n]] for n in names}))


def all_names(graph: Graph) -> list[str]:
    return [*graph.inputs, *(name for node in graph.nodes for name in node.outputs)]


@pytest.mark.parametrize("make", [Strides, Dilated, Attention, Mask])
def test_streamed_is_the_network_exported_at_that_length(
    make: Callable[[], nn.Module], tmp_path: Path
) -> None:
    torch.manual_seed(3)
    net = make().eval()
    first = imported(net, FIRST, tmp_path)
    rng = np.random.default_rng(3)
    entry = first.tensors[first.inputs[0]]
    batches = [{entry.name: rng.normal(0, 1, entry.shape).astype(np.float32)} for _ in range(4)]
    ranges = calibrate(first, batches, "minmax")
    quantized = convert(first, ranges)
    plan = check_stream(quantized, plan_stream(quantized))
    instance = Streamed(quantized, plan, tmp_path / "c").instance()
    for frames in OTHERS:
        own = with_ranges_of(ranges, first, imported(net, frames, tmp_path))
        (clip,) = random_clip(quantized, frames, seed=1)
        values = run_graph(own, {own.inputs[0]: clip[None]})
        expected = [values[name].ravel() for name in own.outputs]
        found = [output.ravel() for output in instance.run(clip)]
        for want, have in zip(expected, found, strict=True):
            assert np.array_equal(want, have), f"{frames} frames"
            assert want.std() > 0, "an output that does not vary shows nothing"
