"""Integer Winograd F(2x2, 3x3) convolution for cores with the DSP extension: weights and parameters
of ``tk_conv_2d_s8_winograd2``.

The filter transform is scaled to integers, [2,0,0] [1,1,1] [1,-1,1] [0,0,2] down the filter and
[1,0,0] [1,1,1] [1,-1,1] [0,0,1] along it; what it lacks of four is a shift in the inverse
transform, which yields exactly twice the accumulator.

Source: Lavin and Gray, "Fast Algorithms for Convolutional Neural Networks", 2015.
"""

from __future__ import annotations

import numpy as np

from toolkit.ir.tensor import Array
from toolkit.ops.numerics.activation import clamp_limits
from toolkit.ops.parts.base import CodeFacts, KernelCall, LinkedFunction, NodeView, Work
from toolkit.ops.parts.convolution import convolution_multipliers
from toolkit.ops.parts.window import WindowedAttrs

View = NodeView[WindowedAttrs]

#: Most pairs of input channels in one product (TK_MATMUL_S16_PAIRS).
MATMUL_PAIRS = 8
#: Accumulators stay below this, so that four of them do not leave 32 bits.
ACCUMULATOR_LIMIT = 1 << 29
#: Larger right shifts would let the rounding constant overflow.
MAX_RIGHT_SHIFT = 22

#: Pixels further apart would be out of the reach of the kernel's loads and stores.
MAX_IN_CHANNELS, MAX_OUT_CHANNELS = 255, 585
#: A block of a product.
MIN_OUT_CHANNELS = 3

#: Channels of a rest of so many, by pairs; see tk_winograd_columns.h.
_REST = {0: [], 1: [0], 2: [0, 1], 3: [0, 2, 1]}

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
    if in_c > MAX_IN_CHANNELS or not MIN_OUT_CHANNELS <= out_c <= MAX_OUT_CHANNELS:
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
    """Tiles of two output columns, in groups of three and four (some may not exist)."""
    count = (out_w + 1) // 2
    return {1: 3, 2: 3, 5: 6}.get(count, count)


def right_pixels(out_w: int, in_w: int) -> int:
    """Pixels after the last of an input row that the tiles read; the convolution's padding is 0."""
    return max(1, 2 * tiles(out_w) + 1 - in_w)


def scratch_bytes(in_w: int, out_w: int, in_c: int, out_c: int) -> int:
    """Columns of four rows, then transformed input and products of a group of tiles; in the place
    of these first a row of padding."""
    pairs, count = (in_c + 1) // 2, tiles(out_w)
    group = 4 if count % 3 else 3
    columns = 16 * pairs * (1 + in_w + right_pixels(out_w, in_w))
    return columns + max(4 * 16 * group * (pairs + out_c), -(-in_w * in_c // 4) * 4)


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
    """[16, out_c, in_c] int16 to the words of tk_matmul_s16, chunk after chunk."""
    even = np.pad(transformed_weights, ((0, 0), (0, 0), (0, transformed_weights.shape[2] % 2)))
    words = np.ascontiguousarray(even).astype("<i2").view("<i4")  # [position][channel][pair]
    ends = np.cumsum(chunks(words.shape[2]))[:-1]
    parts = [chunk.reshape(-1) for chunk in np.split(words, ends, axis=2)]
    return np.concatenate(parts).astype(np.int32)


def channel_order(in_c: int) -> list[int]:
    """Input channels in the order of the columns' pairs."""
    whole = in_c // 4 * 4
    fours = [4 * (i // 4) + (0, 2, 1, 3)[i % 4] for i in range(whole)]
    return fours + [whole + i for i in _REST[in_c % 4]]


def channel_constants(view: View) -> Array:
    """[out_c, 4] int32: multiplier, rounding with the zero point, right shift, 4 * bias less the
    input's zero point, which the sums of a whole tile hold four times."""
    bias, zero = view.optional(2), view.output.zero_point
    multipliers, shifts = convolution_multipliers(view)
    right = -shifts.astype(np.int64)
    rounding = (np.int64(1) << (right - 1)) + zero * (np.int64(1) << right)
    biases = np.zeros(len(right), np.int64) if bias is None else bias.values.astype(np.int64)
    held = view.input(0).zero_point * view.input(1).values.astype(np.int64).sum(axis=(1, 2, 3))
    return np.stack([multipliers, rounding, right, 4 * (biases - held)], axis=1).astype(np.int32)


def winograd2_call(view: View) -> KernelCall | None:
    """Two output rows at a time; None where the convolution is not eligible."""
    if ineligible(view) is not None:
        return None
    x, out = view.input(0), view.output
    _, in_h, in_w, in_c = x.shape
    _, out_h, out_w, out_c = out.shape
    low, high = clamp_limits(view.attrs.activation, out)
    weights = view.input(1).values[..., channel_order(in_c)]
    return KernelCall(
        kernel="tk_conv_2d_s8_winograd2",
        params={
            "tiles.out_w": out_w,
            "tiles.in_c": in_c,
            "tiles.out_c": out_c,
            "tiles.out_min": low,
            "tiles.out_max": high,
            "tiles.rectified": int(low >= out.zero_point),
            "tiles.weights": packed(transformed(weights)),
            "tiles.channels": channel_constants(view),
            "in_h": in_h,
            "in_w": in_w,
            "out_h": out_h,
            "pad_top": view.attrs.window.padding.top,
            "right": right_pixels(out_w, in_w),
            "in_zero_point": x.zero_point,
        },
        inputs=(x.name,),
        outputs=(out.name,),
        scratch_bytes=scratch_bytes(in_w, out_w, in_c, out_c),
        variant="winograd2",
        inlined=True,
        rows=2,
        work=_work(view),
        code=CodeFacts(size=in_c, functions=linked_functions(in_c, out_c)),
    )


def linked_functions(in_c: int, out_c: int) -> tuple[LinkedFunction, ...]:
    """The products of tk_winograd_multiply: the first chunk's is stored, the others' are added, for
    three and for four tiles, by the output channels left over."""
    first, *others = chunks((in_c + 1) // 2)
    products = {(first, ""), *((pairs, "_add") for pairs in others)}
    return tuple(
        LinkedFunction(f"tk_matmul_s16{add}_{pairs}x{count}_{rest}", "tk_matmul_s16", pairs)
        for pairs, add in sorted(products)
        for count, rest in ((3, out_c % 3), (4, out_c % 2))
    )


def _work(view: View) -> Work:
    """Sixteen products a tile, pairs of channels filled up; each pair of a tile is transformed."""
    _, out_h, out_w, out_c = view.output.shape
    pairs = (view.input(0).shape[3] + 1) // 2
    count = (out_h + 1) // 2 * tiles(out_w)
    return Work(count * 16 * 2 * pairs * out_c, 4 * count * out_c, count * 16 * pairs)
