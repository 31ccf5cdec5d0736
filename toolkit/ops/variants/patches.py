"""What the convolutions by patches share: runs of neighbouring values under a window, three output
pixels at a time.
"""

from __future__ import annotations

from toolkit.ops.parts.base import NodeView
from toolkit.ops.parts.convolution import output_fields
from toolkit.ops.parts.window import Window, WindowedAttrs, taps_inside, window_fields

View = NodeView[WindowedAttrs]


def convolution_params(view: View) -> dict[str, int]:
    """The fields that the structs of all convolutions begin with."""
    x, out, window = view.input(0), view.output, view.attrs.window
    in_h, in_w, in_c = x.shape[1:]
    out_h, out_w, out_c = out.shape[1:]
    if window == Window(1, 1):  # pixel by pixel: one long row
        in_h, in_w, out_h, out_w = 1, in_h * in_w, 1, out_h * out_w
    return {
        "in_h": in_h,
        "in_w": in_w,
        "in_c": in_c,
        "out_h": out_h,
        "out_w": out_w,
        "out_c": out_c,
        **window_fields(window, dilated=True),
        **output_fields(view),
    }


def window_runs(view: View) -> tuple[int, int]:
    """Runs of neighbouring values under a window, and the values of one."""
    window, in_c = view.attrs.window, view.input(0).shape[3]
    if window.dilation_w == 1:
        return window.kernel_h, window.kernel_w * in_c
    return window.kernel_h * window.kernel_w, in_c


def pixels_by_three(view: View) -> int:
    """Output pixels, three at a time."""
    _, out_h, out_w, _ = view.output.shape
    return max(3, -(-out_h * out_w // 3) * 3)


def edge_share(view: View) -> float:
    """The part of all runs that reaches into the padding, or filled up beyond the row."""
    window, (_, in_h, in_w, in_c) = view.attrs.window, view.input(0).shape
    _, out_h, out_w, _ = view.output.shape
    taps = 1 if window.dilation_w == 1 else window.kernel_w
    reach = (taps - 1) * window.dilation_w * in_c + -(-window_runs(view)[1] // 4) * 4
    starts = [(x * window.stride_w - window.padding.left) * in_c for x in range(out_w)]
    columns = sum(start >= 0 and start + reach <= in_w * in_c for start in starts)
    return 1 - taps_inside(window, in_h, in_w)[0] * columns / (out_h * window.kernel_h * out_w)
