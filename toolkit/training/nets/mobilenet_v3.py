"""MobileNetV3-Small and -Large (Howard et al., "Searching for MobileNetV3", arXiv 1905.02244)."""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor, nn
from torch.nn.functional import hardswish

from toolkit.features.spec import FeatureSpec
from toolkit.training.nets.base import PUBLISHED, Shape
from toolkit.training.nets.mobilenet import (
    ConvBlock,
    DepthwiseSeparable,
    InvertedResidual,
    MobileNet,
    rounded,
)

#: Blocks alike, kernel, stride of the first, expansion, channels, gate, hard swish.
Row = tuple[int, int, int, float, int, bool, bool]
_SMALL: tuple[tuple[Row, ...], ...] = (
    ((1, 3, 2, 1, 16, True, False),),
    ((1, 3, 2, 4.5, 24, False, False), (1, 3, 1, 3.67, 24, False, False)),
    ((1, 5, 2, 4, 40, True, True), (2, 5, 1, 6, 40, True, True)),
    ((2, 5, 1, 3, 48, True, True),),
    ((3, 5, 2, 6, 96, True, True),),
)
_LARGE: tuple[tuple[Row, ...], ...] = (
    ((1, 3, 1, 1, 16, False, False),),
    ((1, 3, 2, 4, 24, False, False), (1, 3, 1, 3, 24, False, False)),
    ((3, 5, 2, 3, 40, True, False),),
    (
        (1, 3, 2, 6, 80, False, True),
        (1, 3, 1, 2.5, 80, False, True),
        (2, 3, 1, 2.3, 80, False, True),
    ),
    ((2, 3, 1, 6, 112, True, True),),
    ((3, 5, 2, 6, 160, True, True),),
)


class MobileNetV3(MobileNet):
    """Inverted residuals with squeeze-excite gates and hard swish."""

    stem, stem_scales_from = 16, 0.75
    rows: tuple[tuple[Row, ...], ...]
    final: int

    def __init__(self, spec: FeatureSpec, outputs: int, shape: Shape = PUBLISHED) -> None:
        super().__init__(spec, outputs, shape)
        self.conv_head = nn.Conv2d(self.scaled(self.final), self.head_width, 1)

    def stages(self, channels: int) -> Iterator[list[nn.Module]]:
        for number, rows in enumerate(self.rows):
            stage: list[nn.Module] = []
            for count, kernel, first_stride, expansion, out, gated, hard in rows:
                o, excite = self.scaled(out), self.shape.excite if gated else ""
                activation = hardswish if hard else torch.relu
                for place in range(count):
                    stride = 1 if place else first_stride
                    common = o, kernel, stride, excite, activation
                    inner = rounded(channels * expansion)
                    stage.append(
                        InvertedResidual(channels, inner, *common)
                        if number
                        else DepthwiseSeparable(channels, *common)
                    )
                    channels = o
            yield stage
        yield [ConvBlock(channels, self.scaled(self.final), 1, 1, hardswish)]

    def embed(self, features: Tensor) -> Tensor:
        x = self.blocks(hardswish(self.bn1(self.conv_stem(features))))
        x = hardswish(self.conv_head(x.mean((2, 3), keepdim=True)))
        return torch.flatten(x, start_dim=1)


class MobileNetV3Small(MobileNetV3):
    """11 blocks, the small one."""

    rows, final, head = _SMALL, 576, 1024


class MobileNetV3Large(MobileNetV3):
    """15 blocks, the large one."""

    rows, final, head = _LARGE, 960, 1280
