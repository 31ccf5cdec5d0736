"""Rounding as the device rounds, with a gradient: int8 activations and weights.

In training the rounding passes gradients straight through, also to the scales (Esser et al.,
arXiv 1902.08153); when it is exported it is ONNX' QuantizeLinear and DequantizeLinear.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

LOWEST, HIGHEST = -128, 127
#: Steps of a symmetric weight on either side of 0.
WEIGHT_STEPS = 127
_LEAST_SCALE = 2.0**-24


class ActivationRounding(nn.Module):  # type: ignore[misc]
    """int8 with one scale, which is learned, and a zero point, which `settle` fixes.

    Until then it only looks: ``seen`` is the range of what came by.  Where the device has int16
    (``wide``) nothing is rounded in training; the export states the range all the same.
    """

    seen: Tensor
    zero_point: Tensor

    def __init__(self, wide: bool = False) -> None:
        super().__init__()
        self.wide = wide
        self.log_scale = nn.Parameter(torch.zeros(()))
        self.register_buffer("zero_point", torch.zeros((), dtype=torch.int32))
        self.register_buffer("seen", torch.tensor([torch.inf, -torch.inf]))
        self.settled = False

    def forward(self, x: Tensor) -> Tensor:
        if not self.settled:
            low, high = torch.aminmax(x.detach())
            self.seen = torch.stack([self.seen[0].minimum(low), self.seen[1].maximum(high)])
            return x
        if torch.onnx.is_in_onnx_export():
            scale, zero = self.parameters_of()
            return torch.fake_quantize_per_tensor_affine(x, scale, zero, LOWEST, HIGHEST)
        if self.wide:
            return x
        # The scale's gradient grows with the number of values that it rounds.
        scale = _slowed(self.log_scale, (x.numel() * HIGHEST) ** -0.5).exp()
        steps = _rounded(x / scale) + self.zero_point
        return (steps.clamp(LOWEST, HIGHEST) - self.zero_point) * scale

    def parameters_of(self) -> tuple[float, int]:
        """Scale and zero point."""
        return math.exp(self.log_scale.detach().item()), int(self.zero_point.item())

    def settle(self, margin: float = 0.0) -> None:
        """Fix the zero point, and begin with the scale, of what was seen and 0; outputs get a
        ``margin`` of their range at either end."""
        low, high = (float(v) for v in self.seen.double())
        room = margin * (high - low)
        low, high = min(low - room, 0.0), max(high + room, 0.0)
        scale = max((high - low) / (HIGHEST - LOWEST), _LEAST_SCALE)
        with torch.no_grad():
            self.log_scale.fill_(scale).log_()
            self.zero_point.fill_(round(LOWEST - low / scale))
        self.settled = True


class HardGate(nn.Module):  # type: ignore[misc]
    """Hard sigmoid, ``relu6(x + 3) / 6``, whose relu6 the device stores."""

    def forward(self, x: Tensor) -> Tensor:
        if torch.onnx.is_in_onnx_export():
            return nn.functional.hardsigmoid(x)
        step = 6.0 / (HIGHEST - LOWEST)
        return _rounded(nn.functional.relu6(x + 3.0) / step) * (step / 6.0)


def rounded_weight(weight: Tensor, per_channel: bool) -> Tensor:
    """A weight [o, ...] in symmetric int8 steps: of a scale an output channel, or one in all."""
    rows = weight.detach().abs().flatten(1).amax(dim=1)
    scale = (rows if per_channel else rows.max()).clamp_min(1e-12) / WEIGHT_STEPS
    if torch.onnx.is_in_onnx_export():
        if not per_channel:
            step = scale.item()
            return torch.fake_quantize_per_tensor_affine(weight, step, 0, LOWEST, HIGHEST)
        zeros = torch.zeros(weight.shape[0], dtype=torch.int32)
        return torch.fake_quantize_per_channel_affine(weight, scale, zeros, 0, LOWEST, HIGHEST)
    step = scale.reshape(-1, *[1] * (weight.dim() - 1))
    return _rounded(weight / step) * step


def _rounded(x: Tensor) -> Tensor:
    """The nearest whole number; its gradient is that of ``x``."""
    return x + (x.round() - x).detach()


def _slowed(x: Tensor, factor: float) -> Tensor:
    """``x``, with ``factor`` times its gradient."""
    return x * factor + (x * (1.0 - factor)).detach()
