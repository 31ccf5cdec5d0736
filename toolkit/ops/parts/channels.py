"""What operators say of channels, the last axis of a tensor: bounds of their values, and which
channels of inputs and output belong together.  `passes/dead_channels.py` asks.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from toolkit.ir import Tensor
from toolkit.ir.tensor import Array


@dataclass(frozen=True, eq=False)
class Bounds:
    """Smallest and largest value of each channel of a tensor, int64 ``[channels]``, whatever the
    network is given and however long its clips are."""

    low: Array
    high: Array

    @property
    def constant(self) -> Array:
        """Which channels have one value, bool ``[channels]``."""
        return np.asarray(self.low == self.high)

    def clipped(self, low: int, high: int) -> Bounds:
        """After a clamp of the values."""
        return Bounds(np.clip(self.low, low, high), np.clip(self.high, low, high))

    def joined(self, other: Bounds) -> Bounds:
        """Of a tensor with the values of both."""
        return Bounds(np.minimum(self.low, other.low), np.maximum(self.high, other.high))

    def of_count(self, count: int) -> Bounds:
        """Of the same values in the same order, counted into ``count`` channels."""
        own = len(self.low)
        if count % own == 0:
            return Bounds(np.tile(self.low, count // own), np.tile(self.high, count // own))
        rows = -1, count if own % count == 0 else 1
        low, high = self.low.reshape(rows).min(axis=0), self.high.reshape(rows).max(axis=0)
        return Bounds(np.resize(low, count), np.resize(high, count))


@dataclass(frozen=True, eq=False)
class Ties:
    """Labels of the channels of an operator's inputs (None: a constant) and of its output.

    Channels of one label stay or go together; all of a negative label stay.
    """

    inputs: tuple[Array | None, ...]
    output: Array


def channel_count(tensor: Tensor) -> int:
    return tensor.shape[-1] if tensor.shape else 1


def any_value(tensor: Tensor) -> Bounds:
    """The bounds of a tensor of which its type alone is known."""
    low, high = tensor.dtype.limits
    count = channel_count(tensor)
    return Bounds(np.full(count, low, np.int64), np.full(count, high, np.int64))


def of_constant(tensor: Tensor) -> Bounds:
    """The bounds of a constant."""
    rows = tensor.values.reshape(-1, channel_count(tensor)).astype(np.int64)
    return Bounds(rows.min(axis=0), rows.max(axis=0))


def same_channels(inputs: Sequence[Tensor | None], output: Tensor) -> Ties:
    """Every channel of the output is the same channel of each input; an input of one channel that
    is repeated for all of them stays."""
    count = channel_count(output)
    labels = np.arange(count)
    return Ties(tuple(_labels(tensor, labels) for tensor in inputs), labels)


def _labels(tensor: Tensor | None, labels: Array) -> Array | None:
    if tensor is None or tensor.is_constant:
        return None
    count = channel_count(tensor)
    return labels if count == len(labels) else np.full(count, -1)


def thinned(tensor: Tensor, axis: int, kept: Array) -> Tensor:
    """A tensor with the indices ``kept`` (bool) of an axis alone, its scales along with it."""
    shape = list(tensor.shape)
    shape[axis] = int(kept.sum())
    quant = tensor.quant
    if quant is not None and quant.axis is not None and quant.axis == axis % len(shape):
        places = np.flatnonzero(kept).tolist()
        quant = replace(
            quant,
            scale=tuple(quant.scale[i] for i in places),
            zero_point=tuple(quant.zero_point[i] for i in places),
        )
    data = None if tensor.data is None else np.compress(kept, tensor.data, axis=axis)
    return replace(tensor, shape=tuple(shape), quant=quant, data=data)
