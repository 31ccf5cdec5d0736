"""What MobileNets are made of; tensors have the names of the package timm, whose weights load.

The blocks are those of Howard et al. (arXiv 1905.02244) and Qin et al. (arXiv 2404.10518); time is
the height of the picture, bands are its width.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace

import torch
from torch import Tensor, nn

from toolkit.features.spec import WAV2SMALL_RUNNING, FeatureSpec
from toolkit.training.nets.base import PUBLISHED, Shape, Student

SPEC = replace(
    WAV2SMALL_RUNNING, frame_samples=512, hop_samples=160, n_mels=64, log="ln", floor=1e-6
)
"""The default front end: 100 rows of 64 bands a second."""

#: Channels are multiples of this.
_DIVISOR = 8
#: Rounding down takes at most a tenth.
_ROUND_LIMIT = 0.9
_STEM_STRIDE = 2

Activation = Callable[[Tensor], Tensor]


def rounded(channels: float) -> int:
    """The multiple of 8 next to ``channels``, not more than a tenth below it."""
    near = max(_DIVISOR, int(channels + _DIVISOR / 2) // _DIVISOR * _DIVISOR)
    return near + _DIVISOR if near < _ROUND_LIMIT * channels else near


def conv(i: int, o: int, kernel: int = 1, stride: int = 1, groups: int = 1) -> nn.Conv2d:
    """A convolution without bias that keeps T and bands but for its stride."""
    return nn.Conv2d(i, o, kernel, stride, kernel // 2, groups=groups, bias=False)


class SqueezeExcite(nn.Module):  # type: ignore[misc]
    """A gate for each channel from the channels' means: over the clip, or a gate for each row from
    the row's means over the bands."""

    def __init__(self, channels: int, excite: str) -> None:
        super().__init__()
        inner = rounded(channels / 4)
        self.over = (2, 3) if excite == "clip" else (3,)
        self.conv_reduce = nn.Conv2d(channels, inner, 1)
        self.conv_expand = nn.Conv2d(inner, channels, 1)

    def forward(self, x: Tensor) -> Tensor:
        squeezed = torch.relu(self.conv_reduce(x.mean(self.over, keepdim=True)))
        return x * nn.functional.hardsigmoid(self.conv_expand(squeezed))


class DepthwiseSeparable(nn.Module):  # type: ignore[misc]
    """Depthwise convolution, gate, projection."""

    def __init__(
        self, i: int, o: int, kernel: int, stride: int, excite: str, activation: Activation
    ) -> None:
        super().__init__()
        self.conv_dw, self.bn1 = conv(i, i, kernel, stride, i), nn.BatchNorm2d(i)
        self.se = SqueezeExcite(i, excite) if excite else nn.Identity()
        self.conv_pw, self.bn2 = conv(i, o), nn.BatchNorm2d(o)
        self.activation, self.adds = activation, stride == 1 and i == o

    def forward(self, x: Tensor) -> Tensor:
        y = self.bn2(self.conv_pw(self.se(self.activation(self.bn1(self.conv_dw(x))))))
        return x + y if self.adds else y


class InvertedResidual(nn.Module):  # type: ignore[misc]
    """Expansion to ``inner`` channels, depthwise convolution, gate, projection."""

    def __init__(
        self,
        i: int,
        inner: int,
        o: int,
        kernel: int,
        stride: int,
        excite: str,
        activation: Activation,
    ) -> None:
        super().__init__()
        self.conv_pw, self.bn1 = conv(i, inner), nn.BatchNorm2d(inner)
        self.conv_dw = conv(inner, inner, kernel, stride, inner)
        self.bn2 = nn.BatchNorm2d(inner)
        self.se = SqueezeExcite(inner, excite) if excite else nn.Identity()
        self.conv_pwl, self.bn3 = conv(inner, o), nn.BatchNorm2d(o)
        self.activation, self.adds = activation, stride == 1 and i == o

    def forward(self, x: Tensor) -> Tensor:
        y = self.activation(self.bn1(self.conv_pw(x)))
        y = self.se(self.activation(self.bn2(self.conv_dw(y))))
        y = self.bn3(self.conv_pwl(y))
        return x + y if self.adds else y


class ConvBlock(nn.Module):  # type: ignore[misc]
    """Convolution, normalisation, activation."""

    def __init__(self, i: int, o: int, kernel: int, stride: int, activation: Activation) -> None:
        super().__init__()
        self.conv, self.bn1 = conv(i, o, kernel, stride), nn.BatchNorm2d(o)
        self.activation = activation

    def forward(self, x: Tensor) -> Tensor:
        return self.activation(self.bn1(self.conv(x)))


class MobileNet(Student):
    """Stem, ``blocks`` (a list a stage), mean over the clip, a dense layer, the last layer.

    What differs comes from the two subclasses: ``head`` is the published width of the dense layer,
    ``stem_scales_from`` the least width multiplier that also applies to the stem.
    """

    head: int
    stem: int
    stem_scales_from: float

    def __init__(self, spec: FeatureSpec, outputs: int, shape: Shape = PUBLISHED) -> None:
        super().__init__()
        self.shape = shape
        channels = self.scaled(self.stem) if shape.width >= self.stem_scales_from else self.stem
        self.conv_stem, self.bn1 = conv(1, channels, 3, _STEM_STRIDE), nn.BatchNorm2d(channels)
        stages = list(self.stages(channels))
        self.blocks = nn.Sequential(*(nn.Sequential(*stage) for stage in stages))
        self.head_width = shape.head or self.head
        self.adv = nn.Linear(self.head_width, outputs)

    def scaled(self, channels: int) -> int:
        """Channels at this net's width."""
        return rounded(channels * self.shape.width)

    def stages(self, channels: int) -> Iterator[list[nn.Module]]:
        """The blocks of each stage, the first of which sees ``channels``."""
        raise NotImplementedError


def timm_tensors(published: Mapping[str, Tensor], net: MobileNet) -> dict[str, Tensor]:
    """Weights as timm publishes them, for pictures, as ``net`` takes them.

    The stem's three colours are added up, the classifier is left to ``net``.
    """
    tensors = {k: v for k, v in published.items() if not k.startswith("classifier.")}
    tensors["conv_stem.weight"] = tensors["conv_stem.weight"].sum(dim=1, keepdim=True)
    return tensors | {k: v for k, v in net.state_dict().items() if k.startswith("adv.")}
