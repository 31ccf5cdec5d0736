"""Regular part of a tensor (STRIDED_SLICE), int8 and int16, up to 4 dimensions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from toolkit.errors import UnsupportedError
from toolkit.ir import DType, Shape, Tensor
from toolkit.ir.tensor import Array
from toolkit.ops.numerics.int16 import same_types
from toolkit.ops.parts.base import KernelCall, NodeView, Operator, OutputRange, TimeBehaviour, Work
from toolkit.ops.parts.constraints import same_quantization
from toolkit.ops.parts.strided_copy import element_strides, line_work, strided_copy_call

#: Dimensions that STRIDED_SLICE may have.
MAX_RANK = 4
MAX_INDEX = (1 << 31) - 1


@dataclass(frozen=True)
class StridedSliceAttrs:
    """For each axis the first index, the one after the last (None: to the end) and the step, all
    counted from the front and at least 1 apart."""

    ranges: tuple[tuple[int, int | None, int], ...]

    def __post_init__(self) -> None:
        for begin, end, step in self.ranges:
            if not (0 <= begin <= MAX_INDEX and 1 <= step <= MAX_INDEX and (end or 0) <= MAX_INDEX):
                raise ValueError(f"a slice must stay in 31 bits; got {begin}:{end}:{step}")


View = NodeView[StridedSliceAttrs]


def rank_bounded(view: View) -> str | None:
    """at most 4 dimensions"""
    rank = len(view.input(0).shape)
    return None if rank <= MAX_RANK else str(rank)


class StridedSlice(Operator[StridedSliceAttrs]):
    """Copies every element between begin and end, in steps; steps are positive."""

    name = "strided_slice"
    tflite_name = "STRIDED_SLICE"
    tflite_options = "StridedSliceOptions"
    onnx_names = ("Slice", "Split", "Gather")
    opaque_reason = "it takes a part of time"
    constraints = (same_types, same_quantization, rank_bounded)
    output_range = OutputRange.SAME_AS_INPUT

    def read_options(
        self, options: Any, inputs: Sequence[Tensor | None], output: Tensor
    ) -> StridedSliceAttrs:
        x, begin, end, steps = inputs
        assert x is not None and begin is not None and end is not None and steps is not None
        if options.ellipsisMask or options.newAxisMask or options.shrinkAxisMask or options.offset:
            raise UnsupportedError(
                f"node {output.name!r} (STRIDED_SLICE): must keep the number of dimensions.",
                hint="Slice without dropping the axis, then reshape.",
            )
        bounds = (t.values.reshape(-1).tolist() for t in (begin, end, steps))
        ranges = []
        for axis, (first, last, step) in enumerate(zip(*bounds, strict=True)):
            size = x.shape[axis]
            if step < 1:
                raise UnsupportedError(
                    f"node {output.name!r} (STRIDED_SLICE): steps must be positive; got {step}."
                )
            start = 0 if options.beginMask >> axis & 1 else _from_front(first, size)
            stop = size if options.endMask >> axis & 1 else _from_front(last, size)
            ranges.append((start, None if stop == size else stop, int(step)))
        if len(ranges) != len(x.shape):
            raise ValueError(f"{len(ranges)} ranges for {len(x.shape)} dimensions")
        return StridedSliceAttrs(tuple(ranges))

    def write_options(self, view: View, options: Any) -> Any:
        options.endMask = sum(
            1 << axis for axis, (_, stop, _) in enumerate(view.attrs.ranges) if stop is None
        )
        return options

    def tflite_constants(self, view: View) -> tuple[Array, ...]:
        stops = [
            size if stop is None else stop
            for size, (_, stop, _) in zip(view.input(0).shape, view.attrs.ranges, strict=True)
        ]
        begins, steps = ([r[part] for r in view.attrs.ranges] for part in (0, 2))
        return tuple(np.array(values, np.int32) for values in (begins, stops, steps))

    def tflite_version(self, view: View) -> int:
        return 4 if view.output.dtype is DType.INT16 else 2

    def infer_shape(self, view: View) -> Shape:
        shape = view.input(0).shape
        kept = [range(*part.indices(size)) for part, size in zip(_slices(view), shape, strict=True)]
        if not all(kept):
            raise ValueError(f"nothing of {list(shape)} is left")
        return tuple(len(indices) for indices in kept)

    def run_float(self, view: View, inputs: Sequence[Array]) -> Array:
        return np.ascontiguousarray(inputs[0][_slices(view)])

    def run_int(self, view: View, inputs: Sequence[Array]) -> Array:
        return self.run_float(view, inputs)

    def work(self, view: View) -> Work:
        return line_work(view)

    def time_behaviour(self, view: View, time_axis: int) -> TimeBehaviour:
        whole = view.attrs.ranges[time_axis] == (0, None, 1)
        return TimeBehaviour.ROW_LOCAL if whole else TimeBehaviour.OPAQUE

    def kernel_call(self, view: View) -> KernelCall:
        strides = element_strides(view.input(0).shape)
        parts = list(zip(view.attrs.ranges, strides, strict=True))
        first = sum(start * stride for (start, _, _), stride in parts)
        return strided_copy_call(view, first, [step * stride for (_, _, step), stride in parts])


def _from_front(index: int, size: int) -> int:
    """A bound as TFLite reads it: negative ones count from the end, all are clamped."""
    return min(max(index + size if index < 0 else index, 0), size)


def _slices(view: View) -> tuple[slice, ...]:
    return tuple(slice(*part) for part in view.attrs.ranges)
