"""A network in layers that a config states: convolutions, then a pooling over time.

With the layers of `wav2small_ha`, which it has by default, it is that network.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from toolkit.features.spec import FeatureSpec
from toolkit.training.layers import DEFAULT_LAYERS, POOL_KERNEL, Layer, Pair, bands_after
from toolkit.training.nets.base import PUBLISHED, AttentionPool, Shape, Student
from toolkit.training.nets.wav2small_ha import SPEC as SPEC


class Finished(nn.Module):  # type: ignore[misc]
    """Convolution without bias, batch normalisation, ReLU."""

    def __init__(self, i: int, o: int, kernel: Pair, stride: Pair, groups: int = 1) -> None:
        super().__init__()
        padding = (kernel[0] // 2, kernel[1] // 2)
        self.conv = nn.Conv2d(i, o, kernel, stride, padding, groups=groups, bias=False)
        self.norm = nn.BatchNorm2d(o)

    def forward(self, x: Tensor) -> Tensor:
        return torch.relu(self.norm(self.conv(x)))


def _block(i: int, layer: Layer) -> nn.Module:
    steps: list[nn.Module] = []
    if layer.pools:
        steps.append(nn.MaxPool2d(POOL_KERNEL, layer.stride, POOL_KERNEL // 2))
    if layer.kind == "depthwise":
        steps.append(Finished(i, i, layer.kernel, layer.conv_stride, groups=i))
        steps.append(Finished(i, layer.width, (1, 1), (1, 1)))
    else:
        steps.append(Finished(i, layer.width, layer.kernel, layer.conv_stride))
    return nn.Sequential(*steps)


class MeanPool(nn.Module):  # type: ignore[misc]
    """Mean over time: [N, C, T, F] to [N, C, F]."""

    def forward(self, x: Tensor) -> Tensor:
        return x.mean(dim=2)


class Layered(Student):
    """The layers of ``shape``, its pooling over time, one dense layer."""

    def __init__(self, spec: FeatureSpec, outputs: int, shape: Shape = PUBLISHED) -> None:
        super().__init__()
        self.shape = shape
        layers = shape.layers or DEFAULT_LAYERS
        widths = (1, *(layer.width for layer in layers))
        self.body = nn.Sequential(*map(_block, widths, layers))
        last = widths[-1]
        self.pool = AttentionPool(last) if shape.pool == "attention" else MeanPool()
        self.adv = nn.Linear(last * bands_after(spec.row_values, layers), outputs)

    def embed(self, features: Tensor) -> Tensor:
        return torch.flatten(self.pool(self.body(features)), start_dim=1)
