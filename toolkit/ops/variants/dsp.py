"""Constants of the kernels for cores with the DSP extension: who is eligible, packed weights.

All of them requantise by ``tk_dsp_requantize`` of ``tk_dsp_mac.h``, one record a channel:
bias, multiplier, rounding, shift to the right.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from toolkit.ir.tensor import Array
from toolkit.ops.parts.base import CodeFacts, KernelCall, LinkedFunction, NodeView
from toolkit.ops.parts.constraints import accumulator_bound
from toolkit.ops.parts.convolution import output_fields
from toolkit.ops.parts.window import Window, WindowedAttrs, window_fields
from toolkit.ops.variants.dsp_work import patch_work, short_work, strip_work

View = NodeView[WindowedAttrs]

#: Sums, and what is added to round them, stay below.
_LIMIT = 1 << 30

#: Most values under a window of `conv_2d_short_call`.
SHORT_VALUES = 64


def requantize_problem(
    view: NodeView[Any], channel_axis: int, multipliers: Array, shifts: Array
) -> str | None:
    """What keeps a layer's sums from ``tk_dsp_requantize``, None where nothing does."""
    bound = _bound(view, channel_axis)
    if bound >= _LIMIT:
        return f"sums up to {bound}"
    right = _right(bound, multipliers, shifts)
    if right.min() < 1:
        return f"scaled by up to 2**{-right.min()}"
    rounding = (abs(view.output.zero_point) + 1) << right
    return f"rounding up to {rounding.max()}" if rounding.max(initial=0) >= _LIMIT else None


def requantize_records(
    view: NodeView[Any], channel_axis: int, multipliers: Array, shifts: Array, factor: int
) -> Array:
    """int32 ``[channels][4]`` for sums of ``factor`` times the weights (1 or 2).

    The input's zero point is taken off by the bias.
    """
    weights, bias = view.input(1), view.optional(2)
    others = tuple(i for i in range(len(weights.shape)) if i != channel_axis)
    start = -view.input(0).zero_point * weights.values.astype(np.int64).sum(axis=others)
    if bias is not None:
        start = start + bias.values
    right = _right(_bound(view, channel_axis), multipliers, shifts)
    kept = np.where(right == -shifts.astype(np.int64), multipliers, 0)
    rounding = (2 * view.output.zero_point + 1) << (right - 1)
    return np.stack([factor * start, kept, rounding, right], axis=1).astype(np.int32)


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
            **_convolution_params(view),
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
            **_convolution_params(view),
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
        work=short_work(view, short_pairs(values.shape[1])),
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


def _convolution_params(view: View) -> dict[str, int]:
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


def depthwise_conv_2d_call(view: View, multipliers: Array, shifts: Array) -> KernelCall | None:
    """``tk_depthwise_conv_2d_s8_dsp``; None: not eligible."""
    x, out, window = view.input(0), view.output, view.attrs.window
    channels = x.shape[3]
    if channels < 4 or out.shape[3] != channels:
        return None
    if requantize_problem(view, 3, multipliers, shifts) is not None:
        return None
    if (window.dilation_h, window.dilation_w) != (1, 1):
        return None
    order = _by_fours(channels)
    together, words = _strip(window, out.shape[2])
    taps = view.input(1).values.reshape(window.kernel_h, window.kernel_w, channels)
    weights = _strip_weights(taps[..., order].transpose(2, 0, 1), window, together)
    records = requantize_records(view, 3, multipliers, shifts, 2)[order]
    return KernelCall(
        kernel="tk_depthwise_conv_2d_s8_dsp",
        params={
            "in_h": x.shape[1],
            "in_w": x.shape[2],
            "in_c": channels,
            "out_h": out.shape[1],
            "out_w": out.shape[2],
            **window_fields(window, dilated=False),
            **output_fields(view),
            "strip_words": words,
            "together": together,
            "channels": np.concatenate([records[:, :1], weights, records[:, 1:]], axis=1).view(
                np.uint32
            ),
        },
        inputs=(x.name,),
        outputs=(out.name,),
        scratch_bytes=16 * window.kernel_h * words,
        extra_kernels=("tk_dsp", "tk_dsp_mac"),
        variant="dsp",
        inlined=True,
        work=strip_work(view, together, words),
        code=CodeFacts(size=together),
    )


def patch_weights(weights: Array, joined: bool) -> Array:
    """OHWI weights as int8 ``[out_c][values]`` in the order of a patch: runs (kernel rows where
    ``joined``, else taps) filled up with zeros to fours, and of each four values 0, 2, 1, 3."""
    run, filled = _filled(weights.shape, joined)
    runs = weights.reshape(weights.shape[0], -1, run)
    fours = np.pad(runs, ((0, 0), (0, 0), (0, filled - run))).reshape(len(weights), -1, 4)
    return fours[:, :, [0, 2, 1, 3]].reshape(len(weights), -1)


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


def _by_fours(channels: int) -> Array:
    """Channels in groups of four; the last group overlaps the one before."""
    starts = [min(c, channels - 4) for c in range(0, channels, 4)]
    return np.concatenate([np.arange(c, c + 4) for c in starts])


def _strip(window: Window, out_w: int) -> tuple[int, int]:
    """Pixels computed at once, and the words of a strip that they reach."""
    if (window.kernel_h, window.kernel_w, window.stride_w) == (3, 3, 1):
        together = min((4, 6), key=lambda n: -(-out_w // n) * (13 * n + 30))  # cycles
        return together, -(-out_w // together) * together // 2 + 1
    starts = (x * window.stride_w for x in range(max(out_w - 2, 0), out_w))
    return 1, max(start // 2 + (start % 2 + window.kernel_w + 1) // 2 for start in starts)


def _strip_weights(taps: Array, window: Window, together: int) -> Array:
    """int8 ``[channels][kernel_h][kernel_w]`` doubled, as int32 words of
    pairs that meet a strip's words."""
    if together > 1:
        pairs = taps[:, :, [0, 1, 1, 2]]
    else:
        width = taps.shape[2]
        pairs = np.pad(taps, ((0, 0), (0, 0), (0, width % 2)))
        if window.stride_w % 2 == 1:
            shifted = np.pad(taps, ((0, 0), (0, 0), (1, 1 - width % 2)))
            pairs = np.concatenate([pairs, shifted], axis=2)
    return np.ascontiguousarray(2 * pairs.astype("<i2")).view("<i4").reshape(len(taps), -1)


def _filled(shape: tuple[int, ...], joined: bool) -> tuple[int, int]:
    """Values of a run of weights OHWI, and the same filled up."""
    run = shape[2] * shape[3] if joined else shape[3]
    return run, -(-run // 4) * 4


def _bound(view: NodeView[Any], channel_axis: int) -> int:
    return accumulator_bound(view.input(1), channel_axis, view.input(0), view.optional(2))


def _right(bound: int, multipliers: Array, shifts: Array) -> Array:
    """Shifts to the right; 1 for channels whose sums are scaled down to nothing."""
    right = -shifts.astype(np.int64)
    nothing = (multipliers == 0) | (bound < np.int64(1) << np.maximum(right - 1, 0))
    return np.where(nothing, 1, right)
