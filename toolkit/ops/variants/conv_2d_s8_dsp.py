"""``tk_conv_2d_s8_dsp``: three patches of the input against two channels of packed weights."""

from __future__ import annotations

import numpy as np

from toolkit.ir.tensor import Array
from toolkit.ops.parts.base import CodeFacts, KernelCall, Work
from toolkit.ops.variants.patches import (
    View,
    convolution_params,
    edge_share,
    pixels_by_three,
    window_runs,
)
from toolkit.ops.variants.requantize import requantize_problem, requantize_records

#: Values that a run of a patch and each of its values in the padding cost on top: filled and
#: widened, and copied.
_PATCH_RUN, _PATCH_EDGE = 12, 2


def conv_2d_call(
    view: View, multipliers: Array, shifts: Array, weight_bits: int
) -> KernelCall | None:
    """``tk_conv_2d_s8_dsp``, weights kept as int8 (half the flash) or int16; None: not eligible."""
    if requantize_problem(view, 0, multipliers, shifts) is not None:
        return None
    weights = patch_weights(view.input(1).values, view.attrs.window.dilation_w == 1)
    filled = _filled(view.input(1).values.shape, view.attrs.window.dilation_w == 1)[1]
    return KernelCall(
        kernel="tk_conv_2d_s8_dsp",
        params={
            **convolution_params(view),
            "weight_bits": weight_bits,
            "weights": pack_weights(weights, weight_bits),
            "requantize": requantize_records(view, 0, multipliers, shifts, weight_bits // 8),
        },
        inputs=(view.input(0).name,),
        outputs=(view.output.name,),
        scratch_bytes=6 * weights.shape[1] + filled,
        extra_kernels=("tk_dsp", "tk_dsp_mac"),
        variant=f"dsp{weight_bits}",
        inlined=True,
        work=patch_work(view),
        # An odd number of channels takes loops for the one that is left over from pairs.
        code=CodeFacts(
            form="odd" if view.output.shape[3] % 2 else "", size=view.attrs.window.kernel_h
        ),
    )


def patch_weights(weights: Array, joined: bool, order: tuple[int, ...] = (0, 2, 1, 3)) -> Array:
    """OHWI weights as int8 ``[out_c][values]`` in the order of a patch: runs (kernel rows where
    ``joined``, else taps) filled up with zeros to fours, each four in that order."""
    run, filled = _filled(weights.shape, joined)
    runs = weights.reshape(weights.shape[0], -1, run)
    fours = np.pad(runs, ((0, 0), (0, 0), (0, filled - run))).reshape(len(weights), -1, 4)
    return fours[:, :, list(order)].reshape(len(weights), -1)


def pack_weights(weights: Array, bits: int) -> Array:
    """Patch weights as the words that ``tk_dsp_mac_2x3_w<bits>`` reads, two channels at a time.

    16 bits: doubled; a pair's word of either channel.  8 bits: a word a pair, the channels' bytes
    taking turns.  The last of an odd number of channels has its words alone, as ``1x3`` reads them.
    """
    together = len(weights) // 2 * 2
    pairs = weights[:together].reshape(together // 2, 2, weights.shape[1] // 2, 2)
    if bits == 16:
        first, last = 2 * pairs.swapaxes(1, 2).astype("<i2"), 2 * weights[together:].astype("<i2")
    else:
        first = pairs.transpose(0, 2, 3, 1)
        last = weights[together:].reshape(-1, 4)[:, [0, 2, 1, 3]]
    return np.frombuffer(first.tobytes() + last.tobytes(), "<u4").astype(np.uint32)


def patch_work(view: View) -> Work:
    """Three pixels at a time, runs of a patch filled up to fours."""
    runs, values = window_runs(view)
    filled, pixels, out_c = -(-values // 4) * 4, pixels_by_three(view), view.output.shape[3]
    gathered = pixels * runs * (_PATCH_RUN + filled * (1 + _PATCH_EDGE * edge_share(view)))
    return Work(pixels * out_c * runs * filled, pixels * out_c, round(gathered))


def _filled(shape: tuple[int, ...], joined: bool) -> tuple[int, int]:
    """Values of a run of weights OHWI, and the same filled up."""
    run = shape[2] * shape[3] if joined else shape[3]
    return run, -(-run // 4) * 4
