"""``tk_conv_2d_s8_winograd2``: a convolution by Winograd tiles from plain int8 rows."""

from __future__ import annotations

import numpy as np

from toolkit.ops import winograd
from toolkit.ops.base import KernelCall, NodeView, Work
from toolkit.ops.window import WindowedAttrs

View = NodeView[WindowedAttrs]

#: Channels of a rest of so many, by pairs; see tk_winograd_widen.h.
_REST = {0: [], 1: [0], 2: [0, 1], 3: [0, 2, 1]}


def winograd2_call(view: View) -> KernelCall | None:
    """F(2x2, 3x3), two output rows at a time; None where the convolution is not eligible."""
    if winograd.ineligible(view) is not None:
        return None
    x, out = view.input(0), view.output
    _, in_h, in_w, in_c = x.shape
    _, out_h, out_w, out_c = out.shape
    weights = view.input(1).values[..., channel_order(in_c)]
    params = winograd.winograd_params(view, out_wide=False)
    channels = np.array(params["channels"]).reshape(-1, 4)
    # Sums of a whole tile hold four times the zero point.
    held = x.zero_point * weights.astype(np.int64).sum(axis=(1, 2, 3))
    channels[:, 3] = (channels[:, 3] - 4 * held).astype(np.int32)
    params |= {"weights": winograd.packed(winograd.transformed(weights)), "channels": channels}
    right = max(1, winograd.right_pixels(out_w, in_w))
    row_bytes = 4 * (1 + in_w + right) * ((in_c + 1) // 2)
    return KernelCall(
        kernel="tk_conv_2d_s8_winograd2",
        params={
            **{f"tiles.{name}": value for name, value in params.items()},
            "in_h": in_h,
            "in_w": in_w,
            "out_h": out_h,
            "pad_top": view.attrs.window.padding.top,
            "right": right,
            "in_zero_point": x.zero_point,
        },
        inputs=(x.name,),
        outputs=(out.name,),
        scratch_bytes=4 * row_bytes + winograd.scratch_bytes(in_c, out_c),
        variant="winograd2",
        rows=2,
        work=_work(view),
    )


def channel_order(in_c: int) -> list[int]:
    """Input channels in the order in which rows are widened: pairs of neighbours in this order."""
    whole = in_c // 4 * 4
    fours = [4 * (i // 4) + (0, 2, 1, 3)[i % 4] for i in range(whole)]
    return fours + [whole + i for i in _REST[in_c % 4]]


def _work(view: View) -> Work:
    """Sixteen products a tile, pairs of channels filled up; each pair of a tile is transformed."""
    _, out_h, out_w, out_c = view.output.shape
    pairs = (view.input(0).shape[3] + 1) // 2
    tiles = (out_h + 1) // 2 * winograd.tiles(out_w)
    return Work(tiles * 16 * 2 * pairs * out_c, 4 * tiles * out_c, tiles * 16 * pairs)
