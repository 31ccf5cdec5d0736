"""What the kernels for cores with the DSP extension execute, for predicting their cycles."""

from __future__ import annotations

from typing import Any

from toolkit.ops.parts.base import NodeView, Work
from toolkit.ops.parts.window import WindowedAttrs, taps_inside

#: Values that a run of a patch and each of its values in the padding cost on top: filled and
#: widened, and copied.
_PATCH_RUN, _PATCH_EDGE = 12, 2
_SHORT_RUN, _SHORT_EDGE = 12, 2
#: What a pair and a kernel row cost where pixels are computed one by one, in values widened.
_STRIP_PAIR, _STRIP_ROW = 2, 8


def patch_work(view: NodeView[WindowedAttrs]) -> Work:
    """``tk_conv_2d_s8_dsp``: three pixels at a time, runs of a patch filled up to fours."""
    runs, values = _runs(view)
    filled, pixels, out_c = -(-values // 4) * 4, _threes(view), view.output.shape[3]
    gathered = pixels * runs * (_PATCH_RUN + filled * (1 + _PATCH_EDGE * _edges(view)))
    return Work(pixels * out_c * runs * filled, pixels * out_c, round(gathered))


def short_work(view: NodeView[WindowedAttrs], pairs: int) -> Work:
    """``tk_conv_2d_s8_short``: three pixels at a time, windows of 1x1 read where they lie."""
    (runs, values), pixels, out_c = _runs(view), _threes(view), view.output.shape[3]
    gathered = pixels * runs * (_SHORT_RUN + values * (1 + _SHORT_EDGE * _edges(view)))
    if runs == 1:
        gathered = pixels
    return Work(pixels * out_c * 2 * pairs, pixels * out_c, round(gathered))


def strip_work(view: NodeView[Any], together: int, strip_words: int) -> Work:
    """``tk_depthwise_conv_2d_s8_dsp``: four channels at a time, ``together`` pixels at once."""
    window = view.attrs.window
    _, out_h, out_w, channels = view.output.shape
    filled = -(-channels // 4) * 4
    results = filled * out_h * -(-out_w // together) * together
    pairs = 2 if together > 1 else (window.kernel_w + 1) // 2
    step = min(window.stride_h, window.kernel_h)
    rows = (out_h - 1) * step + window.kernel_h
    values = filled * rows * 2 * strip_words
    if together == 1:
        values += results * window.kernel_h * (pairs * _STRIP_PAIR + _STRIP_ROW)
    return Work(results * window.kernel_h * 2 * pairs, results, values)


def dense_work(batches: int, inputs: int, outputs: int) -> Work:
    """``tk_fully_connected_s8_dsp``: inputs filled up to fours, read once for four outputs."""
    filled, reads = -(-inputs // 4) * 4, outputs // 4 + outputs % 4
    return Work(batches * outputs * filled, batches * outputs, batches * reads * filled)


def _runs(view: NodeView[WindowedAttrs]) -> tuple[int, int]:
    """Runs of neighbouring values under a window, and the values of one."""
    window, in_c = view.attrs.window, view.input(0).shape[3]
    if window.dilation_w == 1:
        return window.kernel_h, window.kernel_w * in_c
    return window.kernel_h * window.kernel_w, in_c


def _threes(view: NodeView[WindowedAttrs]) -> int:
    """Output pixels, three at a time."""
    _, out_h, out_w, _ = view.output.shape
    return max(3, -(-out_h * out_w // 3) * 3)


def _edges(view: NodeView[WindowedAttrs]) -> float:
    """The part of all runs that reaches into the padding, or filled up beyond the row."""
    window, (_, in_h, in_w, in_c) = view.attrs.window, view.input(0).shape
    _, out_h, out_w, _ = view.output.shape
    taps = 1 if window.dilation_w == 1 else window.kernel_w
    reach = (taps - 1) * window.dilation_w * in_c + -(-_runs(view)[1] // 4) * 4
    starts = [(x * window.stride_w - window.padding.left) * in_c for x in range(out_w)]
    columns = sum(start >= 0 and start + reach <= in_w * in_c for start in starts)
    return 1 - taps_inside(window, in_h, in_w)[0] * columns / (out_h * window.kernel_h * out_w)
