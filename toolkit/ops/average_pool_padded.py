"""Average pooling with paddings that TFLite has no rule for (custom operator
``tk.average_pool_2d``), int8 or int16; padding does not count in the mean.

Arithmetic, kernels and everything else are AVERAGE_POOL_2D's; only the paddings are stated, as
PyTorch's ``count_include_pad=False`` and ``ceil_mode=True`` need them at every clip length.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from toolkit.ir import Tensor
from toolkit.ops.average_pool_2d import AveragePool2D
from toolkit.ops.numerics.activation import Activation
from toolkit.ops.parts.custom_options import unpacked
from toolkit.ops.parts.pooling import View
from toolkit.ops.parts.window import (
    Padding,
    Window,
    WindowedAttrs,
    padding_rule,
    read_padding,
)

#: Custom options: magic, version, activation, kernel, strides, paddings; little endian.
_OPTIONS = struct.Struct("<4sHH8I")
_MAGIC, _VERSION = b"TKAV", 1


class AveragePoolPadded(AveragePool2D):
    """Mean of the values of each window that lie inside the input, for any padding."""

    name = "average_pool_padded"
    tflite_name = "tk.average_pool_2d"
    tflite_options = ""
    custom = True
    onnx_names = ("AveragePool",)

    def read_options(
        self, options: Any, inputs: Sequence[Tensor | None], output: Tensor
    ) -> WindowedAttrs:
        magic, version, activation, *numbers = unpacked(options, _OPTIONS)
        if (magic, version) != (_MAGIC, _VERSION):
            raise ValueError(f"options of kind {magic!r} version {version}; {_MAGIC!r} 1 expected")
        if max(numbers) >= 1 << 16 or min(numbers[:4]) < 1:
            raise ValueError("a window of impossible size")
        kernel_h, kernel_w, stride_h, stride_w, *edges = numbers
        padding = Padding(*edges)
        window = Window(kernel_h, kernel_w, stride_h, stride_w, padding=padding)
        return WindowedAttrs(window, Activation(activation))

    def write_options(self, view: View, options: Any) -> bytes:
        window, p = view.attrs.window, view.attrs.window.padding
        numbers = (window.kernel_h, window.kernel_w, window.stride_h, window.stride_w)
        edges = (p.top, p.bottom, p.left, p.right)
        return _OPTIONS.pack(_MAGIC, _VERSION, view.attrs.activation.value, *numbers, *edges)

    def tflite_version(self, view: View) -> int:
        return 1


def average_pool_op(window: Window, x: Tensor) -> str:
    """The operator of an average pool over ``x``: TFLite's own where one of its rules gives the
    padding, at every height."""
    rule = padding_rule(window, x.shape[1], x.shape[2])
    if rule is not None:
        read = read_padding(replace(window, padding=Padding()), rule, x)
        if read.padding.bottom == window.padding.bottom:
            return AveragePool2D.name
    return AveragePoolPadded.name
