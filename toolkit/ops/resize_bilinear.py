"""Bilinear interpolation of height and width (RESIZE_BILINEAR), int8, by TFLM's ten bits."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from toolkit.ir import Shape, Tensor
from toolkit.ir.tensor import Array
from toolkit.ops.parts.base import KernelCall, NodeView, Operator, OutputRange, TimeBehaviour, Work
from toolkit.ops.parts.constraints import batch_one, rank_four, same_quantization, unary_types_int8

#: Fractional bits of a place between two values.
_BITS = 10


@dataclass(frozen=True)
class ResizeBilinearAttrs:
    """Height and width made, None where it stays; how places are counted (TFLite's options)."""

    height: int | None
    width: int | None
    align_corners: bool = False
    half_pixel_centers: bool = False

    def made(self, shape: Shape) -> tuple[int, int]:
        """Height and width of the output for an input of ``shape``."""
        return self.height or shape[1], self.width or shape[2]


View = NodeView[ResizeBilinearAttrs]


def _steps(attrs: ResizeBilinearAttrs, size: int, made: int) -> tuple[int, int]:
    """Of what the place of a value grows from one to the next, as a quotient."""
    return (size - 1, made - 1) if attrs.align_corners and made > 1 else (size, made)


def _places(attrs: ResizeBilinearAttrs, size: int, made: int) -> tuple[Array, Array, Array]:
    """Of each value made along an axis: the two that it lies between, and where, in 1024ths."""
    whole, parts = _steps(attrs, size, made)
    step = ((whole << _BITS) + parts // 2) // parts
    places = np.arange(made, dtype=np.int64) * step
    if attrs.half_pixel_centers:
        places = places + step // 2 - (1 << (_BITS - 1))
    low = np.maximum(np.trunc(places / (1 << _BITS)).astype(np.int64), 0)
    above = (places + (1 << _BITS) - 1) / (1 << _BITS)
    high = np.minimum(np.trunc(above).astype(np.int64), size - 1)
    return low, high, places - (low << _BITS)


def places_inside(view: View) -> str | None:
    """every place must lie inside the input. Resize by less: rounding leaves it"""
    x, attrs = view.input(0), view.attrs
    for size, made in zip(x.shape[1:3], attrs.made(x.shape), strict=True):
        if _places(attrs, size, made)[0].max() >= size:
            return f"{size} to {made}"
    return None


class ResizeBilinear(Operator[ResizeBilinearAttrs]):
    """Every value between its four neighbours."""

    name = "resize_bilinear"
    tflite_name = "RESIZE_BILINEAR"
    tflite_options = "ResizeBilinearOptions"
    output_range = OutputRange.SAME_AS_INPUT
    opaque_reason = "it interpolates between frames"
    constraints = (unary_types_int8, rank_four, batch_one, same_quantization, places_inside)

    def read_options(
        self, options: Any, inputs: Sequence[Tensor | None], output: Tensor
    ) -> ResizeBilinearAttrs:
        x, size = inputs[0], inputs[1]
        assert x is not None and size is not None
        height, width = (int(v) for v in size.values.reshape(-1))
        if min(height, width) < 1 or (options.alignCorners and options.halfPixelCenters):
            raise ValueError(f"size {height}x{width}, or both of its options")
        return ResizeBilinearAttrs(
            None if height == x.shape[1] else height,
            None if width == x.shape[2] else width,
            bool(options.alignCorners),
            bool(options.halfPixelCenters),
        )

    def write_options(self, view: View, options: Any) -> Any:
        options.alignCorners = view.attrs.align_corners
        options.halfPixelCenters = view.attrs.half_pixel_centers
        return options

    def tflite_constants(self, view: View) -> tuple[Array, ...]:
        return (np.array(view.attrs.made(view.input(0).shape), np.int32),)

    def tflite_version(self, view: View) -> int:
        return 3 if view.attrs.half_pixel_centers else 2

    def infer_shape(self, view: View) -> Shape:
        shape = view.input(0).shape
        return (shape[0], *view.attrs.made(shape), shape[3])

    def run_float(self, view: View, inputs: Sequence[Array]) -> Array:
        x, attrs = inputs[0].astype(np.float32), view.attrs
        for axis, made in ((1, attrs.made(x.shape)[0]), (2, attrs.made(x.shape)[1])):
            size = x.shape[axis]
            whole, parts = _steps(attrs, size, made)
            half = np.float32(0.5 if attrs.half_pixel_centers else 0)
            places = (np.arange(made, dtype=np.float32) + half) * np.float32(whole / parts) - half
            low = np.maximum(np.floor(places), 0).astype(np.int64)
            high = np.minimum(np.ceil(places), size - 1).astype(np.int64)
            share = (places - low).reshape((-1, *([1] * (3 - axis))))
            x = x.take(low, axis) * (1 - share) + x.take(high, axis) * share
        return np.asarray(x, np.float32)

    def run_int(self, view: View, inputs: Sequence[Array]) -> Array:
        x, attrs = inputs[0].astype(np.int64), view.attrs
        for axis, made in ((1, attrs.made(x.shape)[0]), (2, attrs.made(x.shape)[1])):
            low, high, part = _places(attrs, x.shape[axis], made)
            part = part.reshape((-1, *([1] * (3 - axis))))
            x = x.take(low, axis) * ((1 << _BITS) - part) + x.take(high, axis) * part
        half = 1 << (2 * _BITS - 1)
        rounded = np.where(x > 0, (x + half) >> (2 * _BITS), -((half - x) >> (2 * _BITS)))
        return np.asarray(rounded, np.int8)

    def work(self, view: View) -> Work:
        return Work(elementwise=4 * view.output.elements)

    def time_behaviour(self, view: View, time_axis: int) -> TimeBehaviour:
        stays = time_axis == 1 and view.attrs.height is None
        return TimeBehaviour.ROW_LOCAL if stays else TimeBehaviour.OPAQUE

    def kernel_call(self, view: View) -> KernelCall:
        x, out, attrs = view.input(0), view.output, view.attrs
        made = attrs.made(x.shape)
        params: dict[str, Any] = {
            "in_width": x.shape[2],
            "out_height": made[0],
            "out_width": made[1],
            "channels": x.shape[3],
        }
        for name, size, count in (("y", x.shape[1], made[0]), ("x", x.shape[2], made[1])):
            for what, values in zip(
                ("low", "high", "part"), _places(attrs, size, count), strict=True
            ):
                params[f"{name}_{what}"] = values.astype(np.int32)
        return KernelCall(
            kernel="tk_resize_bilinear_s8",
            params=params,
            inputs=(x.name,),
            outputs=(out.name,),
        )
