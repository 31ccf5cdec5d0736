"""A transposed convolution as a dense one that makes all values between two input positions at
once, as channels: which tap of the one is which tap of the other."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from toolkit.ir.tensor import Array


@dataclass(frozen=True, eq=False)
class Phases:
    """One spatial axis: ``size`` values become ``made``, some for each position; tap ``t`` of the
    dense kernel is for phase ``r`` tap ``taps[r, t]`` of the transposed one (-1: none).  ``before``
    and ``after`` are the dense convolution's padding."""

    size: int
    made: int
    taps: Array
    before: int
    after: int

    @property
    def phases(self) -> int:
        return len(self.taps)


#: An axis of one value that stays.
ONE = Phases(1, 1, np.zeros((1, 1), int), 0, 0)


def phases(
    size: int, made: int, kernel: int, stride: int, dilation: int = 1, start: int = 0
) -> Phases:
    """``out[q * stride + r] = sum_m in[q + m] * weights[r + start - m * stride]``, the first
    ``made`` of them; ``start`` values before them are left out.

    Values behind the reach of the input are sums of nothing: taps of 0 in front keep the padding
    that they need within the kernel.
    """
    span = (kernel - 1) * dilation + 1
    reach = range(-((span - 1) // stride) - 1, (stride - 1 + start) // stride + 1)
    table = np.full((stride, len(reach)), -1)
    for r in range(stride):
        for t, m in enumerate(reach):
            tap = r + start - m * stride
            if 0 <= tap < span and tap % dilation == 0:
                table[r, t] = tap // dilation
    used = np.flatnonzero((table >= 0).any(axis=0)) if (table >= 0).any() else np.array([0])
    positions = math.ceil(made / stride)
    first, last = min(reach[used[0]], 0, size - positions), reach[used[-1]]
    last = max(last, first)
    columns = [reach.index(m) if m in reach else -1 for m in range(first, last + 1)]
    taps = np.stack([table[:, c] if c >= 0 else np.full(stride, -1) for c in columns], axis=1)
    return Phases(size, made, taps, -first, max(positions - 1 + last - (size - 1), 0))


def dense_kernel(weights: Array, height: Phases, width: Phases) -> Array:
    """Weights ``[in, out, kh, kw]`` as ``[in, out, phases_h, phases_w, taps_h, taps_w]``."""
    padded = np.pad(weights, ((0, 0), (0, 0), (0, 1), (0, 1)))  # tap -1 is zero
    tall = padded[:, :, height.taps]  # [in, out, ph, th, kw + 1]
    both = tall[..., width.taps]  # [in, out, ph, th, pw, tw]
    return np.asarray(both.transpose(0, 1, 2, 4, 3, 5))
