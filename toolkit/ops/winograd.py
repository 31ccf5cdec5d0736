"""Integer Winograd F(2x2, 3x3) convolution for cores with the DSP extension: weights and parameters
of ``tk_conv_2d_s8_winograd_rows``.

The filter transform is scaled to integers, [2,0,0] [1,1,1] [1,-1,1] [0,0,2] down the filter and
[1,0,0] [1,1,1] [1,-1,1] [0,0,1] along it; what it lacks of four is a shift in the inverse
transform, which yields exactly twice the accumulator.

Source: Lavin and Gray, "Fast Algorithms for Convolutional Neural Networks", 2015.
"""

from __future__ import annotations

import numpy as np

from toolkit.ir.tensor import Array
from toolkit.ops.activation import clamp_limits
from toolkit.ops.base import NodeView
from toolkit.ops.convolution import convolution_multipliers
from toolkit.ops.window import WindowedAttrs

View = NodeView[WindowedAttrs]

#: Most pairs of input channels in one product (TK_MATMUL_S16_PAIRS).
MATMUL_PAIRS = 9
#: Accumulators stay below this, so that four of them do not leave 32 bits.
ACCUMULATOR_LIMIT = 1 << 29
#: Larger right shifts would let the rounding constant overflow.
MAX_RIGHT_SHIFT = 22

#: Pixels further apart would be out of the reach of the kernel's loads and stores.
MAX_IN_CHANNELS, MAX_OUT_CHANNELS = 292, 408

_DOWN = np.array([[2, 0, 0], [1, 1, 1], [1, -1, 1], [0, 0, 2]], np.int64)
#: In the order in which the inverse transform needs the columns: 1, 2, 0, 3.
_ALONG = np.array([[1, 1, 1], [1, -1, 1], [1, 0, 0], [0, 0, 1]], np.int64)


def ineligible(view: View) -> str | None:
    """Why the convolution cannot run this way; None when it can."""
    window = view.attrs.window
    if (window.kernel_h, window.kernel_w) != (3, 3):
        return f"a {window.kernel_h}x{window.kernel_w} kernel"
    if {window.stride_h, window.stride_w, window.dilation_h, window.dilation_w} != {1}:
        return "a stride or dilation"
    if window.padding.left != 1:
        return f"{window.padding.left} columns of padding on the left"
    in_c, out_c = view.input(0).shape[3], view.output.shape[3]
    if in_c > MAX_IN_CHANNELS or out_c > MAX_OUT_CHANNELS:
        return f"{in_c} input and {out_c} output channels"
    if largest_accumulator(view) >= ACCUMULATOR_LIMIT:
        return f"accumulators up to {largest_accumulator(view)}"
    shifts = -convolution_multipliers(view)[1].astype(np.int64)
    if shifts.min() < 1 or shifts.max() > MAX_RIGHT_SHIFT:
        return f"right shifts from {shifts.min()} to {shifts.max()}"
    return None


def largest_accumulator(view: View) -> int:
    """No sum of any of the products, and the bias, exceeds it."""
    weights, bias = view.input(1).values, view.optional(2)
    span = max(127 - view.input(0).zero_point, view.input(0).zero_point + 128)
    sums = span * np.abs(weights.astype(np.int64)).sum(axis=(1, 2, 3))
    if bias is not None:
        sums = sums + np.abs(bias.values.astype(np.int64))
    return int(sums.max())


def tiles(out_w: int) -> int:
    """Tiles of two output columns (one alone is done together with one that does not exist)."""
    return max(2, (out_w + 1) // 2)


def right_pixels(out_w: int, in_w: int) -> int:
    """Pixels after the last of a wide input row that are read; the convolution's padding is 0."""
    return max(0, 2 * tiles(out_w) + 1 - in_w)


def scratch_bytes(in_c: int, out_c: int) -> int:
    """Transformed input and products of a group of three tiles."""
    pairs = (in_c + 1) // 2
    return 4 * 16 * 3 * (pairs + out_c)


def chunks(pairs: int) -> list[int]:
    """How the pairs of input channels are divided among products."""
    count = -(-pairs // MATMUL_PAIRS)
    size = -(-pairs // count)
    return [min(size, pairs - begin) for begin in range(0, pairs, size)]


def transformed(weights: Array) -> Array:
    """[out_c, 3, 3, in_c] to [16, out_c, in_c]; positions go down the tile's columns."""
    out = np.einsum("ik,okcn,jc->jion", _DOWN, weights.astype(np.int64), _ALONG)
    flat: Array = out.reshape(16, weights.shape[0], weights.shape[3]).astype(np.int16)
    return flat


def packed(transformed_weights: Array) -> Array:
    """[positions, out_c, in_c] int16 to the words of tk_matmul_s16, chunk after chunk."""
    positions, out_c, in_c = transformed_weights.shape
    even = np.pad(transformed_weights, ((0, 0), (0, 0), (0, in_c % 2)))
    words = np.ascontiguousarray(even).astype("<i2").view("<i4")  # [position][channel][pair]
    triples = out_c // 3 * 3
    parts, begin = [], 0
    for size in chunks(words.shape[2]):
        chunk = words[:, :, begin : begin + size]
        blocks = chunk[:, :triples].reshape(positions, out_c // 3, 3, size).swapaxes(2, 3)
        singles = chunk[:, triples:].reshape(positions, -1)
        parts.append(np.concatenate([blocks.reshape(positions, -1), singles], axis=1).reshape(-1))
        begin += size
    return np.concatenate(parts).astype(np.int32)


def channel_constants(view: View, out_wide: bool) -> Array:
    """[out_c, 4] int32: multiplier, rounding with the zero point, right shift, 4 * bias."""
    bias = view.optional(2)
    multipliers, shifts = convolution_multipliers(view)
    right = -shifts.astype(np.int64)
    zero = 0 if out_wide else view.output.zero_point
    rounding = (np.int64(1) << (right - 1)) + zero * (np.int64(1) << right)
    biases = np.zeros(len(right), np.int64) if bias is None else bias.values.astype(np.int64)
    return np.stack([multipliers, rounding, right, 4 * biases], axis=1).astype(np.int32)


def winograd_params(view: View, out_wide: bool) -> dict[str, int | Array]:
    """Fields of ``tk_conv_2d_s8_winograd_params`` for an eligible convolution."""
    out = view.output
    low, high = clamp_limits(view.attrs.activation, out)
    zero = out.zero_point if out_wide else 0
    return {
        "out_w": out.shape[2],
        "in_c": view.input(0).shape[3],
        "out_c": out.shape[3],
        "out_wide": int(out_wide),
        "out_min": low - zero,
        "out_max": high - zero,
        "rectified": int(low >= out.zero_point),
        "weights": packed(transformed(view.input(1).values)),
        "channels": channel_constants(view, out_wide).reshape(-1),
    }
