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
    if channels < 4 or requantize_problem(view, 3, multipliers, shifts) is not None:
        return None
    if dilation_problem(window) is not None or window.kernel_h > MAX_KERNEL_ROWS:
        return None
    order = filters_by(4, channels, out.shape[3])
    together, words = strip_layout(window, out.shape[2])
    taps = view.input(1).values.reshape(window.kernel_h, window.kernel_w, out.shape[3])
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
            "depth_multiplier": out.shape[3] // channels,
            **window_fields(window, dilated=True),
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


def dilation_problem(window: Window) -> str | None:
    """What keeps rows and columns from being images of their own by their remainders."""
    steps = (window.stride_h, window.dilation_h), (window.stride_w, window.dilation_w)
    if all(1 in step for step in steps):
        return None
    return "its taps are dilated along an axis where it takes more than one step"


def filters_by(group: int, channels: int, filters: int) -> Array:
    """The filters of the input channels, these in groups; the last group overlaps the one
    before."""
    starts = [min(c, channels - group) for c in range(0, channels, group)]
    multiplier = filters // channels
    return np.concatenate(
        [np.arange(c * multiplier, (c + group) * multiplier) for c in starts], dtype=np.int64
    )


def strip_layout(window: Window, out_w: int) -> tuple[int, int]:
    """Pixels computed at once, and the words of a strip that those of one remainder reach."""
    out_w = -(-out_w // window.dilation_w)
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
    _, out_h, out_w, out_c = view.output.shape
    channels = view.input(0).shape[3]
    filled = -(-channels // group) * group
    filters = filled * (out_c // channels)
    down = _outputs_by_remainder(out_h, window.dilation_h)
    apart = _outputs_by_remainder(out_w, window.dilation_w)
    results = filters * out_h * sum(-(-n // together) * together for n in apart)
    pairs = 2 if together > 1 else (window.kernel_w + 1) // 2
    step = min(window.stride_h, window.kernel_h)
    rows = sum((n - 1) * step + window.kernel_h for n in down)
    values = filled * rows * len(apart) * 2 * strip_words
    if together == 1:
        values += results * window.kernel_h * (pairs * _STRIP_PAIR + _STRIP_ROW)
    return Work(results * window.kernel_h * 2 * pairs, results, values)


def _outputs_by_remainder(outputs: int, dilation: int) -> list[int]:
    """How many outputs there are of each remainder that has any."""
    return [len(range(first, outputs, dilation)) for first in range(min(dilation, outputs))]
