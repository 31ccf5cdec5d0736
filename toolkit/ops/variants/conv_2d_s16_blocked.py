"""``tk_conv_2d_s16_blocked``: two pixels against two channels at a time, in plain C."""

from __future__ import annotations

from toolkit.ir.tensor import Array
from toolkit.ops.numerics.int16 import kernel_params
from toolkit.ops.parts.base import KernelCall, Work
from toolkit.ops.variants.patches import View, convolution_params
from toolkit.ops.variants.requantize_s16 import requantize_s16_problem, requantize_s16_records


def conv_2d_s16_blocked_call(view: View, multipliers: Array, shifts: Array) -> KernelCall | None:
    """``tk_conv_2d_s16_blocked``; None: not eligible."""
    if requantize_s16_problem(view, 0, multipliers, shifts) is not None:
        return None
    weights = view.input(1)
    return KernelCall(
        kernel="tk_conv_2d_s16_blocked",
        params={
            **kernel_params(view.input(0), convolution_params(view)),
            "weights": weights.values,
            "requantize": requantize_s16_records(view, multipliers, shifts),
        },
        inputs=(view.input(0).name,),
        outputs=(view.output.name,),
        scratch_bytes=4 * (weights.elements // weights.shape[0]),
        extra_kernels=("tk_dsp", "tk_dsp_mac", "tk_blocked_2x2_s16"),
        variant="blocked",
        work=_work(view),
    )


def _work(view: View) -> Work:
    """Padding is multiplied, and the pixel that is left over in a row twice."""
    _, out_h, out_w, out_c = view.output.shape
    values, pixels = view.input(1).elements // out_c, out_h * (out_w + out_w % 2)
    return Work(pixels * out_c * values, view.output.elements, pixels * values)
