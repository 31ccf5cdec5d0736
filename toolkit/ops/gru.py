"""GRU over a sequence (custom operator ``tk.gru``), int8 or int16, with an int16 state.

No builtin operator of TFLite does this.  The state has 15 fractional bits whatever the output's
scale, so that it does not drift; gates' arguments have 12 (`sigmoid_int16`), and each row of the
matrices its own scale.  Every product of two fractions is rounded to the nearest, ties up.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from toolkit.ir import DType, Tensor
from toolkit.ir.tensor import Array
from toolkit.ops.numerics.fixed_point import quantize_multiplier, requantize
from toolkit.ops.numerics.sigmoid_int16 import sigmoid16, sigmoid_table, tanh16
from toolkit.ops.parts.base import KernelCall, NodeView, TimeBehaviour
from toolkit.ops.parts.custom_options import unpacked
from toolkit.ops.parts.recurrent import (
    Bias,
    Recurrent,
    RecurrentAttrs,
    by_unit,
    clip16,
    doubles,
    filled,
    gate_multipliers,
    recurrent_types,
    rescaling_records,
    sum_bound,
    weights_good,
)
from toolkit.ops.variants.gru_begun_dsp import gru_begun_dsp_call
from toolkit.ops.variants.gru_dsp import gru_dsp_call

IN_WEIGHTS, STATE_WEIGHTS, IN_BIAS, STATE_BIAS, INITIAL = range(1, 6)
_STATE_SCALE = 2.0**-15
_NOTHING = np.zeros(1, np.int16)
#: What the state's part of the candidate is clipped to before it is multiplied by the reset gate.
_CANDIDATE_LIMIT = 65535

#: Custom options: magic, version, axis, reverse, reset after; little endian.
_OPTIONS = struct.Struct("<4sHHHH")
_MAGIC, _VERSION = b"TKGR", 1


@dataclass(frozen=True)
class GruAttrs(RecurrentAttrs):
    """``reset_after``: the reset gate works on what the matrix makes of the state, not on the
    state (ONNX's linear_before_reset)."""

    reset_after: bool = True


View = NodeView[GruAttrs]


def matrices_fit(view: View) -> str | None:
    """the matrices must be (3 * units, values) and (3 * units, units), with a scale for all or
    for each row, and both biases (3 * units)"""
    units, values = view.input(STATE_WEIGHTS).shape[-1], view.input(0).shape[-1]
    wanted = {
        IN_WEIGHTS: (3 * units, values),
        STATE_WEIGHTS: (3 * units, units),
        IN_BIAS: (3 * units,),
        STATE_BIAS: (3 * units,),
    }
    for index, shape in wanted.items():
        tensor = view.optional(index)
        if tensor is None or tensor.shape != shape or tensor.quant is None:
            return f"input {index} {None if tensor is None else list(tensor.shape)}"
        if tensor.quant.axis not in (None, 0):
            return f"input {index} with scales along axis {tensor.quant.axis}"
    return None


def sums(view: View) -> Iterator[tuple[int, int, float]]:
    """Of each matrix its input index, the largest sum of products with it and the bias, and the
    scale of the vector."""
    source = view.input(0)
    low, high = source.dtype.limits
    largest = max(source.zero_point - low, high - source.zero_point)
    for index, bias, scale, most in (
        (IN_WEIGHTS, IN_BIAS, source.scale, largest),
        (STATE_WEIGHTS, STATE_BIAS, _STATE_SCALE, 1 << 15),
    ):
        yield index, sum_bound(view.input(index).values, view.input(bias).values, most), scale


def sums_fit(view: View) -> str | None:
    """no sum of products and bias may leave 31 bits, before or after it is rescaled"""
    for index, bound, scale in sums(view):
        quant = view.input(index).quant
        assert quant is not None
        rescaled = bound * max(1.0, max(quant.scale) * scale * 2.0**12)
        if rescaled >= 1 << 31:
            return f"{rescaled:g} at input {index}"
    return None


def initial_fits(view: View) -> str | None:
    """an initial state must be int16 with scale 2**-15 and zero point 0, of the units of every
    sequence; a computed one must have at least 3 dimensions, and the loop none around it"""
    state, extent = view.optional(INITIAL), Gru().extent(view)
    if state is None:
        return None
    good = state.dtype is DType.INT16 and state.elements == extent.inner * extent.units
    if not good or (state.scale, state.zero_point) != (_STATE_SCALE, 0):
        return f"{state.dtype.value} {list(state.shape)}"
    alone = state.is_constant or (extent.outer == 1 and len(state.shape) > 2)
    return None if alone else f"{list(state.shape)} for {extent.outer} loops"


class Gru(Recurrent[GruAttrs]):
    """Gated recurrent unit: update, reset and candidate; both places of the reset gate, any axis,
    also backwards, from 0 or a state in [-1, 1], constant or computed."""

    name = "gru"
    tflite_name = "tk.gru"
    custom = True
    onnx_names = ("GRU",)
    matrices: ClassVar[Mapping[int, int | None]] = {IN_WEIGHTS: 0, STATE_WEIGHTS: 0}
    biases: ClassVar[Mapping[int, Bias]] = {
        IN_BIAS: Bias(IN_WEIGHTS, "input"),
        STATE_BIAS: Bias(STATE_WEIGHTS, "state"),
    }
    initial = (INITIAL,)
    channel_inputs = (IN_WEIGHTS, STATE_WEIGHTS, IN_BIAS, STATE_BIAS)
    constraints = (recurrent_types, weights_good, matrices_fit, sums_fit, initial_fits)

    def units(self, view: View) -> int:
        return view.input(STATE_WEIGHTS).shape[-1]

    def time_behaviour(self, view: View, time_axis: int) -> TimeBehaviour:
        state = view.optional(INITIAL)
        if state is not None and not state.is_constant and view.attrs.axis == time_axis:
            return TimeBehaviour.OPAQUE
        return super().time_behaviour(view, time_axis)

    def state_scale(self, attrs: GruAttrs, output: Tensor) -> float:
        return _STATE_SCALE

    def initial_quant(
        self, attrs: GruAttrs, index: int, output: Tensor
    ) -> tuple[float, int, DType]:
        return _STATE_SCALE, 0, DType.INT16

    # --- TFLite -------------------------------------------------------------------------------
    def read_options(
        self, options: Any, inputs: Sequence[Tensor | None], output: Tensor
    ) -> GruAttrs:
        magic, version, axis, reverse, after = unpacked(options, _OPTIONS)
        if (magic, version) != (_MAGIC, _VERSION) or len(inputs) not in (5, 6):
            raise ValueError(f"options of kind {magic!r} version {version}, {len(inputs)} inputs")
        if any(tensor is None for tensor in inputs):
            raise ValueError("an input is absent")
        return GruAttrs(axis, bool(reverse), bool(after))

    def write_options(self, view: View, options: Any) -> bytes:
        attrs = view.attrs
        return _OPTIONS.pack(_MAGIC, _VERSION, attrs.axis, attrs.reverse, attrs.reset_after)

    # --- meaning ------------------------------------------------------------------------------
    def run_float(self, view: View, inputs: Sequence[Array]) -> Array:
        x, weights, recurrent, bias, state_bias = inputs[:5]
        given = self.sequences(view, x) @ weights.T + bias
        hidden, units = self._begin(view, inputs[5:]), self.units(view)
        outputs = []
        for step in given:
            made = hidden @ recurrent.T + state_bias
            with np.errstate(over="ignore"):  # far below 0 a gate is 0
                gates = 1 / (1 + np.exp(-(step + made)[:, : 2 * units]))
            z, r = gates[:, :units], gates[:, units:]
            if view.attrs.reset_after:
                candidate = r * made[:, 2 * units :]
            else:
                candidate = (r * hidden) @ recurrent[2 * units :].T + state_bias[2 * units :]
            hidden = (1 - z) * np.tanh(step[:, 2 * units :] + candidate) + z * hidden
            hidden = hidden.astype(np.float32)
            outputs.append(hidden)
        return self.joined(view, outputs)

    def _begin(self, view: View, initial: Sequence[Array]) -> Array:
        """The state, ``[sequences, units]``, as the first step finds it."""
        extent = self.extent(view)
        shape = (extent.outer * extent.inner, extent.units)
        if not initial:
            return np.zeros(shape)
        return np.tile(initial[0].reshape(-1), extent.outer).reshape(shape)

    def run_int(self, view: View, inputs: Sequence[Array]) -> Array:
        source, out, units = view.input(0), view.output, self.units(view)
        centred = self.sequences(view, inputs[0]).astype(np.int64) - source.zero_point
        given = _sums(view, centred, IN_WEIGHTS, source.scale)
        hidden = self._begin(view, inputs[5:]).astype(np.int64)
        outputs = []
        for step in given:
            made = _sums(view, hidden, STATE_WEIGHTS, _STATE_SCALE)
            gates = sigmoid16(clip16(clip16(step) + clip16(made))[:, : 2 * units])
            z, r = gates[:, :units], gates[:, units:]
            if view.attrs.reset_after:
                limit = _CANDIDATE_LIMIT
                candidate = _rounded(r * np.clip(made[:, 2 * units :], -limit, limit))
            else:
                reset = _rounded(r * hidden)
                candidate = clip16(_sums(view, reset, STATE_WEIGHTS, _STATE_SCALE)[:, 2 * units :])
            fresh = tanh16(clip16(clip16(step[:, 2 * units :]) + candidate))
            hidden = _rounded(z * hidden + ((1 << 15) - z) * fresh)
            made = requantize(hidden, *_output_scale(out)) + out.zero_point
            outputs.append(np.clip(made, *out.dtype.limits).astype(out.dtype.numpy))
        return self.joined(view, outputs)

    # --- device -------------------------------------------------------------------------------
    def kernel_call(self, view: View) -> KernelCall:
        extent, x, out = self.extent(view), view.input(0), view.output
        multiplier, shift = _output_scale(out)
        initial = view.optional(INITIAL)
        in_scales = gate_multipliers(x.scale, view.input(IN_WEIGHTS), 3 * extent.units)
        state_scales = gate_multipliers(_STATE_SCALE, view.input(STATE_WEIGHTS), 3 * extent.units)
        begun = initial is not None and not initial.is_constant
        return KernelCall(
            kernel="tk_gru_begun" if begun else "tk_gru",
            params={
                "element_bytes": out.dtype.size_bytes,
                "outer": extent.outer,
                "steps": extent.steps,
                "inner": extent.inner,
                "inputs": extent.values,
                "units": extent.units,
                "reverse": int(view.attrs.reverse),
                "reset_after": int(view.attrs.reset_after),
                "in_zero_point": x.zero_point,
                "out_zero_point": out.zero_point,
                "out_multiplier": multiplier,
                "out_shift": shift,
                "in_rescale": _records(view.input(IN_BIAS).values, *in_scales),
                "state_rescale": _records(view.input(STATE_BIAS).values, *state_scales),
                "in_weights": _units_first(view.input(IN_WEIGHTS).values),
                "state_weights": _units_first(view.input(STATE_WEIGHTS).values),
                "given": int(initial is not None and not begun),
                "initial": _NOTHING if initial is None or begun else initial.values,
                "sigmoid": sigmoid_table(),
            },
            inputs=(x.name, initial.name) if initial is not None and begun else (x.name,),
            outputs=(out.name,),
            extra_kernels=("tk_gru",) if begun else (),
            scratch_bytes=2 * (filled(extent.values) + (2 + extent.inner) * filled(extent.units)),
        )

    def dsp_calls(self, view: View) -> tuple[KernelCall, ...]:
        fits = all(doubles(bound, scale, view.input(i)) for i, bound, scale in sums(view))
        call = self.kernel_call(view)
        fast = gru_dsp_call if call.kernel == "tk_gru" else gru_begun_dsp_call
        return (fast(call, self.filled_work(view)),) if fits else ()


def _sums(view: View, vector: Array, matrix: int, scale: float) -> Array:
    """A matrix times vectors and the bias, with 12 fractional bits; exact in float64 before it is
    rescaled."""
    weights, bias = view.input(matrix), view.input(matrix + 2)
    acc = (vector.astype(np.float64) @ weights.values.T.astype(np.float64)).astype(np.int64)
    return requantize(acc + bias.values, *gate_multipliers(scale, weights, len(weights.values)))


def _rounded(product: Array) -> Array:
    """A product of a number with 15 fractional bits, without them."""
    return (product + (1 << 14)) >> 15


def _output_scale(out: Tensor) -> tuple[int, int]:
    return quantize_multiplier(_STATE_SCALE / out.scale)


def _records(bias: Array, multipliers: Array, shifts: Array) -> Array:
    """int32[units][3 gates][4]."""
    rows = rescaling_records(bias, multipliers, shifts)
    return np.ascontiguousarray(rows.reshape(3, -1, 4).swapaxes(0, 1))


def _units_first(weights: Array) -> Array:
    """Rows of the three gates, unit by unit: ``[units, 3, values]``."""
    return by_unit(np.split(weights, 3))
