"""Variance or standard deviation over axes (custom operator ``tk.variance``), int8 in, int8 or
int16 out: the spread of statistics pooling.

From the exact sums of the values and of their squares, in integers, so that batch and streamed runs
give the same bits; what is added, the least variance and the root are part of it, in 16 fractional
bits of a step.  As builtin operators it subtracts a mean from the frames that it is of, which does
not stream, or two nearly equal squares, which does not survive int8.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from toolkit.ir import DType, Tensor
from toolkit.ir.tensor import Array
from toolkit.ops.numerics.fixed_point import quantize_multiplier, requantize
from toolkit.ops.parts.base import CodeFacts, KernelCall, NodeView, TimeBehaviour, Work
from toolkit.ops.parts.reduction import (
    Reduction,
    ReductionAttrs,
    axes_neighbouring,
    reduced,
    reduced_layout,
    resolved_axes,
)

FRACTION_BITS = 16
#: Fractional bits of a variance that is not rooted, which takes twice as many before the point.
VARIANCE_BITS = 12
#: Values whose sums of squares, shifted by the fraction, stay within 63 bits.
MAX_VALUES = 1 << 23
#: What may be added to a variance, in squares of a step.
MAX_ADDED = 1 << 14

#: Custom options: magic, version, keep_dims, root, correction, number of axes, added, least; then
#: the axes.  Little endian.
_OPTIONS = struct.Struct("<4sHBBBBxxdd")
_MAGIC, _VERSION = b"TKVA", 1


class Last(Protocol):
    """What is made of a variance: ``added`` is added, it is made at least ``least``, and its
    ``root`` taken."""

    @property
    def added(self) -> float: ...
    @property
    def least(self) -> float: ...
    @property
    def root(self) -> bool: ...


@dataclass(frozen=True)
class VarianceAttrs(ReductionAttrs):
    """The variance divides by the number of values less ``correction``; the rest as in `Last`."""

    correction: int = 0
    added: float = 0.0
    least: float = 0.0
    root: bool = False


View = NodeView[VarianceAttrs]


def types_int8(view: View) -> str | None:
    """the input must be int8, the output int8 or int16 with zero point 0"""
    x, out = view.input(0), view.output
    wide = out.dtype is DType.INT16 and out.zero_point == 0
    good = x.dtype is DType.INT8 and (out.dtype is DType.INT8 or wide)
    return None if good else f"{x.dtype.value} to {out.dtype.value}"


def values_bounded(view: View) -> str | None:
    """more values than the correction, and at most 2**23, may be reduced"""
    count = reduced(view)
    return None if view.attrs.correction < count <= MAX_VALUES else str(count)


def scale_bounded(view: View) -> str | None:
    """the output scale must be at least 2**-11 of the input's (or its square) and what is added at
    most 2**14 squares of it"""
    return spread_scale_problem(view, view.attrs)


class Variance(Reduction[VarianceAttrs]):
    """Mean square of what values differ from their mean over one or more axes, or its root."""

    name = "variance"
    tflite_name = "tk.variance"
    tflite_options = ""
    custom = True
    reads_int8 = True
    constraints = (types_int8, axes_neighbouring, values_bounded, scale_bounded)

    def read_options(
        self, options: Any, inputs: Sequence[Tensor | None], output: Tensor
    ) -> VarianceAttrs:
        data = b"" if options is None else bytes(options)
        if len(data) < _OPTIONS.size or len(data) != _OPTIONS.size + data[9]:
            raise ValueError(f"{len(data)} bytes of options")
        magic, version, keep, root, correction, _, added, least = _OPTIONS.unpack_from(data)
        if (magic, version) != (_MAGIC, _VERSION):
            raise ValueError(f"options of kind {magic!r} version {version}; {_MAGIC!r} 1 expected")
        if not (0 <= added < np.inf and 0 <= least < np.inf):
            raise ValueError(f"{added} added, {least} at least")
        axes = tuple(data[_OPTIONS.size :])
        return VarianceAttrs(axes, bool(keep), correction, added, least, bool(root))

    def write_options(self, view: View, options: Any) -> bytes:
        a, axes = view.attrs, sorted(resolved_axes(view))
        head = (_MAGIC, _VERSION, a.keep_dims, a.root, a.correction, len(axes), a.added, a.least)
        return _OPTIONS.pack(*head) + bytes(axes)

    def tflite_constants(self, view: View) -> tuple[Array, ...]:
        return ()

    def tflite_version(self, view: View) -> int:
        return 1

    def run_float(self, view: View, inputs: Sequence[Array]) -> Array:
        a = view.attrs
        values = inputs[0].astype(np.float64)
        axes = tuple(resolved_axes(view))
        return finished_float(a, values.var(axis=axes, ddof=a.correction, keepdims=a.keep_dims))

    def run_int(self, view: View, inputs: Sequence[Array]) -> Array:
        a, axes, n = view.attrs, tuple(resolved_axes(view)), reduced(view)
        centred = inputs[0].astype(np.int64) - view.input(0).zero_point
        total = centred.sum(axis=axes, keepdims=a.keep_dims)
        squares = (centred * centred).sum(axis=axes, keepdims=a.keep_dims)
        variance = variance_of(np.asarray(n), total, squares) * n // (n - a.correction)
        return finished(view, a, variance)

    def work(self, view: View) -> Work:
        return Work(
            macs=view.input(0).elements,
            accumulators=view.output.elements,
            elementwise=view.input(0).elements,
        )

    def least_rows(self, view: View, time_axis: int) -> int:
        values = reduced(view) // view.input(0).shape[time_axis]
        return view.attrs.correction // values + 1

    def max_rows(self, row: View) -> int:
        return MAX_VALUES // reduced(row)

    def kernel_call(self, view: View) -> KernelCall:
        x, out = view.input(0), view.output
        outer, count, inner = reduced_layout(view)
        return KernelCall(
            kernel="tk_variance",
            params={
                "element_bytes": out.dtype.size_bytes,
                "outer": outer,
                "count": count,
                "inner": inner,
                "correction": view.attrs.correction,
                "in_zero_point": x.zero_point,
                **finish_fields(view, view.attrs),
            },
            inputs=(x.name,),
            outputs=(out.name,),
            scratch_bytes=8 + 16 * inner,
            code=CodeFacts(divides=True),
        )

    def row_call(self, row: View, behaviour: TimeBehaviour) -> KernelCall:
        return self.kernel_call(row)


_DROPPED = FRACTION_BITS - VARIANCE_BITS


def variance_of(count: Array, total: Array, squares: Array) -> Array:
    """Variances of ``count`` values (or their weights) with these sums, with `FRACTION_BITS`."""
    # About the nearest whole number to the mean, so that nearly equal squares do not meet.
    middle = (2 * total + count) // (2 * count)
    squares = squares - 2 * middle * total + middle * middle * count
    mean = ((total - middle * count) << FRACTION_BITS) // count
    whole, rest = squares // count, squares % count
    mean_square = (whole << FRACTION_BITS) + (rest << FRACTION_BITS) // count
    variance: Array = np.maximum(mean_square - (mean * mean >> FRACTION_BITS), 0)
    return variance


def finished(view: NodeView[Any], last: Last, variance: Array) -> Array:
    """Outputs from variances with `FRACTION_BITS`."""
    added, least = _constants(view, last)
    variance = np.maximum(variance + added, least)
    result = _root(variance << FRACTION_BITS) if last.root else variance >> _DROPPED
    out = requantize(result, *_rescaling(view, last)) + view.output.zero_point
    clipped: Array = np.clip(out, *view.output.dtype.limits)
    return clipped.astype(view.output.dtype.numpy)


def finished_float(last: Last, variance: Array) -> Array:
    """The same of real variances."""
    bounded = np.maximum(variance + last.added, last.least)
    return np.asarray(np.sqrt(bounded) if last.root else bounded, np.float32)


def finish_fields(view: NodeView[Any], last: Last) -> dict[str, int]:
    """Fields of the kernels' parameters about what is made of a variance."""
    added, least = _constants(view, last)
    multiplier, shift = _rescaling(view, last)
    return {
        "added": added,
        "least": least,
        "root": int(last.root),
        "out_zero_point": view.output.zero_point,
        "multiplier": multiplier,
        "shift": shift,
    }


def spread_scale_problem(view: NodeView[Any], last: Last) -> str | None:
    """What is wrong with the output's scale, or with what is added, for the input's."""
    ratio = _unit(view, last) / view.output.scale
    added = max(last.added, last.least) / view.input(0).scale ** 2
    return (
        None if ratio <= 1 << 11 and added <= MAX_ADDED else f"{ratio:g} times, {added:g} squares"
    )


def _unit(view: NodeView[Any], last: Last) -> float:
    """What the integer result counts, before its fraction."""
    scale = view.input(0).scale
    return scale if last.root else scale * scale


def _rescaling(view: NodeView[Any], last: Last) -> tuple[int, int]:
    bits = FRACTION_BITS if last.root else VARIANCE_BITS
    return quantize_multiplier(_unit(view, last) / view.output.scale / (1 << bits))


def _constants(view: NodeView[Any], last: Last) -> tuple[int, int]:
    """What is added, and the least, in squares of a step with the fraction."""
    square = view.input(0).scale ** 2
    added, least = (
        round(value / square * (1 << FRACTION_BITS)) for value in (last.added, last.least)
    )
    return added, least


def _root(values: Array) -> Array:
    """Integer square roots, floored, of values below 2**52."""
    root: Array = np.floor(np.sqrt(values.astype(np.float64))).astype(np.int64)
    root = np.where(root * root > values, root - 1, root)
    return np.where((root + 1) * (root + 1) <= values, root + 1, root)
