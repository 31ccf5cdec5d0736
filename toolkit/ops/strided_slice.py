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
from toolkit.ops.parts.base import (
    TIME_AXIS,
    KernelCall,
    Layout,
    NodeView,
    Operator,
    OutputRange,
    TimeBehaviour,
    Work,
)
from toolkit.ops.parts.channels import Bounds, Ties, any_value, same_channels
from toolkit.ops.parts.constraints import same_quantization
from toolkit.ops.parts.strided_copy import element_strides, line_work, strided_copy_call

#: Dimensions that STRIDED_SLICE may have.
MAX_RANK = 4
MAX_INDEX = (1 << 31) - 1


#: First index, the one after the last (None: to the end), step (at least 1).
Range = tuple[int, int | None, int]

WHOLE: Range = (0, None, 1)


@dataclass(frozen=True)
class StridedSliceAttrs:
    """The range of each axis.  A negative bound counts from the end, whatever the extent:
    ``x[:-2]`` is all but the last two of a clip of any length, ``x[:38]`` are its first 38."""

    ranges: tuple[Range, ...]

    def __post_init__(self) -> None:
        for begin, end, step in self.ranges:
            ends = (begin, 0 if end is None else end)
            if max(map(abs, ends)) > MAX_INDEX or not 1 <= step <= MAX_INDEX:
                raise ValueError(f"a slice must stay in 31 bits; got {begin}:{end}:{step}")


View = NodeView[StridedSliceAttrs]


def bounded(first: int, last: int | None, step: int, size: int) -> Range:
    """A range of an axis of ``size`` in the form that `StridedSliceAttrs` has it: bounds beyond the
    ends are those."""
    start, stop, _ = slice(first, last, step).indices(size)
    begin = start - size if -size < first < 0 else start
    if stop == size:
        return begin, None, step
    return begin, stop - size if last is not None and last < 0 else stop, step


def kept_rows(part: Range) -> int | None:
    """How many rows of time a range keeps where that does not depend on how many there are."""
    start, stop, step = part
    if start < 0 and (stop is None or stop < 0):
        return -(-((stop or 0) - start) // step)
    return -(-(stop - start) // step) if stop is not None and 0 <= start < stop else None


def rank_bounded(view: View) -> str | None:
    """at most 4 dimensions"""
    rank = len(view.input(0).shape)
    return None if rank <= MAX_RANK else str(rank)


def neighbouring(indices: Sequence[int]) -> list[tuple[int, int]]:
    """Indices as slices of neighbouring ones, in order: the first, and the one behind the last."""
    runs: list[tuple[int, int]] = []
    for index in indices:
        if runs and runs[-1][1] == index:
            runs[-1] = (runs[-1][0], index + 1)
        else:
            runs.append((index, index + 1))
    return runs


class StridedSlice(Operator[StridedSliceAttrs]):
    """Copies every element between begin and end, in steps; steps are positive.  Of time, streamed:
    all but some frames at its ends, every nth, or a few of the first or the last."""

    name = "strided_slice"
    tflite_name = "STRIDED_SLICE"
    tflite_options = "StridedSliceOptions"
    onnx_names = ("Slice", "Split", "Gather")
    opaque_reason = "it takes a part of time that depends on the clip's length"
    merges = False
    layout = Layout.PER_AXIS
    moves = True
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
            if step < 1:
                raise UnsupportedError(
                    f"node {output.name!r} (STRIDED_SLICE): steps must be positive; got {step}."
                )
            start = 0 if options.beginMask >> axis & 1 else first
            stop = None if options.endMask >> axis & 1 else last
            ranges.append(bounded(start, stop, step, x.shape[axis]))
        if len(ranges) != len(x.shape):
            raise ValueError(f"{len(ranges)} ranges for {len(x.shape)} dimensions")
        return StridedSliceAttrs(tuple(ranges))

    def reordered(self, attrs: StridedSliceAttrs, order: Sequence[int | None]) -> StridedSliceAttrs:
        return StridedSliceAttrs(
            tuple(WHOLE if axis is None else attrs.ranges[axis] for axis in order)
        )

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
        kept = tuple(len(indices) for indices in _indices(view))
        if not all(kept):
            raise ValueError(f"nothing of {list(shape)} is left")
        return kept

    def run_float(self, view: View, inputs: Sequence[Array]) -> Array:
        return np.ascontiguousarray(inputs[0][_slices(view)])

    def run_int(self, view: View, inputs: Sequence[Array]) -> Array:
        return self.run_float(view, inputs)

    def channel_bounds(self, view: View, inputs: Sequence[Bounds]) -> Bounds:
        whole = view.attrs.ranges[-1] == WHOLE
        return inputs[0] if whole else any_value(view.output)

    def channel_ties(self, view: View) -> Ties | None:
        whole = view.attrs.ranges[-1] == WHOLE
        return same_channels(view.inputs, view.output) if whole else None

    def work(self, view: View) -> Work:
        return line_work(view)

    def time_behaviour(self, view: View, time_axis: int) -> TimeBehaviour:
        """Windowed where frames are left out at the ends or in steps; reducing where a fixed number
        of them is kept, the first or the last."""
        ranges = view.attrs.ranges
        start, stop, _ = part = ranges[time_axis]
        if part == WHOLE:
            return TimeBehaviour.ROW_LOCAL
        if start >= 0 and (stop is None or stop < 0):
            return TimeBehaviour.WINDOWED
        others = (*ranges[:time_axis], *ranges[time_axis + 1 :])
        if kept_rows(part) is None or any(other != WHOLE for other in others):
            return TimeBehaviour.OPAQUE
        return TimeBehaviour.REDUCING

    def least_rows(self, view: View, time_axis: int) -> int:
        start, stop, _ = view.attrs.ranges[time_axis]
        return -start if start < 0 else stop or 1

    def kernel_call(self, view: View) -> KernelCall:
        shape = view.input(0).shape
        strides = element_strides(shape)
        parts = list(zip(_indices(view), strides, strict=True))
        first = sum(indices.start * stride for indices, stride in parts)
        return strided_copy_call(view, first, [indices.step * stride for indices, stride in parts])

    def row_call(self, row: View, behaviour: TimeBehaviour) -> KernelCall:
        if behaviour is not TimeBehaviour.REDUCING:
            return self.kernel_call(row)
        x, out, (start, stop, step) = row.input(0), row.output, row.attrs.ranges[TIME_AXIS]
        # Of the last rows, as many as there are to the end; of the first, those up to the stop.
        rows = -start if start < 0 else (stop or 0) - start
        return KernelCall(
            kernel="tk_keep_rows",
            params={
                "element_bytes": x.dtype.size_bytes,
                "row_elements": x.elements,
                "skipped": -1 if start < 0 else start,
                "rows": rows,
                "kept": out.shape[TIME_AXIS],
                "step": step,
            },
            inputs=(x.name,),
            outputs=(out.name,),
            scratch_bytes=8 + rows * x.size_bytes,
        )


def _slices(view: View) -> tuple[slice, ...]:
    return tuple(slice(*part) for part in view.attrs.ranges)


def _indices(view: View) -> list[range]:
    """The indices that are kept of each axis."""
    shape = view.input(0).shape
    return [range(*part.indices(size)) for part, size in zip(_slices(view), shape, strict=True)]
