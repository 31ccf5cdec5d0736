"""``tk_depthwise_conv_2d_s8_dsp``: four channels at a time over strips of the input."""

from __future__ import annotations

import numpy as np

from toolkit.ir.tensor import Array
from toolkit.ops.parts.base import CodeFacts, KernelCall, NodeView, Work
from toolkit.ops.parts.constraints import MAX_KERNEL_ROWS
from toolkit.ops.parts.convolution import output_fields
from toolkit.ops.parts.window import Window, WindowedAttrs, window_fields
from toolkit.ops.variants.requantize import requantize_problem, requantize_records

View = NodeView[WindowedAttrs]

#: What a pair and a kernel row cost where pixels are computed one by one, in values widened.
_STRIP_PAIR, _STRIP_ROW = 2, 8


def depthwise_conv_2d_call(view: View, multipliers: Array, shifts: Array) -> KernelCall | None:
    """``tk_depthwise_conv_2d_s8_dsp``; None: not eligible."""
    x, out, window = view.input(0), view.output, view.attrs.window
    channels = x.shape[3]
    if channels < 4 or out.shape[3] != channels:
        return None
    if requantize_problem(view, 3, multipliers, shifts) is not None:
        return None
    if (window.dilation_h, window.dilation_w) != (1, 1) or window.kernel_h > MAX_KERNEL_ROWS:
        return None
    order = _by_fours(channels)
    together, words = strip_layout(window, out.shape[2])
    taps = view.input(1).values.reshape(window.kernel_h, window.kernel_w, channels)
    weights = strip_weights(taps[..., order].transpose(2, 0, 1), window, together)
    records = requantize_records(view, 3, multipliers, shifts, 2)[order]
    return KernelCall(
        kernel="tk_depthwise_conv_2d_s8_dsp",
        params={
            "in_h": x.shape[1],
            "in_w": x.shape[2],
            "in_c": channels,
            "out_h": out.shape[1],
            "out_w": out.shape[2],
            **window_fields(window, dilated=False),
            **output_fields(view),
            "strip_words": words,
            "together": together,
            "channels": np.concatenate([records[:, :1], weights, records[:, 1:]], axis=1).view(
                np.uint32
            ),
        },
        inputs=(x.name,),
        outputs=(out.name,),
        scratch_bytes=16 * window.kernel_h * words,
        extra_kernels=("tk_dsp", "tk_dsp_mac"),
        variant="dsp",
        inlined=True,
        work=strip_work(view, together, words),
        code=CodeFacts(size=together),
    )


def _by_fours(channels: int) -> Array:
    """Channels in groups of four; the last group overlaps the one before."""
    starts = [min(c, channels - 4) for c in range(0, channels, 4)]
    return np.concatenate([np.arange(c, c + 4) for c in starts])


def strip_layout(window: Window, out_w: int) -> tuple[int, int]:
    """Pixels computed at once, and the words of a strip that they reach."""
    if (window.kernel_h, window.kernel_w, window.stride_w) == (3, 3, 1):
        together = min((4, 6), key=lambda n: -(-out_w // n) * (13 * n + 30))  # cycles
        return together, -(-out_w // together) * together // 2 + 1
    starts = (x * window.stride_w for x in range(max(out_w - 2, 0), out_w))
    return 1, max(start // 2 + (start % 2 + window.kernel_w + 1) // 2 for start in starts)


def strip_weights(taps: Array, window: Window, together: int, factor: int = 2) -> Array:
    """int8 ``[channels][kernel_h][kernel_w]`` times ``factor``, as int32 words of pairs that meet a
    strip's words."""
    if together > 1:
        pairs = taps[:, :, [0, 1, 1, 2]]
    else:
        width = taps.shape[2]
        pairs = np.pad(taps, ((0, 0), (0, 0), (0, width % 2)))
        if window.stride_w % 2 == 1:
            shifted = np.pad(taps, ((0, 0), (0, 0), (1, 1 - width % 2)))
            pairs = np.concatenate([pairs, shifted], axis=2)
    return np.ascontiguousarray(factor * pairs.astype("<i2")).view("<i4").reshape(len(taps), -1)


def strip_work(view: View, together: int, strip_words: int, group: int = 4) -> Work:
    """A ``group`` of channels at a time, ``together`` pixels at once."""
    window = view.attrs.window
    _, out_h, out_w, channels = view.output.shape
    filled = -(-channels // group) * group
    results = filled * out_h * -(-out_w // together) * together
    pairs = 2 if together > 1 else (window.kernel_w + 1) // 2
    step = min(window.stride_h, window.kernel_h)
    rows = (out_h - 1) * step + window.kernel_h
    values = filled * rows * 2 * strip_words
    if together == 1:
        values += results * window.kernel_h * (pairs * _STRIP_PAIR + _STRIP_ROW)
    return Work(results * window.kernel_h * 2 * pairs, results, values)
