"""Geometry shared by windowed operators (convolutions and pools) on NHWC tensors."""

from __future__ import annotations

from dataclasses import astuple, dataclass, replace
from functools import cache
from typing import NamedTuple

import numpy as np

from toolkit.ir import Shape, Tensor
from toolkit.ir.tensor import Array
from toolkit.ops.numerics.activation import Activation

#: TFLite schema numbers of the two padding rules.
PADDING_SAME, PADDING_VALID = 0, 1
#: Of a kernel, a stride, a dilation or a padding; what is computed with it stays in 32 bits.
MAX_EXTENT = 1 << 20


@dataclass(frozen=True)
class Padding:
    """Explicit zero-point padding in rows and columns, resolved once (contract C3)."""

    top: int = 0
    bottom: int = 0
    left: int = 0
    right: int = 0


@dataclass(frozen=True)
class Window:
    """Kernel extent, strides, dilations and padding, in elements along height and width."""

    kernel_h: int
    kernel_w: int
    stride_h: int = 1
    stride_w: int = 1
    dilation_h: int = 1
    dilation_w: int = 1
    padding: Padding = Padding()

    def __post_init__(self) -> None:
        extent = (self.kernel_h, self.kernel_w, self.stride_h, self.stride_w)
        sizes = (*extent, self.dilation_h, self.dilation_w)
        if not all(1 <= size <= MAX_EXTENT for size in sizes):
            raise ValueError(
                f"kernel, strides and dilations must be in 1..{MAX_EXTENT}; got {list(sizes)}"
            )
        pads = astuple(self.padding)
        if not all(0 <= pad <= MAX_EXTENT for pad in pads):
            raise ValueError(f"padding must be in 0..{MAX_EXTENT}; got {list(pads)}")

    @property
    def span_h(self) -> int:
        return (self.kernel_h - 1) * self.dilation_h + 1

    @property
    def span_w(self) -> int:
        return (self.kernel_w - 1) * self.dilation_w + 1

    @property
    def is_padded(self) -> bool:
        """Whether a window may reach beyond the input."""
        return self.padding != Padding()

    def output_hw(self, in_h: int, in_w: int) -> tuple[int, int]:
        """Height and width of the output."""
        p = self.padding
        return (
            (in_h + p.top + p.bottom - self.span_h) // self.stride_h + 1,
            (in_w + p.left + p.right - self.span_w) // self.stride_w + 1,
        )


@dataclass(frozen=True)
class WindowedAttrs:
    """Attributes of every windowed operator: geometry and fused activation."""

    window: Window
    activation: Activation = Activation.NONE


def window_fields(window: Window, dilated: bool) -> dict[str, int]:
    """Fields of a kernel's parameters; ``dilated``: the kernel knows dilations."""
    dilations = {"dilation_h": window.dilation_h, "dilation_w": window.dilation_w}
    return {
        "kernel_h": window.kernel_h,
        "kernel_w": window.kernel_w,
        "stride_h": window.stride_h,
        "stride_w": window.stride_w,
        **(dilations if dilated else {}),
        "pad_top": window.padding.top,
        "pad_left": window.padding.left,
    }


def same_padding(window: Window, in_h: int, in_w: int) -> Padding:
    """TFLite's SAME rule: output = ceil(input / stride), the odd element goes after."""
    top, bottom = _same(in_h, window.span_h, window.stride_h)
    left, right = _same(in_w, window.span_w, window.stride_w)
    return Padding(top, bottom, left, right)


def _same(size: int, span: int, stride: int) -> tuple[int, int]:
    total = max((-(-size // stride) - 1) * stride + span - size, 0)
    return total // 2, total - total // 2


def padding_rule(window: Window, in_h: int, in_w: int) -> int | None:
    """The TFLite padding rule that gives this padding, or None when a PAD must stand before.

    Trailing padding that no window reaches does not matter.
    """
    out = window.output_hw(in_h, in_w)
    for rule, padding in (
        (PADDING_VALID, Padding()),
        (PADDING_SAME, same_padding(window, in_h, in_w)),
    ):
        candidate = replace(window, padding=padding)
        same_front = (padding.top, padding.left) == (window.padding.top, window.padding.left)
        if same_front and candidate.output_hw(in_h, in_w) == out:
            return rule
    return None


def taps_inside(window: Window, in_h: int, in_w: int) -> tuple[int, int]:
    """How many kernel rows meet a row of the input, summed over the output rows; the same of
    columns.  The others lie in the padding."""
    p, (out_h, out_w) = window.padding, window.output_hw(in_h, in_w)
    rows = _Axis(window.kernel_h, window.stride_h, window.dilation_h, p.top)
    columns = _Axis(window.kernel_w, window.stride_w, window.dilation_w, p.left)
    return _taps_inside(out_h, in_h, rows), _taps_inside(out_w, in_w, columns)


class _Axis(NamedTuple):
    """A window along one axis, with the padding before it."""

    kernel: int
    stride: int
    dilation: int
    before: int


@cache
def _taps_inside(out: int, size: int, axis: _Axis) -> int:
    kernel, stride, dilation, before = axis
    places = (o * stride - before + k * dilation for o in range(out) for k in range(kernel))
    return sum(0 <= place < size for place in places)


def windows(x: Array, window: Window, fill: float | int) -> Array:
    """View of all windows: ``[n, out_h, out_w, kernel_h, kernel_w, c]`` of the padded ``x``."""
    _, in_h, in_w, _ = x.shape
    out_h, out_w = window.output_hw(in_h, in_w)
    p = window.padding
    pads = ((0, 0), (p.top, p.bottom), (p.left, p.right), (0, 0))
    padded = np.pad(x, pads, constant_values=fill)
    n, _, _, c = padded.shape
    s_n, s_h, s_w, s_c = padded.strides
    return np.lib.stride_tricks.as_strided(
        padded,
        (n, out_h, out_w, window.kernel_h, window.kernel_w, c),
        (
            s_n,
            s_h * window.stride_h,
            s_w * window.stride_w,
            s_h * window.dilation_h,
            s_w * window.dilation_w,
            s_c,
        ),
        writeable=False,
    )


def windowed_shape(window: Window, x: Shape, channels: int) -> Shape:
    out_h, out_w = window.output_hw(x[1], x[2])
    return (x[0], out_h, out_w, channels)


def read_padding(window: Window, rule: int, x: Tensor) -> Window:
    """The window with the padding that a TFLite padding rule gives on input ``x``.

    Below the last row SAME is made ``span - 1 - top``: no window reaches more of it at this height
    than it must, and at any height ``n`` the output has SAME's ``ceil(n / stride)`` rows, so that
    the front padding alone is tied to the height of ``x`` (contract C3).
    """
    if rule == PADDING_VALID:
        return window
    same = same_padding(window, x.shape[1], x.shape[2])
    return replace(window, padding=replace(same, bottom=window.span_h - 1 - same.top))


def write_padding(window: Window, x: Tensor) -> int:
    """The TFLite rule for a padding; writers split off a PAD first where there is none."""
    rule = padding_rule(window, x.shape[1], x.shape[2])
    assert rule is not None, "explicit padding must be split into a PAD"
    return rule
