"""``tk_depthwise_conv_2d_s8_blocked``: two pixels at a time, in plain C."""

from __future__ import annotations

import numpy as np

from toolkit.ir.tensor import Array
from toolkit.ops.parts.base import KernelCall, NodeView, Work
from toolkit.ops.parts.constraints import MAX_KERNEL_ROWS
from toolkit.ops.parts.convolution import output_fields
from toolkit.ops.parts.window import WindowedAttrs, taps_inside, window_fields
from toolkit.ops.variants.requantize import requantize_problem, requantize_records

View = NodeView[WindowedAttrs]


def depthwise_conv_2d_blocked_call(
    view: View, multipliers: Array, shifts: Array
) -> KernelCall | None:
    """``tk_depthwise_conv_2d_s8_blocked``; None: not eligible."""
    x, out, window = view.input(0), view.output, view.attrs.window
    if requantize_problem(view, 3, multipliers, shifts) is not None:
        return None
    if window.kernel_h > MAX_KERNEL_ROWS:
        return None
    taps = view.input(1).values.reshape(-1, out.shape[3])
    return KernelCall(
        kernel="tk_depthwise_conv_2d_s8_blocked",
        params={
            "in_h": x.shape[1],
            "in_w": x.shape[2],
            "in_c": x.shape[3],
            "out_h": out.shape[1],
            "out_w": out.shape[2],
            "depth_multiplier": out.shape[3] // x.shape[3],
            **window_fields(window, dilated=True),
            **output_fields(view),
            "weights": np.ascontiguousarray(taps.T),
            "requantize": requantize_records(view, 3, multipliers, shifts, 1),
        },
        inputs=(x.name,),
        outputs=(out.name,),
        scratch_bytes=_scratch_bytes(view),
        extra_kernels=("tk_blocked",),
        variant="blocked",
        work=_work(view),
    )


def _is_3x3(view: View) -> bool:
    """Two pixels at a time."""
    window, out = view.attrs.window, view.output
    shape = (window.kernel_h, window.kernel_w, window.dilation_w)
    return shape == (3, 3, 1) and out.shape[3] == view.input(0).shape[3] and out.shape[2] > 1


def _scratch_bytes(view: View) -> int:
    window, channels = view.attrs.window, view.input(0).shape[3]
    gathered = 3 * (3 + window.stride_w) * channels
    return max(gathered if _is_3x3(view) else 0, 8 * window.kernel_h * window.kernel_w + channels)


def _work(view: View) -> Work:
    """Padding is multiplied too; ``elementwise`` are the products of pixels taken one by one, and
    the values gathered for pixels in pairs."""
    window, (_, out_h, out_w, out_c) = view.attrs.window, view.output.shape
    macs = out_h * (out_w + out_w % 2) * out_c * window.kernel_h * window.kernel_w
    if not _is_3x3(view):
        return Work(macs, view.output.elements, macs)
    in_h, in_w = view.input(0).shape[1:3]
    rows = taps_inside(window, in_h, in_w)[0]
    edges = out_h * out_w // 2 if rows < 3 * out_h else 0
    return Work(macs, view.output.elements, edges)
