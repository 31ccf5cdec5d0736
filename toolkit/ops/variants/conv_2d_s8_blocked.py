"""``tk_conv_2d_s8_blocked``: two pixels against two channels at a time, in plain C."""

from __future__ import annotations

from toolkit.ir.tensor import Array
from toolkit.ops.parts.base import KernelCall, Work
from toolkit.ops.variants.patches import View, convolution_params
from toolkit.ops.variants.requantize import requantize_problem, requantize_records


def conv_2d_blocked_call(view: View, multipliers: Array, shifts: Array) -> KernelCall | None:
    """``tk_conv_2d_s8_blocked``; None: not eligible."""
    if requantize_problem(view, 0, multipliers, shifts) is not None:
        return None
    weights = view.input(1)
    return KernelCall(
        kernel="tk_conv_2d_s8_blocked",
        params={
            **convolution_params(view),
            "weights": weights.values,
            "requantize": requantize_records(view, 0, multipliers, shifts, 1),
        },
        inputs=(view.input(0).name,),
        outputs=(view.output.name,),
        scratch_bytes=4 * (weights.elements // weights.shape[0]),
        extra_kernels=("tk_blocked", "tk_blocked_1x3_s8", "tk_blocked_2x2_s8"),
        variant="blocked",
        work=_work(view),
    )


def _work(view: View) -> Work:
    """Padding is multiplied; of a pixel that is left over in a row each product takes twice the
    time.  Every value under a window is gathered (``elementwise``)."""
    _, out_h, out_w, out_c = view.output.shape
    values = view.input(1).elements // out_c
    pixels = out_h * (out_w + out_w % 2)
    return Work(pixels * out_c * values, view.output.elements, pixels * values)
