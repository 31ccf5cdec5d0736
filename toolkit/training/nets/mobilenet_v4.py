"""MobileNetV4-Conv-Small and -Medium (Qin et al., "MobileNetV4", arXiv 2404.10518)."""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor, nn

from toolkit.features.spec import FeatureSpec
from toolkit.training.nets.base import PUBLISHED, Shape
from toolkit.training.nets.mobilenet import ConvBlock, MobileNet, conv, rounded

#: Universal inverted bottlenecks: how many alike, kernel of the depthwise convolution before the
#: expansion and of that within (0: none), stride of the first, expansion, channels.
Row = tuple[int, int, int, int, int, int]
#: Plain convolutions: kernel, stride, channels.
Plain = tuple[int, int, int]
_LAST = 960

_SMALL_PLAIN: tuple[tuple[Plain, ...], ...] = (((3, 2, 32), (1, 1, 32)), ((3, 2, 96), (1, 1, 64)))
_SMALL: tuple[tuple[Row, ...], ...] = (
    ((1, 5, 5, 2, 3, 96), (4, 0, 3, 1, 2, 96), (1, 3, 0, 1, 4, 96)),
    (
        (1, 3, 3, 2, 6, 128),
        (1, 5, 5, 1, 4, 128),
        (1, 0, 5, 1, 4, 128),
        (1, 0, 5, 1, 3, 128),
        (2, 0, 3, 1, 4, 128),
    ),
)
_MEDIUM: tuple[tuple[Row, ...], ...] = (
    ((1, 3, 5, 2, 4, 80), (1, 3, 3, 1, 2, 80)),
    (
        (1, 3, 5, 2, 6, 160),
        (2, 3, 3, 1, 4, 160),
        (1, 3, 5, 1, 4, 160),
        (1, 3, 3, 1, 4, 160),
        (1, 3, 0, 1, 4, 160),
        (1, 0, 0, 1, 2, 160),
        (1, 3, 0, 1, 4, 160),
    ),
    (
        (1, 5, 5, 2, 6, 256),
        (1, 5, 5, 1, 4, 256),
        (2, 3, 5, 1, 4, 256),
        (1, 0, 0, 1, 4, 256),
        (1, 3, 0, 1, 4, 256),
        (1, 3, 5, 1, 2, 256),
        (1, 5, 5, 1, 4, 256),
        (2, 0, 0, 1, 4, 256),
        (1, 5, 0, 1, 2, 256),
    ),
)


class Norm(nn.Module):  # type: ignore[misc]
    """Convolution and normalisation; ReLU where it is active."""

    def __init__(self, i: int, o: int, kernel: int, stride: int, groups: int, active: bool) -> None:
        super().__init__()
        self.conv, self.bn = conv(i, o, kernel, stride, groups), nn.BatchNorm2d(o)
        self.active = active

    def forward(self, x: Tensor) -> Tensor:
        x = self.bn(self.conv(x))
        return torch.relu(x) if self.active else x


class UniversalBottleneck(nn.Module):  # type: ignore[misc]
    """Depthwise convolution (or none), expansion, depthwise convolution (or none), projection."""

    def __init__(self, i: int, o: int, start: int, middle: int, stride: int, inner: int) -> None:
        super().__init__()
        first = stride if start and not middle else 1
        self.dw_start = Norm(i, i, start, first, i, False) if start else nn.Identity()
        self.pw_exp = Norm(i, inner, 1, 1, 1, True)
        self.dw_mid = Norm(inner, inner, middle, stride, inner, True) if middle else nn.Identity()
        self.pw_proj = Norm(inner, o, 1, 1, 1, False)
        self.adds = stride == 1 and i == o

    def forward(self, x: Tensor) -> Tensor:
        y = self.pw_proj(self.dw_mid(self.pw_exp(self.dw_start(x))))
        return x + y if self.adds else y


class FusedBottleneck(nn.Module):  # type: ignore[misc]
    """A full convolution expands, another one projects."""

    def __init__(self, i: int, inner: int, o: int, kernel: int, stride: int) -> None:
        super().__init__()
        self.conv_exp, self.bn1 = conv(i, inner, kernel, stride), nn.BatchNorm2d(inner)
        self.conv_pwl, self.bn2 = conv(inner, o), nn.BatchNorm2d(o)

    def forward(self, x: Tensor) -> Tensor:
        return self.bn2(self.conv_pwl(torch.relu(self.bn1(self.conv_exp(x)))))


class MobileNetV4(MobileNet):
    """Universal inverted bottlenecks with ReLU; no gates."""

    stem, head, stem_scales_from = 32, 1280, 1.0
    rows: tuple[tuple[Row, ...], ...]

    def __init__(self, spec: FeatureSpec, outputs: int, shape: Shape = PUBLISHED) -> None:
        super().__init__(spec, outputs, shape)
        self.conv_head = conv(self.scaled(_LAST), self.head_width)
        self.norm_head = nn.BatchNorm2d(self.head_width)

    def first_stages(self, channels: int) -> tuple[list[list[nn.Module]], int]:
        """What comes before the bottlenecks, and its channels."""
        raise NotImplementedError

    def stages(self, channels: int) -> Iterator[list[nn.Module]]:
        first, channels = self.first_stages(channels)
        yield from first
        for rows in self.rows:
            stage: list[nn.Module] = []
            for count, start, middle, first_stride, expansion, out in rows:
                o = self.scaled(out)
                for place in range(count):
                    stride, inner = 1 if place else first_stride, rounded(channels * expansion)
                    stage.append(UniversalBottleneck(channels, o, start, middle, stride, inner))
                    channels = o
            yield stage
        yield [ConvBlock(channels, self.scaled(_LAST), 1, 1, torch.relu)]

    def embed(self, features: Tensor) -> Tensor:
        x = self.blocks(torch.relu(self.bn1(self.conv_stem(features))))
        x = self.norm_head(self.conv_head(x.mean((2, 3), keepdim=True)))
        return torch.flatten(torch.relu(x), start_dim=1)


class MobileNetV4Small(MobileNetV4):
    """Two stages of plain convolutions, two of bottlenecks."""

    rows = _SMALL

    def first_stages(self, channels: int) -> tuple[list[list[nn.Module]], int]:
        stages: list[list[nn.Module]] = []
        for blocks in _SMALL_PLAIN:
            stage: list[nn.Module] = []
            for kernel, stride, out in blocks:
                o = self.scaled(out)
                stage.append(ConvBlock(channels, o, kernel, stride, torch.relu))
                channels = o
            stages.append(stage)
        return stages, channels


class MobileNetV4Medium(MobileNetV4):
    """One stage of a fused bottleneck, three of universal ones."""

    rows = _MEDIUM

    def first_stages(self, channels: int) -> tuple[list[list[nn.Module]], int]:
        o = self.scaled(48)
        return [[FusedBottleneck(channels, rounded(4 * channels), o, 3, 2)]], o
