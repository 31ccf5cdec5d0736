"""Activations fused into other operators, and the integer clamp they become."""

from __future__ import annotations

from enum import Enum

import numpy as np

from toolkit.ir import Tensor
from toolkit.ir.tensor import Array


class Activation(Enum):
    """Fused activation; the value is the TFLite schema's number."""

    NONE = 0
    RELU = 1
    RELU_N1_TO_1 = 2
    RELU6 = 3

    @property
    def real_limits(self) -> tuple[float, float]:
        return {
            Activation.NONE: (-np.inf, np.inf),
            Activation.RELU: (0.0, np.inf),
            Activation.RELU_N1_TO_1: (-1.0, 1.0),
            Activation.RELU6: (0.0, 6.0),
        }[self]


def clamp_float(activation: Activation, values: Array) -> Array:
    low, high = activation.real_limits
    clamped: Array = np.clip(values, low, high).astype(np.float32)
    return clamped


def clamp_limits(activation: Activation, output: Tensor) -> tuple[int, int]:
    """Integer limits of the output under ``activation`` (TFLM's CalculateActivationRange)."""
    low, high = output.dtype.limits
    real_low, real_high = activation.real_limits
    if np.isfinite(real_low):
        low = max(low, _quantized(real_low, output))
    if np.isfinite(real_high):
        high = min(high, _quantized(real_high, output))
    return low, high


def _quantized(value: float, output: Tensor) -> int:
    scaled = np.float32(value) / np.float32(output.scale)
    return output.zero_point + int(np.trunc(scaled + np.copysign(np.float32(0.5), scaled)))
