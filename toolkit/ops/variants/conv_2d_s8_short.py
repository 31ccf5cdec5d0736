"""``tk_conv_2d_s8_short``: convolutions whose windows are short enough for one stream of words."""

from __future__ import annotations

import numpy as np

from toolkit.ir.tensor import Array
from toolkit.ops.parts.base import CodeFacts, KernelCall, LinkedFunction, Work
from toolkit.ops.variants.patches import (
    View,
    convolution_params,
    edge_share,
    pixels_by_three,
    window_runs,
)
from toolkit.ops.variants.requantize import requantize_problem, requantize_records

#: Most values under a window.
SHORT_VALUES = 64
#: Values that a run of a window and each of its values in the padding cost on top: filled and
#: widened, and copied.
_SHORT_RUN, _SHORT_EDGE = 12, 2


def conv_2d_short_call(view: View, multipliers: Array, shifts: Array) -> KernelCall | None:
    """``tk_conv_2d_s8_short``, windows of at most 64 values; None: not eligible."""
    if requantize_problem(view, 0, multipliers, shifts) is not None:
        return None
    values = view.input(1).values.reshape(view.output.shape[3], -1)
    if values.shape[1] > SHORT_VALUES:
        return None
    stream, threes_words = short_stream(values, requantize_records(view, 0, multipliers, shifts, 2))
    return KernelCall(
        kernel="tk_conv_2d_s8_short",
        params={
            **convolution_params(view),
            "pairs": short_pairs(values.shape[1]),
            "threes_words": threes_words,
            "stream_words": len(stream),
            "stream": stream,
        },
        inputs=(view.input(0).name,),
        outputs=(view.output.name,),
        scratch_bytes=3 * ((values.shape[1] + 7) // 4 * 4),
        extra_kernels=("tk_dsp", "tk_dsp_mac", "tk_short_block"),
        variant="dsp_short",
        inlined=True,
        work=_work(view, short_pairs(values.shape[1])),
        code=CodeFacts(size=view.attrs.window.kernel_h, functions=(_short_block(view),)),
    )


def _short_block(view: View) -> LinkedFunction:
    """Where the output's zero point is -128, sums below 0 need no exact rounding."""
    pairs = short_pairs(view.input(1).elements // view.output.shape[3])
    suffix = "_negative" if view.output.zero_point > -128 else ""
    name = f"tk_short_block_{pairs}{suffix}"
    return LinkedFunction(name, "tk_short_block", pairs, stack_apart=True)


def short_pairs(values: int) -> int:
    """Pairs of `tk_short_block`: of values k0..k3 pairs (k0, k2) and (k1, k3), as far as any."""
    return values // 4 * 2 + min(values % 4, 2)


def short_stream(values: Array, records: Array) -> tuple[Array, int]:
    """What ``tk_short_job`` reads, as uint32, and how many words of it are of groups of three:
    int8 weights ``[channels][values]`` and their `requantize_records` for doubled sums."""
    pairs = short_pairs(values.shape[1])
    fours = np.pad(values, ((0, 0), (0, -values.shape[1] % 4))).reshape(len(values), -1, 4)
    patch = np.ascontiguousarray(2 * fours[:, :, [0, 2, 1, 3]].astype("<i2"))
    words = patch.view("<i4").reshape(len(values), -1)[:, :pairs]
    parts, threes_words, channel = [], 0, 0
    while channel < len(values):
        count = 3 if channel + 3 <= len(values) else 1
        of = slice(channel, channel + count)
        parts += [records[of, 0], words[of].T.reshape(-1), records[of, 1:].reshape(-1)]
        channel += count
        if count == 3:
            threes_words = sum(len(part) for part in parts)
    return np.concatenate(parts).astype(np.int32).view(np.uint32), threes_words


def _work(view: View, pairs: int) -> Work:
    """Three pixels at a time, windows of 1x1 read where they lie."""
    (runs, values), pixels, out_c = window_runs(view), pixels_by_three(view), view.output.shape[3]
    gathered = pixels * runs * (_SHORT_RUN + values * (1 + _SHORT_EDGE * edge_share(view)))
    if runs == 1:
        gathered = pixels
    return Work(pixels * out_c * 2 * pairs, pixels * out_c, round(gathered))
