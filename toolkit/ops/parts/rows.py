"""A node seen one row at a time: how streamed models run it (time is axis 1, a row one index)."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from toolkit.ir import Tensor
from toolkit.ops.pad import PadAttrs
from toolkit.ops.parts.base import TIME_AXIS as TIME_AXIS
from toolkit.ops.parts.base import NodeView, TimeBehaviour
from toolkit.ops.parts.kept import kept
from toolkit.ops.parts.window import WindowedAttrs
from toolkit.ops.strided_slice import StridedSliceAttrs


@dataclass(frozen=True)
class RowWindow:
    """Rows that output row ``o`` reads: ``o * stride - top + k * dilation`` for ``k < taps``; those
    outside the input are padding.  ``bottom`` rows of padding follow the last row.  A negative
    ``top`` leaves out the first rows."""

    taps: int = 1
    stride: int = 1
    dilation: int = 1
    top: int = 0
    bottom: int = 0

    @property
    def span(self) -> int:
        return (self.taps - 1) * self.dilation + 1

    @property
    def reach(self) -> int:
        """Rows of input that output row 0 needs to have seen."""
        return self.span - self.top


def row_window(view: NodeView[Any], behaviour: TimeBehaviour) -> RowWindow:
    """The window along time of a node with that behaviour."""
    attrs = view.attrs
    if behaviour is not TimeBehaviour.WINDOWED:
        return RowWindow()
    if isinstance(attrs, PadAttrs):
        top, bottom = attrs.paddings[TIME_AXIS]
        return RowWindow(top=top, bottom=bottom)
    if isinstance(attrs, StridedSliceAttrs):
        # A row is there once as many follow it as are left out at the end: taps that it waits for.
        start, stop, step = attrs.ranges[TIME_AXIS]
        return RowWindow(taps=1 - (stop or 0), stride=step, top=-start)
    window = attrs.window
    padding = window.padding
    return RowWindow(
        window.kernel_h, window.stride_h, window.dilation_h, padding.top, padding.bottom
    )


@kept
def row_view(view: NodeView[Any], behaviour: TimeBehaviour) -> NodeView[Any]:
    """The node on exactly the rows that make one output row, without padding along time."""
    rows, attrs = row_window(view, behaviour).span, view.attrs
    if isinstance(attrs, WindowedAttrs):
        window = attrs.window
        if behaviour is TimeBehaviour.REDUCING:
            window = replace(window, kernel_h=1)
        window = replace(window, padding=replace(window.padding, top=0, bottom=0))
        attrs = replace(attrs, window=window)
    elif isinstance(attrs, PadAttrs):
        edges = list(attrs.paddings)
        edges[TIME_AXIS] = (0, 0)
        attrs = replace(attrs, paddings=tuple(edges))
    elif isinstance(attrs, StridedSliceAttrs) and behaviour is TimeBehaviour.WINDOWED:
        ranges = list(attrs.ranges)
        ranges[TIME_AXIS] = (0, 1, 1)
        attrs = replace(attrs, ranges=tuple(ranges))
    reduces = behaviour is TimeBehaviour.REDUCING
    return replace(
        view,
        attrs=attrs,
        inputs=tuple(
            tensor if tensor is None or tensor.is_constant else with_rows(tensor, rows)
            for tensor in view.inputs
        ),
        outputs=view.outputs if reduces else tuple(with_rows(t, 1) for t in view.outputs),
    )


def with_rows(tensor: Tensor, rows: int) -> Tensor:
    """The tensor with another extent of time."""
    shape = (*tensor.shape[:TIME_AXIS], rows, *tensor.shape[TIME_AXIS + 1 :])
    return replace(tensor, shape=shape)
