"""``tk_depthwise_conv_2d_s16_dsp``: two channels at a time over strips of the input."""

from __future__ import annotations

import numpy as np

from toolkit.ir.tensor import Array
from toolkit.ops.numerics.int16 import kernel_params
from toolkit.ops.parts.base import CodeFacts, KernelCall
from toolkit.ops.parts.constraints import MAX_KERNEL_ROWS
from toolkit.ops.parts.convolution import output_fields
from toolkit.ops.parts.window import window_fields
from toolkit.ops.variants.depthwise_conv_2d_s8_dsp import (
    View,
    dilation_problem,
    filters_by,
    strip_layout,
    strip_weights,
    strip_work,
)
from toolkit.ops.variants.requantize_s16 import requantize_s16_problem, requantize_s16_records


def depthwise_conv_2d_s16_call(view: View, multipliers: Array, shifts: Array) -> KernelCall | None:
    """``tk_depthwise_conv_2d_s16_dsp``; None: not eligible."""
    x, out, window = view.input(0), view.output, view.attrs.window
    channels = x.shape[3]
    if channels < 2 or requantize_s16_problem(view, 3, multipliers, shifts) is not None:
        return None
    if dilation_problem(window) is not None or window.kernel_h > MAX_KERNEL_ROWS:
        return None
    order = filters_by(2, channels, out.shape[3])
    together, words = strip_layout(window, out.shape[2])
    taps = view.input(1).values.reshape(window.kernel_h, window.kernel_w, out.shape[3])
    weights = strip_weights(taps[..., order].transpose(2, 0, 1), window, together, 1)
    records = requantize_s16_records(view, multipliers, shifts)[order]
    params: dict[str, int | Array] = {
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
    }
    return KernelCall(
        kernel="tk_depthwise_conv_2d_s16_dsp",
        params=kernel_params(x, params),
        inputs=(x.name,),
        outputs=(out.name,),
        scratch_bytes=8 * window.kernel_h * words,
        extra_kernels=("tk_dsp", "tk_dsp_mac"),
        variant="dsp",
        inlined=True,
        work=strip_work(view, together, words, 2),
        code=CodeFacts(size=together),
    )
