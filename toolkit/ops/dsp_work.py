"""What the kernels for cores with the DSP extension execute, for predicting their cycles."""

from __future__ import annotations

from typing import Any

from toolkit.ops.base import NodeView, Work
from toolkit.ops.window import Window, WindowedAttrs, taps_inside

#: A run of a patch costs this many values on top of its own, one that meets padding its own thrice.
_RUN_VALUES = 12
_EDGE_VALUES = 2


def patch_work(view: NodeView[WindowedAttrs]) -> Work:
    """``tk_conv_2d_s8_dsp``: three pixels at a time, runs of a patch filled up to fours."""
    window, (_, in_h, in_w, in_c) = view.attrs.window, view.input(0).shape
    _, out_h, out_w, out_c = view.output.shape
    joined = window.dilation_w == 1
    run = window.kernel_w * in_c if joined else in_c
    runs = window.kernel_h * (1 if joined else window.kernel_w)
    filled = -(-run // 4) * 4
    pixels = max(3, -(-out_h * out_w // 3) * 3)
    edges = 0.0
    if window != Window(1, 1):
        rows, _ = taps_inside(window, in_h, in_w)
        edges = 1 - rows * _whole(window, in_w, out_w) / (out_h * window.kernel_h * out_w)
    values = pixels * runs * (filled + _RUN_VALUES + round(edges * filled * _EDGE_VALUES))
    return Work(pixels * out_c * runs * filled, pixels * out_c, values)


def strip_work(view: NodeView[Any], together: int, strip_words: int) -> Work:
    """``tk_depthwise_conv_2d_s8_dsp``: four channels at a time, ``together`` pixels at once."""
    window = view.attrs.window
    _, out_h, out_w, channels = view.output.shape
    filled = -(-channels // 4) * 4
    results = filled * out_h * -(-out_w // together) * together
    pairs = 2 if together > 1 else (window.kernel_w + 1) // 2
    step = min(window.stride_h, window.kernel_h)
    rows = (out_h - 1) * step + window.kernel_h
    return Work(results * window.kernel_h * 2 * pairs, results, filled * rows * 2 * strip_words)


def _whole(window: Window, in_w: int, out_w: int) -> int:
    """Output columns whose windows lie inside the input."""
    starts = (x * window.stride_w - window.padding.left for x in range(out_w))
    return sum(start >= 0 and start + window.span_w <= in_w for start in starts)
