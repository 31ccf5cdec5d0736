"""What average and max pooling share."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from toolkit.ir import Shape, Tensor
from toolkit.ops.activation import Activation, clamp_limits
from toolkit.ops.base import KernelCall, NodeView, Operator, OutputRange, TimeBehaviour, Work
from toolkit.ops.constraints import (
    MAX_KERNEL_ROWS,
    batch_one,
    rank_four,
    same_quantization,
    unary_types_int8,
    window_fits,
)
from toolkit.ops.window import (
    Padding,
    Window,
    WindowedAttrs,
    read_padding,
    windowed_shape,
    write_padding,
)

View = NodeView[WindowedAttrs]


def is_global(view: View) -> bool:
    """Whether the one window covers exactly the whole input."""
    window = view.attrs.window
    covers = (window.kernel_h, window.kernel_w) == view.input(0).shape[1:3]
    return covers and window.padding == Padding()


def pool_rows(view: View) -> str | None:
    """the window must be at most 32 rows high, or cover the whole input"""
    rows = view.attrs.window.kernel_h
    return None if rows <= MAX_KERNEL_ROWS or is_global(view) else str(rows)


class Pool2D(Operator[WindowedAttrs]):
    """Base of the pools; ``kernel_stem`` and ``global_kernel`` name the C kernels."""

    tflite_options = "Pool2DOptions"
    output_range = OutputRange.SAME_AS_INPUT
    constraints = (
        unary_types_int8,
        rank_four,
        batch_one,
        window_fits,
        pool_rows,
        same_quantization,
    )
    kernel_stem: str
    global_kernel: str
    global_scratch_bytes_per_channel: int

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

    def work(self, view: View) -> Work:
        window = view.attrs.window
        return Work(elementwise=view.output.elements * window.kernel_h * window.kernel_w)

    def time_behaviour(self, view: View, time_axis: int) -> TimeBehaviour:
        if time_axis not in (1, 2):
            return TimeBehaviour.OPAQUE
        return TimeBehaviour.REDUCING if is_global(view) else TimeBehaviour.WINDOWED

    def kernel_call(self, view: View) -> KernelCall:
        x, out, window = view.input(0), view.output, view.attrs.window
        low, high = clamp_limits(view.attrs.activation, out)
        if is_global(view):
            return KernelCall(
                kernel=self.global_kernel,
                params={
                    "positions": x.shape[1] * x.shape[2],
                    "channels": x.shape[3],
                    "out_min": low,
                    "out_max": high,
                },
                inputs=(x.name,),
                outputs=(out.name,),
                scratch_bytes=self.global_scratch_bytes_per_channel * x.shape[3],
            )
        return KernelCall(
            kernel=self.kernel_stem,
            params={
                "in_h": x.shape[1],
                "in_w": x.shape[2],
                "channels": x.shape[3],
                "out_h": out.shape[1],
                "out_w": out.shape[2],
                "kernel_h": window.kernel_h,
                "kernel_w": window.kernel_w,
                "stride_h": window.stride_h,
                "stride_w": window.stride_w,
                "pad_top": window.padding.top,
                "pad_left": window.padding.left,
                "out_min": low,
                "out_max": high,
            },
            inputs=(x.name,),
            outputs=(out.name,),
        )
