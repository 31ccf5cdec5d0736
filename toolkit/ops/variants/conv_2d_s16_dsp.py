"""``tk_conv_2d_s16_dsp``: three patches of the input against two channels of packed weights."""

from __future__ import annotations

from toolkit.ir.tensor import Array
from toolkit.ops.numerics.int16 import kernel_params
from toolkit.ops.parts.base import CodeFacts, KernelCall
from toolkit.ops.variants.conv_2d_s8_dsp import pack_weights, patch_weights, patch_work
from toolkit.ops.variants.patches import View, convolution_params
from toolkit.ops.variants.requantize_s16 import requantize_s16_problem, requantize_s16_records


def conv_2d_s16_call(view: View, multipliers: Array, shifts: Array) -> KernelCall | None:
    """``tk_conv_2d_s16_dsp``; None: not eligible."""
    if requantize_s16_problem(view, 0, multipliers, shifts) is not None:
        return None
    weights = patch_weights(view.input(1).values, view.attrs.window.dilation_w == 1, (0, 1, 2, 3))
    return KernelCall(
        kernel="tk_conv_2d_s16_dsp",
        params={
            **kernel_params(view.input(0), convolution_params(view)),
            "weights": pack_weights(weights, 8),
            "requantize": requantize_s16_records(view, multipliers, shifts),
        },
        inputs=(view.input(0).name,),
        outputs=(view.output.name,),
        scratch_bytes=6 * weights.shape[1],
        extra_kernels=("tk_dsp", "tk_dsp_mac"),
        variant="dsp",
        inlined=True,
        work=patch_work(view),
        code=CodeFacts(
            form="odd" if view.output.shape[3] % 2 else "", size=view.attrs.window.kernel_h
        ),
    )
