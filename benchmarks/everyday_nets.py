"""Networks of everyday small audio, each a few blocks of its kind, with random weights and settled
batch normalisation."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

#: Frames and bands of the features; samples of raw audio.
FRAMES, BANDS, SAMPLES = 64, 40, 2048
CLASSES = 12


@dataclass(frozen=True)
class Net:
    """A network, the shape of its input, and which axis of that is time."""

    name: str
    make: Callable[[], nn.Module]
    shape: tuple[int, ...]
    time_axis: int


def conv_bn(inputs: int, outputs: int, kernel: tuple[int, int], **more: object) -> nn.Sequential:
    pads = ((kernel[0] - 1) // 2, (kernel[1] - 1) // 2)
    conv = nn.Conv2d(inputs, outputs, kernel, padding=more.pop("padding", pads), bias=False, **more)
    return nn.Sequential(conv, nn.BatchNorm2d(outputs))


class Residual(nn.Module):  # type: ignore[misc]
    """``x`` and what layers make of it, added up."""

    def __init__(self, *layers: nn.Module, beside: nn.Module | None = None) -> None:
        super().__init__()
        self.layers, self.beside = nn.Sequential(*layers), beside

    def forward(self, x: Tensor) -> Tensor:
        made: Tensor = self.layers(x)
        return made + (x if self.beside is None else self.beside(x))


class BcResBlock(nn.Module):  # type: ignore[misc]
    """Broadcasted residual: frequencies by themselves, then their mean over time, added to all."""

    def __init__(self, channels: int, dilation: int) -> None:
        super().__init__()
        self.bands = conv_bn(channels, channels, (1, 3), groups=channels)
        self.time = nn.Sequential(
            conv_bn(channels, channels, (3, 1), groups=channels, dilation=(dilation, 1),
                    padding=(dilation, 0)),
            nn.SiLU(),
            nn.Conv2d(channels, channels, 1),
        )  # fmt: skip

    def forward(self, x: Tensor) -> Tensor:
        bands = self.bands(x)
        return functional.relu(x + bands + self.time(bands.mean(3, keepdim=True)))


def bc_resnet() -> nn.Module:
    return nn.Sequential(
        nn.Conv2d(1, 16, (5, 5), (1, 2), 2), nn.BatchNorm2d(16), nn.ReLU(),
        BcResBlock(16, 1), BcResBlock(16, 2),
        nn.Conv2d(16, 16, (1, 5), groups=16), nn.AdaptiveAvgPool2d(1), nn.Flatten(),
        nn.Linear(16, CLASSES),
    )  # fmt: skip


def separable(inputs: int, outputs: int, kernel: int, dilation: int = 1) -> nn.Sequential:
    """A convolution of each channel along time, then one of all channels."""
    pad = dilation * (kernel - 1) // 2
    return nn.Sequential(
        nn.Conv1d(inputs, inputs, kernel, padding=pad, dilation=dilation, groups=inputs),
        nn.Conv1d(inputs, outputs, 1, bias=False),
        nn.BatchNorm1d(outputs),
    )


def tc_resnet() -> nn.Module:
    def block(inputs: int, outputs: int) -> nn.Module:
        first = nn.Conv1d(inputs, outputs, 9, 2, 4, bias=False)
        second = nn.Conv1d(outputs, outputs, 9, 1, 4, bias=False)
        beside = nn.Sequential(nn.Conv1d(inputs, outputs, 1, 2, bias=False),
                               nn.BatchNorm1d(outputs), nn.ReLU())  # fmt: skip
        layers = (first, nn.BatchNorm1d(outputs), nn.ReLU(), second, nn.BatchNorm1d(outputs))
        return nn.Sequential(Residual(*layers, beside=beside), nn.ReLU())

    return nn.Sequential(
        nn.Conv1d(BANDS, 16, 3, padding=1, bias=False), block(16, 24), block(24, 32),
        nn.AdaptiveAvgPool1d(1), nn.Flatten(), nn.Dropout(), nn.Linear(32, CLASSES),
    )  # fmt: skip


def matchboxnet() -> nn.Module:
    def block(kernel: int) -> nn.Module:
        beside = nn.Sequential(nn.Conv1d(32, 32, 1, bias=False), nn.BatchNorm1d(32))
        layers = (separable(32, 32, kernel), nn.ReLU(), separable(32, 32, kernel))
        return nn.Sequential(Residual(*layers, beside=beside), nn.ReLU())

    return nn.Sequential(
        separable(BANDS, 32, 11), nn.ReLU(), block(13), block(15),
        separable(32, 32, 29, 2), nn.ReLU(), nn.Conv1d(32, CLASSES, 1),
        nn.AdaptiveAvgPool1d(1), nn.Flatten(),
    )  # fmt: skip


class Causal(nn.Module):  # type: ignore[misc]
    """A convolution along time that sees the past alone."""

    def __init__(self, channels: int, kernel: int, dilation: int) -> None:
        super().__init__()
        self.past = (kernel - 1) * dilation
        self.conv = nn.Conv1d(channels, channels, kernel, dilation=dilation)

    def forward(self, x: Tensor) -> Tensor:
        made: Tensor = self.conv(functional.pad(x, (self.past, 0)))
        return made


def tcn() -> nn.Module:
    blocks = [
        Residual(Causal(24, 3, d), nn.PReLU(24), Causal(24, 3, d), nn.PReLU(24)) for d in (1, 2, 4)
    ]
    return nn.Sequential(nn.Conv1d(BANDS, 24, 1), *blocks, nn.Conv1d(24, CLASSES, 1))


class XVector(nn.Module):  # type: ignore[misc]
    """Time-delay layers, and mean and deviation of what they give."""

    def __init__(self) -> None:
        super().__init__()
        sizes = ((BANDS, 32, 5, 1), (32, 32, 3, 2), (32, 32, 3, 3), (32, 48, 1, 1))
        layers: list[nn.Module] = []
        for inputs, outputs, kernel, dilation in sizes:
            layers += [nn.Conv1d(inputs, outputs, kernel, dilation=dilation), nn.ReLU(),
                       nn.BatchNorm1d(outputs)]  # fmt: skip
        self.frames, self.head = nn.Sequential(*layers), nn.Linear(96, CLASSES)

    def forward(self, x: Tensor) -> Tensor:
        x = self.frames(x)
        spread = (x.var(2, unbiased=False) + 1e-5).sqrt()
        made: Tensor = self.head(torch.cat([x.mean(2), spread], 1))
        return made


class Crnn(nn.Module):  # type: ignore[misc]
    """A CRNN whose recurrent part is a dense layer a frame: convolutions that keep time."""

    def __init__(self) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            conv_bn(1, 12, (3, 3)), nn.ReLU(), nn.MaxPool2d((1, 4)),
            conv_bn(12, 16, (3, 3)), nn.ELU(), nn.MaxPool2d((1, 5)),
        )  # fmt: skip
        self.frame, self.head = nn.Linear(32, 24), nn.Linear(24, CLASSES)

    def forward(self, x: Tensor) -> Tensor:
        x = self.layers(x).permute(0, 2, 1, 3).flatten(2)
        made: Tensor = self.head(torch.tanh(self.frame(x))).softmax(2)
        return made


class ChannelNorm(nn.Module):  # type: ignore[misc]
    """Layer normalisation of the channels of each frame."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(channels)

    def forward(self, x: Tensor) -> Tensor:
        made: Tensor = self.norm(x.transpose(1, 2)).transpose(1, 2)
        return made


class TasNet(nn.Module):  # type: ignore[misc]
    """Encoder, masks, decoder on samples, as Conv-TasNet; each frame is normalised by itself."""

    def __init__(self) -> None:
        super().__init__()
        self.encoder, self.decoder = nn.Conv1d(1, 32, 32, 16), nn.ConvTranspose1d(32, 1, 32, 16)
        blocks = [
            Residual(nn.Conv1d(24, 32, 1), nn.PReLU(), ChannelNorm(32),
                     nn.Conv1d(32, 32, 3, padding=d, dilation=d, groups=32), nn.PReLU(),
                     ChannelNorm(32), nn.Conv1d(32, 24, 1))
            for d in (1, 2)
        ]  # fmt: skip
        self.masks = nn.Sequential(
            ChannelNorm(32), nn.Conv1d(32, 24, 1), *blocks, nn.Conv1d(24, 32, 1), nn.Sigmoid()
        )

    def forward(self, x: Tensor) -> Tensor:
        code = functional.relu(self.encoder(x))
        made: Tensor = self.decoder(code * self.masks(code))
        return made


class Inverted(nn.Module):  # type: ignore[misc]
    """MobileNetV3's block: wide, one channel at a time, squeezed and excited, narrow."""

    def __init__(self, channels: int, wide: int, act: type[nn.Module]) -> None:
        super().__init__()
        self.first = nn.Sequential(conv_bn(channels, wide, (1, 1)), act(),
                                   conv_bn(wide, wide, (3, 3), groups=wide), act())  # fmt: skip
        self.gate = nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Conv2d(wide, 8, 1), nn.ReLU(),
                                  nn.Conv2d(8, wide, 1), nn.Hardsigmoid())  # fmt: skip
        self.last = conv_bn(wide, channels, (1, 1))

    def forward(self, x: Tensor) -> Tensor:
        wide = self.first(x)
        made: Tensor = self.last(wide * self.gate(wide))
        return x + made


def mobilenet_v3() -> nn.Module:
    return nn.Sequential(
        conv_bn(1, 16, (3, 3), stride=2), nn.Hardswish(),
        Inverted(16, 48, nn.ReLU), Inverted(16, 64, nn.Hardswish),
        nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(16, 32), nn.Hardswish(),
        nn.Linear(32, CLASSES),
    )  # fmt: skip


class RepVgg(nn.Module):  # type: ignore[misc]
    """A 3x3, a 1x1 and the input itself, each normalised, added up: the form it is trained in."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.square, self.point = (
            conv_bn(channels, channels, (3, 3)),
            conv_bn(channels, channels, (1, 1)),
        )
        self.itself = nn.BatchNorm2d(channels)

    def forward(self, x: Tensor) -> Tensor:
        return functional.relu(self.square(x) + self.point(x) + self.itself(x))


def repvgg() -> nn.Module:
    return nn.Sequential(conv_bn(1, 16, (3, 3), stride=2), nn.ReLU(), RepVgg(16), RepVgg(16),
                         nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(16, CLASSES))  # fmt: skip


class Dense(nn.Module):  # type: ignore[misc]
    """Layers that see all that is before them."""

    def __init__(self, channels: int, growth: int, count: int) -> None:
        super().__init__()
        self.layers = nn.ModuleList(
            nn.Sequential(nn.BatchNorm2d(channels + i * growth), nn.ReLU(),
                          nn.Conv2d(channels + i * growth, growth, 3, padding=1))
            for i in range(count)
        )  # fmt: skip

    def forward(self, x: Tensor) -> Tensor:
        parts = [x]
        for layer in self.layers:
            parts.append(layer(torch.cat(parts, 1)))
        return torch.cat(parts, 1)


def densenet() -> nn.Module:
    return nn.Sequential(nn.Conv2d(1, 12, 3, 2, 1), Dense(12, 6, 5), nn.Conv2d(42, 20, 1),
                         nn.AvgPool2d(2), Dense(20, 6, 2), nn.AdaptiveAvgPool2d(1), nn.Flatten(),
                         nn.Linear(32, CLASSES))  # fmt: skip


class Inception(nn.Module):  # type: ignore[misc]
    """Windows of several sizes side by side."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.branches = nn.ModuleList([
            conv_bn(channels, 8, (1, 1)),
            nn.Sequential(conv_bn(channels, 6, (1, 1)), nn.ReLU(), conv_bn(6, 8, (3, 3))),
            nn.Sequential(conv_bn(channels, 4, (1, 1)), nn.ReLU(), conv_bn(4, 8, (5, 5))),
            nn.Sequential(nn.AvgPool2d(3, 1, 1, count_include_pad=False),
                          conv_bn(channels, 8, (1, 1))),
        ])  # fmt: skip

    def forward(self, x: Tensor) -> Tensor:
        return functional.gelu(torch.cat([branch(x) for branch in self.branches], 1))


def inception() -> nn.Module:
    return nn.Sequential(nn.Conv2d(1, 16, 3, 2, 1), Inception(16), Inception(32),
                         nn.AdaptiveMaxPool2d(1), nn.Flatten(), nn.Linear(32, CLASSES))  # fmt: skip


class Conformer(nn.Module):  # type: ignore[misc]
    """The convolution module of a Conformer, and its feed-forward one."""

    def __init__(self, channels: int = 32) -> None:
        super().__init__()
        self.enter, self.norm = nn.Linear(BANDS, channels), nn.LayerNorm(channels)
        self.point, self.deep = nn.Conv1d(channels, 2 * channels, 1), Causal(channels, 7, 1)
        self.scale = nn.BatchNorm1d(channels)
        self.feed = nn.Sequential(nn.LayerNorm(channels), nn.Linear(channels, 64), nn.SiLU(),
                                  nn.Linear(64, channels))  # fmt: skip

    def forward(self, x: Tensor) -> Tensor:
        x = self.enter(x)
        y = functional.glu(self.point(self.norm(x).transpose(1, 2)), 1)
        x = x + functional.silu(self.scale(self.deep(y))).transpose(1, 2)
        made: Tensor = x + self.feed(x)
        return made


_IMAGE, _ROWS = (1, 1, FRAMES, BANDS), (1, BANDS, FRAMES)
NETS = (
    Net("BC-ResNet", bc_resnet, _IMAGE, 2),
    Net("TC-ResNet", tc_resnet, _ROWS, 2),
    Net("MatchboxNet", matchboxnet, _ROWS, 2),
    Net("TCN", tcn, _ROWS, 2),
    Net("x-vector", XVector, _ROWS, 2),
    Net("CRNN without its RNN", Crnn, _IMAGE, 2),
    Net("Conv-TasNet", TasNet, (1, 1, SAMPLES), 2),
    Net("MobileNetV3", mobilenet_v3, _IMAGE, 2),
    Net("RepVGG", repvgg, _IMAGE, 2),
    Net("DenseNet", densenet, _IMAGE, 2),
    Net("Inception", inception, _IMAGE, 2),
    Net("Conformer, without attention", Conformer, (1, FRAMES, BANDS), 1),
)


def settled(net: Net) -> nn.Module:
    """The network with seeded weights, whose batch normalisations have seen some inputs."""
    torch.manual_seed(0)
    model = net.make()
    model.train()
    with torch.no_grad():
        for _ in range(8):
            model(torch.randn(8, *net.shape[1:]))
    return model.eval()
