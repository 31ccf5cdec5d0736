"""What recurrent layers share: a loop over one axis, a state beside it, matrices times a vector.

The activation is ``[..., steps, ..., values]``: every index of the axes in front of ``axis`` begins
anew, and every index of those between it and the last has a state of its own.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, ClassVar, Generic, Literal, TypeVar

import numpy as np

from toolkit.ir import DType, Shape, Tensor
from toolkit.ir.tensor import Array
from toolkit.ops.numerics.fixed_point import quantize_multipliers
from toolkit.ops.numerics.int16 import BIAS_TYPES
from toolkit.ops.parts.base import NodeView, Operator, TimeBehaviour, Work

#: Vectors are filled up to so many values, which the kernels take at a time.
VECTOR_VALUES = 4

#: Fractional bits of what goes into a sigmoid or tanh.
GATE_BITS = 12


@dataclass(frozen=True)
class RecurrentAttrs:
    """The axis that is run along, and whether from its end."""

    axis: int = 1
    reverse: bool = False


AttrsT = TypeVar("AttrsT", bound=RecurrentAttrs)


@dataclass(frozen=True)
class Bias:
    """A bias that is added to what the matrix of input ``matrix`` makes of a vector."""

    matrix: int
    of: Literal["input", "state"]


@dataclass(frozen=True)
class Extent:
    """How a layer runs: ``outer`` times anew over ``steps``, each of ``inner`` sequences side by
    side of ``values`` in and ``units`` out."""

    outer: int
    steps: int
    inner: int
    values: int
    units: int

    @property
    def vectors(self) -> int:
        return self.outer * self.steps * self.inner


class Recurrent(Operator[AttrsT], Generic[AttrsT]):
    """Base of recurrent layers.

    Inputs behind the first are constants: ``matrices`` (input index to the axis of their scales,
    None: one scale), ``biases``, and initial states (``initial``), a vector of the units of every
    sequence, or a computed tensor of more than two dimensions.  ``inner`` names values inside that
    have a range of their own, under ``<output>/<name>``.
    """

    matrices: ClassVar[Mapping[int, int | None]]
    biases: ClassVar[Mapping[int, Bias]]
    initial: ClassVar[tuple[int, ...]] = ()
    inner: ClassVar[tuple[str, ...]] = ()
    #: Whether its output is int16, of a scale that is a power of two, whatever is asked for.
    binary16: ClassVar[bool] = False
    opaque_reason = "it runs backwards along time, or along another axis than its frames are in"

    def units(self, view: NodeView[AttrsT]) -> int:
        """Values of the state, and of the output."""
        raise NotImplementedError

    def state_scale(self, attrs: AttrsT, output: Tensor) -> float:
        """The scale of the state that the matrices of ``Bias.of == "state"`` read."""
        raise NotImplementedError

    def initial_quant(self, attrs: AttrsT, index: int, output: Tensor) -> tuple[float, int, DType]:
        """Scale, zero point and type of an initial state."""
        raise NotImplementedError

    def inner_values(self, view: NodeView[AttrsT], inputs: Sequence[Array]) -> dict[str, Array]:
        """The values that ``inner`` names, of a float run."""
        return {}

    def calibrated(
        self, attrs: AttrsT, limits: Mapping[str, tuple[float, float]], output: Tensor
    ) -> AttrsT:
        """Attributes that suit the ranges of ``inner`` and the integer ``output``."""
        return attrs

    def computed_states(self, view: NodeView[AttrsT]) -> tuple[int, ...]:
        """The initial states that are not constants."""
        found = ((index, view.optional(index)) for index in self.initial)
        return tuple(i for i, state in found if state is not None and not state.is_constant)

    def extent(self, view: NodeView[AttrsT]) -> Extent:
        shape, axis = view.input(0).shape, view.attrs.axis
        outer, inner = math.prod(shape[:axis]), math.prod(shape[axis + 1 : -1])
        return Extent(outer, shape[axis], inner, shape[-1], self.units(view))

    def infer_shape(self, view: NodeView[AttrsT]) -> Shape:
        shape, axis = view.input(0).shape, view.attrs.axis
        if not 0 <= axis < len(shape) - 1:
            raise ValueError(f"axis {axis} of {list(shape)}")
        return (*shape[:-1], self.units(view))

    def time_behaviour(self, view: NodeView[AttrsT], time_axis: int) -> TimeBehaviour:
        axis = view.attrs.axis
        if axis == time_axis and not view.attrs.reverse:
            return TimeBehaviour.RECURRENT
        return TimeBehaviour.ROW_LOCAL if axis > time_axis else TimeBehaviour.OPAQUE

    def work(self, view: NodeView[AttrsT]) -> Work:
        extent = self.extent(view)
        weights = sum(view.input(index).elements for index in self.matrices)
        rows = weights // (extent.values + extent.units)
        # Each row has a sum of the input's and one of the state's products.
        return Work(
            macs=extent.vectors * weights,
            accumulators=2 * extent.vectors * rows,
            elementwise=extent.vectors * (rows + extent.units),
        )

    def filled_work(self, view: NodeView[AttrsT]) -> Work:
        """The same with vectors filled up, as kernels for the DSP extension multiply them."""
        extent, work = self.extent(view), self.work(view)
        columns = filled(extent.values) + filled(extent.units)
        return replace(work, macs=work.macs // (extent.values + extent.units) * columns)

    def sequences(self, view: NodeView[AttrsT], x: Array) -> Array:
        """``x`` as ``[steps, sequences, values]`` in the order in which the loop runs."""
        e = self.extent(view)
        steps = x.reshape(e.outer, e.steps, e.inner, e.values).swapaxes(0, 1)
        rows: Array = steps.reshape(e.steps, e.outer * e.inner, e.values)
        return rows[::-1] if view.attrs.reverse else rows

    def joined(self, view: NodeView[AttrsT], steps: Sequence[Array]) -> Array:
        """What each step left, ``[sequences, units]``, as the output has it."""
        e = self.extent(view)
        ordered: Array = np.stack(steps[::-1] if view.attrs.reverse else steps)
        ordered = ordered.reshape(e.steps, e.outer, e.inner, e.units).swapaxes(0, 1)
        return np.ascontiguousarray(ordered).reshape(self.infer_shape(view))


def recurrent_types(view: NodeView[Any]) -> str | None:
    """activations must be int8, or int16 with zero point 0, in and out alike; matrices int8"""
    x, out = view.input(0), view.output
    good = x.dtype is out.dtype and x.dtype in BIAS_TYPES
    if not good:
        return f"{x.dtype.value}/{out.dtype.value}"
    wide = [t for t in (x, out) if t.dtype is DType.INT16 and t.zero_point]
    return f"zero point {wide[0].zero_point}" if wide else None


def weights_good(view: NodeView[Any]) -> str | None:
    """matrices and biases must be constants, and matrices symmetric int8"""
    for index, tensor in enumerate(view.inputs[1:], 1):
        if tensor is None or len(tensor.shape) > 2:
            continue
        if tensor.data is None or tensor.quant is None:
            return f"input {index} is computed"
        is_matrix = len(tensor.shape) == 2
        if is_matrix and (tensor.dtype is not DType.INT8 or any(tensor.quant.zero_point)):
            return f"input {index}: {tensor.dtype.value}, zero point {tensor.quant.zero_point[0]}"
    return None


def sum_bound(weights: Array, bias: Array | None, largest: int) -> int:
    """Largest magnitude of the sums of products with a vector of magnitudes up to ``largest``."""
    rows = np.abs(weights.astype(np.int64)).sum(axis=1) * largest
    return int((rows if bias is None else rows + np.abs(bias.astype(np.int64))).max())


def doubles(bound: int, scale: float, matrix: Tensor) -> bool:
    """Whether sums of magnitudes up to ``bound`` can be shifted to where the DSP extension's
    kernels rescale them, in 32 bits."""
    shifts = gate_multipliers(scale, matrix, 1)[1]
    return bound << 1 + max(0, int(shifts.max())) < 1 << 31


def gate_multipliers(scale: float, matrix: Tensor, rows: int) -> tuple[Array, Array]:
    """Requantisation of a matrix's sums, of a vector of ``scale``, to a gate's argument: one a
    row."""
    assert matrix.quant is not None
    scales = matrix.quant.scale
    scales = scales * rows if len(scales) == 1 else scales
    return quantize_multipliers([scale * s * 2.0**GATE_BITS for s in scales])


def rescaling_records(bias: Array, multipliers: Array, shifts: Array) -> Array:
    """int32[rows][4]: what ``tk_recurrent_rescale`` takes."""
    left, right = np.maximum(shifts, 0).astype(np.int64), np.maximum(-shifts, 0).astype(np.int64)
    rounding = np.where(right > 0, 1 << np.maximum(right - 1, 0), 0)
    columns = (bias, multipliers, rounding, (left + 1) | right << 8)
    return np.stack(columns, 1).astype(np.int32)


def filled(values: int) -> int:
    """Values of a vector as the kernels keep it."""
    return -(-values // VECTOR_VALUES) * VECTOR_VALUES


def by_unit(matrices: Sequence[Array]) -> Array:
    """Matrices of one shape, row by row: ``[units, matrices, values]``."""
    return np.ascontiguousarray(np.stack(matrices, axis=1))


def clip16(x: Array) -> Array:
    return np.clip(x, -32768, 32767)
