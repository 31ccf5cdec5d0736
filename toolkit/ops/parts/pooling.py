"""What average and max pooling share."""

from __future__ import annotations

import math
from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import replace
from typing import Any, ClassVar

from toolkit.ir import Shape, Tensor
from toolkit.ops.numerics.activation import Activation, clamp_limits
from toolkit.ops.numerics.int16 import kernel_name, same_types, symmetric_int16
from toolkit.ops.parts.base import (
    Constraint,
    KernelCall,
    NodeView,
    Operator,
    OutputRange,
    TimeBehaviour,
    Work,
)
from toolkit.ops.parts.channels import Bounds, Ties, same_channels
from toolkit.ops.parts.constraints import (
    MAX_KERNEL_ROWS,
    batch_one,
    is_tall,
    laid_down,
    rank_four,
    same_quantization,
    window_fits,
)
from toolkit.ops.parts.window import (
    Window,
    WindowedAttrs,
    read_padding,
    taps_inside,
    window_fields,
    windowed_shape,
    write_padding,
)

View = NodeView[WindowedAttrs]


def is_global(view: View) -> bool:
    """Whether the one window covers exactly the whole input."""
    window, size = view.attrs.window, view.input(0).shape[1:3]
    covers = (window.kernel_h, window.kernel_w) == size
    return covers and window.output_hw(*size) == (1, 1) and window.padding.top == 0


def pool_rows(view: View) -> str | None:
    """the window must be at most 32 rows high, or cover the whole input, but for inputs one column
    wide"""
    rows = view.attrs.window.kernel_h
    good = rows <= MAX_KERNEL_ROWS or is_global(view) or is_tall(view)
    return None if good else str(rows)


class Pool2D(Operator[WindowedAttrs]):
    """Base of the pools; ``kernel_stem`` and ``global_stem`` name the C kernels."""

    tflite_options = "Pool2DOptions"
    output_range = OutputRange.SAME_AS_INPUT
    constraints: ClassVar[tuple[Constraint, ...]] = (
        same_types,
        symmetric_int16,
        rank_four,
        batch_one,
        window_fits,
        pool_rows,
        same_quantization,
    )
    kernel_stem: str
    global_stem: str

    def tall_kernel(self, row: View) -> str:
        """What makes a row of a window of more rows than usual."""
        return kernel_name(self.kernel_stem, row.input(0))

    @abstractmethod
    def sums_bytes(self, x: Tensor) -> int:
        """Running state of a whole-extent pool."""

    @abstractmethod
    def scratch_bytes(self, x: Tensor) -> int:
        """What a whole-extent pool needs besides its output when it runs at once."""

    def read_options(
        self, options: Any, inputs: Sequence[Tensor | None], output: Tensor
    ) -> WindowedAttrs:
        (x,) = inputs
        assert x is not None
        window = Window(options.filterHeight, options.filterWidth, options.strideH, options.strideW)
        return WindowedAttrs(
            read_padding(window, options.padding, x), Activation(options.fusedActivationFunction)
        )

    def write_options(self, view: View, options: Any) -> Any:
        window = view.attrs.window
        options.filterHeight, options.filterWidth = window.kernel_h, window.kernel_w
        options.strideH, options.strideW = window.stride_h, window.stride_w
        options.padding = write_padding(window, view.input(0))
        options.fusedActivationFunction = view.attrs.activation.value
        return options

    def tflite_version(self, view: View) -> int:
        return 2

    def infer_shape(self, view: View) -> Shape:
        shape = view.input(0).shape
        return windowed_shape(view.attrs.window, shape, shape[3])

    def channel_bounds(self, view: View, inputs: Sequence[Bounds]) -> Bounds:
        """Padding counts in neither pool."""
        return inputs[0].clipped(*clamp_limits(view.attrs.activation, view.output))

    def channel_ties(self, view: View) -> Ties:
        return same_channels(view.inputs, view.output)

    def work(self, view: View) -> Work:
        """Padding is skipped."""
        _, in_h, in_w, channels = view.input(0).shape
        taps = math.prod(taps_inside(view.attrs.window, in_h, in_w))
        return Work(accumulators=view.output.elements, elementwise=taps * channels)

    def time_behaviour(self, view: View, time_axis: int) -> TimeBehaviour:
        if time_axis not in (1, 2):
            return TimeBehaviour.OPAQUE
        return TimeBehaviour.REDUCING if is_global(view) else TimeBehaviour.WINDOWED

    def on_whole(self, view: View) -> View:
        return view if is_global(view) else laid_down(view)

    def kernel_call(self, view: View) -> KernelCall:
        return self._global_call(view) if is_global(view) else self._window_call(view)

    def row_call(self, row: View, behaviour: TimeBehaviour) -> KernelCall:
        if behaviour is TimeBehaviour.WINDOWED:
            call = self._window_call(row)
            return replace(call, kernel=self.tall_kernel(row)) if is_tall(row) else call
        sums_bytes = self.sums_bytes(row.input(0))
        return replace(self._global_call(row), scratch_bytes=sums_bytes)

    def _global_call(self, view: View) -> KernelCall:
        x, out = view.input(0), view.output
        low, high = clamp_limits(view.attrs.activation, out)
        return KernelCall(
            kernel=kernel_name(self.global_stem, x),
            params={
                "positions": x.shape[1] * x.shape[2],
                "channels": x.shape[3],
                "out_min": low,
                "out_max": high,
            },
            inputs=(x.name,),
            outputs=(out.name,),
            scratch_bytes=self.scratch_bytes(x),
        )

    def _window_call(self, view: View) -> KernelCall:
        x, out, window = view.input(0), view.output, view.attrs.window
        low, high = clamp_limits(view.attrs.activation, out)
        return KernelCall(
            kernel=kernel_name(self.kernel_stem, x),
            params={
                "in_h": x.shape[1],
                "in_w": x.shape[2],
                "channels": x.shape[3],
                "out_h": out.shape[1],
                "out_w": out.shape[2],
                **window_fields(window, dilated=False),
                "out_min": low,
                "out_max": high,
            },
            inputs=(x.name,),
            outputs=(out.name,),
        )
