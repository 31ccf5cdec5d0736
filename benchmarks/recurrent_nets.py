"""Recurrent networks as those that take noise out of speech are built: masks of mel bands, a row a
frame."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

BANDS = 40


class Layered(nn.Module):  # type: ignore[misc]
    """Features [1, T, bands] to a mask: a dense layer, a recurrent network, dense layers."""

    def __init__(self, recurrent: nn.Module, before: int = 0, behind: int = 0) -> None:
        super().__init__()
        self.enter = nn.Linear(BANDS, before) if before else None
        self.recurrent = recurrent
        self.between = nn.Linear(recurrent.hidden_size, behind) if behind else None
        self.leave = nn.Linear(behind or recurrent.hidden_size, BANDS)

    def logits(self, x: Tensor) -> Tensor:
        x = x if self.enter is None else functional.relu(self.enter(x))
        x = self.recurrent(x)[0]
        x = x if self.between is None else functional.relu(self.between(x))
        return self.leave(x)

    def forward(self, x: Tensor) -> Tensor:
        return torch.sigmoid(self.logits(x))


class Convolved(nn.Module):  # type: ignore[misc]
    """Convolutions over frames and bands that look back only, then a GRU over time."""

    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Conv2d(1, 8, (3, 3), (1, 2), (2, 1))
        self.second = nn.Conv2d(8, 12, (3, 3), (1, 2), (2, 1))
        self.recurrent = nn.GRU(12 * BANDS // 4, 48, batch_first=True)
        self.leave = nn.Linear(48, BANDS)

    def forward(self, x: Tensor) -> Tensor:
        frames = x.shape[2]
        y = functional.relu(self.first(x))[:, :, :frames]
        y = functional.relu(self.second(y))[:, :, :frames]
        y = y.permute(0, 2, 1, 3).flatten(2)
        return torch.sigmoid(self.leave(self.recurrent(y)[0]))


class DualPath(nn.Module):  # type: ignore[misc]
    """Eight groups of bands: a GRU both ways over them within a frame, one over time across frames,
    as GTCRN has them."""

    GROUPS, VALUES, UNITS = 8, 12, 12

    def __init__(self) -> None:
        super().__init__()
        self.enter = nn.Linear(BANDS // self.GROUPS, self.VALUES)
        self.within = nn.GRU(self.VALUES, self.UNITS // 2, batch_first=True, bidirectional=True)
        self.across = nn.GRU(self.VALUES, self.UNITS, batch_first=True)
        self.first, self.second = (nn.Linear(self.UNITS, self.VALUES) for _ in range(2))
        self.leave = nn.Linear(self.VALUES, BANDS // self.GROUPS)

    def forward(self, x: Tensor) -> Tensor:
        n, t, f = 1, x.shape[1], self.GROUPS
        y = functional.relu(self.enter(x.reshape(n, t, f, BANDS // f)))
        z = self.within(y.reshape(n * t, f, self.VALUES))[0]
        y = y + self.first(z).reshape(n, t, f, self.VALUES)
        z = self.across(y.permute(0, 2, 1, 3).reshape(n * f, t, self.VALUES))[0]
        y = y + self.second(z).reshape(n, f, t, self.VALUES).permute(0, 2, 1, 3)
        return torch.sigmoid(self.leave(y)).reshape(n, t, BANDS)


@dataclass(frozen=True)
class Net:
    """A network: what it is like, and whether its input is an image [1, 1, T, bands]."""

    name: str
    make: Callable[[], nn.Module]
    image: bool = False


def two_lstms(units: int) -> nn.Module:
    return nn.LSTM(BANDS, units, 2, batch_first=True)


#: Smaller than what they are like, so that each has room on a microcontroller.
NETS = (
    Net("TinyLSTM-like: LSTM 128, 128", lambda: Layered(two_lstms(128))),
    Net(
        "NSNet2-like: dense 128, GRU 128, 128, dense 160",
        lambda: Layered(nn.GRU(128, 128, 2, batch_first=True), 128, 160),
    ),
    Net("DTLN-like core: LSTM 96, 96", lambda: Layered(two_lstms(96))),
    Net("CRNN: two convolutions, GRU 48", Convolved, image=True),
    Net("dual path, as in GTCRN: GRU 2×6 over bands, 12 over time", DualPath),
)
