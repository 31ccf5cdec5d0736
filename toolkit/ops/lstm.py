"""LSTM over a sequence (UNIDIRECTIONAL_SEQUENCE_LSTM), int8 or int16 with an int16 cell; it begins
with a state of 0.

TFLM keeps the state from one run to the next; here each run of a network is a clip and begins
anew, as after a reset of TFLM's interpreter.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any, ClassVar

import numpy as np

from toolkit.ir import DType, QuantParams, Tensor
from toolkit.ir.tensor import Array
from toolkit.ops.numerics.sigmoid_int16 import sigmoid_table, tanh_scale
from toolkit.ops.parts.base import Constraint, KernelCall, NodeView
from toolkit.ops.parts.lstm_cell import (
    BIASES,
    INPUT_WEIGHTS,
    STATE_WEIGHTS,
    LstmAttrs,
    cell_scales,
    gate,
    gate_scales,
    hidden_scale,
    operands,
    quantised_clip,
    step,
)
from toolkit.ops.parts.recurrent import (
    Bias,
    Recurrent,
    by_unit,
    clip16,
    doubles,
    filled,
    recurrent_types,
    sum_bound,
    weights_good,
)
from toolkit.ops.variants.lstm_dsp import lstm_dsp_call

#: TFLite's inputs in all, and those that it takes for peepholes (absent).
_TFLITE_INPUTS, _PEEPHOLES = 24, range(9, 12)
_CELL_GATE = 2
#: Fractional bits that a cell may have.
CELL_BITS = range(8, 16)
#: A cell's range is this many times what calibration has seen.
_CELL_HEADROOM = 2.0
_TANH = 4  # in TFLite's ActivationFunctionType


View = NodeView[LstmAttrs]


def plain_sequence(view: View) -> str | None:
    """the input must be (batch, steps, values), run forwards along the steps"""
    attrs, rank = view.attrs, len(view.input(0).shape)
    if rank == 3 and attrs.axis == 1 and not attrs.reverse:
        return None
    return f"rank {rank}, axis {attrs.axis}{', reversed' if attrs.reverse else ''}"


def matrices_fit(view: View) -> str | None:
    """every gate must have matrices (units, values) and (units, units), one scale each, and a
    bias"""
    values, units = view.input(0).shape[-1], view.input(STATE_WEIGHTS[0]).shape[0]
    for index in (*INPUT_WEIGHTS, *STATE_WEIGHTS):
        tensor = view.input(index)
        want = (units, values if index in INPUT_WEIGHTS else units)
        if tensor.shape != want or tensor.quant is None or tensor.quant.axis is not None:
            return f"input {index} {list(tensor.shape)}"
    wrong = [i for i in BIASES if view.input(i).shape != (units,)]
    return f"input {wrong[0]} {list(view.input(wrong[0]).shape)}" if wrong else None


def sums(view: View) -> Iterator[tuple[int, int, float]]:
    """Of each matrix its input index, the largest sum of products with it and the bias, and the
    scale of the vector."""
    for of, tensor in ((INPUT_WEIGHTS, view.input(0)), (STATE_WEIGHTS, view.output)):
        low, high = tensor.dtype.limits
        largest = max(tensor.zero_point - low, high - tensor.zero_point)
        for index, bias in zip(of, BIASES, strict=True):
            added = view.input(bias).values if of is INPUT_WEIGHTS else None
            yield index, sum_bound(view.input(index).values, added, largest), tensor.scale


def sums_fit(view: View) -> str | None:
    """no sum of products and bias may leave 31 bits, before or after it is rescaled"""
    for index, bound, scale in sums(view):
        rescaled = bound * max(1.0, scale * view.input(index).scale * 2.0**12)
        if rescaled >= 1 << 31:
            return f"{rescaled:g} at input {index}"
    return None


def cell_bits_known(view: View) -> str | None:
    """the cell's scale must be a power of two, 2**-15 to 2**-8"""
    bits = view.attrs.cell_bits
    return None if bits in CELL_BITS else f"2**{-bits}"


class Lstm(Recurrent[LstmAttrs]):
    """Long short-term memory of four gates; sigmoid and tanh by interpolation in 16 bits."""

    name = "lstm"
    tflite_name = "UNIDIRECTIONAL_SEQUENCE_LSTM"
    tflite_options = "UnidirectionalSequenceLSTMOptions"
    onnx_names = ("LSTM",)
    matrices: ClassVar[Mapping[int, int | None]] = {
        **dict.fromkeys(INPUT_WEIGHTS),
        **dict.fromkeys(STATE_WEIGHTS),
    }
    biases: ClassVar[Mapping[int, Bias]] = {
        index: Bias(weights, "input") for index, weights in zip(BIASES, INPUT_WEIGHTS, strict=True)
    }
    inner: ClassVar[tuple[str, ...]] = ("cell",)
    variable_inputs: ClassVar[tuple[int, ...]] = (18, 19)
    constraints: ClassVar[tuple[Constraint, ...]] = (
        recurrent_types,
        weights_good,
        plain_sequence,
        matrices_fit,
        sums_fit,
        cell_bits_known,
    )

    def units(self, view: View) -> int:
        return view.input(STATE_WEIGHTS[0]).shape[0]

    def state_scale(self, attrs: LstmAttrs, output: Tensor) -> float:
        return output.scale

    # --- TFLite -------------------------------------------------------------------------------
    def read_options(
        self, options: Any, inputs: Sequence[Tensor | None], output: Tensor
    ) -> LstmAttrs:
        if len(inputs) != _TFLITE_INPUTS:
            raise ValueError(f"{len(inputs)} inputs; {_TFLITE_INPUTS} expected")
        hidden, cell = (inputs[index] for index in self.variable_inputs)
        if any(inputs[i] is not None for i in (*_PEEPHOLES, 16, 17, 20, 21, 22, 23)):
            raise ValueError("peepholes, a projection or layer normalisation inside")
        if any(inputs[i] is None for i in (*INPUT_WEIGHTS, *STATE_WEIGHTS, *BIASES)):
            raise ValueError("a gate without matrices or bias (coupled gates)")
        if hidden is None or cell is None:
            raise ValueError("no state")
        if options.timeMajor or options.fusedActivationFunction != _TANH or options.projClip:
            raise ValueError("time-major, a projection clip or another activation than tanh")
        if hidden.quant != output.quant or cell.dtype is not DType.INT16 or cell.zero_point:
            raise ValueError("a state of other parameters than the output's, or no int16 cell")
        bits = -math.log2(cell.scale)
        if bits != round(bits):
            raise ValueError(f"a cell's scale of {cell.scale:g}, no power of two")
        return LstmAttrs(cell_bits=round(bits), cell_clip=float(options.cellClip))

    def write_options(self, view: View, options: Any) -> Any:
        options.fusedActivationFunction = _TANH
        options.cellClip = view.attrs.cell_clip
        return options

    def tflite_variables(self, view: View) -> tuple[Tensor | None, ...]:
        batch, units = view.input(0).shape[0], self.units(view)
        cell = QuantParams.per_tensor(2.0**-view.attrs.cell_bits, 0)
        states = (
            Tensor(f"{view.node.name}/h", (batch, units), view.output.dtype, view.output.quant),
            Tensor(f"{view.node.name}/c", (batch, units), DType.INT16, cell),
        )
        return (None, None, *states, None, None, None, None)

    # --- meaning ------------------------------------------------------------------------------
    def calibrated(
        self, attrs: LstmAttrs, limits: Mapping[str, tuple[float, float]], output: Tensor
    ) -> LstmAttrs:
        peak = _CELL_HEADROOM * max(1e-9, *map(abs, limits["cell"]))
        bits = 15 - math.ceil(math.log2(peak))
        return replace(attrs, cell_bits=min(max(bits, CELL_BITS[0]), CELL_BITS[-1]))

    def run_float(self, view: View, inputs: Sequence[Array]) -> Array:
        return self.joined(view, self.float_steps(view, inputs)[0])

    def inner_values(self, view: View, inputs: Sequence[Array]) -> dict[str, Array]:
        return {"cell": self.joined(view, self.float_steps(view, inputs)[1])}

    def float_steps(self, view: View, inputs: Sequence[Array]) -> tuple[list[Array], list[Array]]:
        """Outputs and cells of a float run, [sequences, units] a step."""
        x, weights, recurrent, biases = operands(inputs)
        hidden, cell = self._begin(view, inputs[13:])
        given = [self.sequences(view, x) @ w.T + b for w, b in zip(weights, biases, strict=True)]
        outputs, cells = [], []
        for at in range(len(given[0])):
            gates = [s[at] + hidden @ r.T for s, r in zip(given, recurrent, strict=True)]
            i, f, o = (1 / (1 + np.exp(-gates[index])) for index in (0, 1, 3))
            cell = f * cell + i * np.tanh(gates[_CELL_GATE])
            if view.attrs.cell_clip:
                cell = np.clip(cell, -view.attrs.cell_clip, view.attrs.cell_clip)
            hidden = (o * np.tanh(cell)).astype(np.float32)
            outputs.append(hidden)
            cells.append(cell)
        return outputs, cells

    def _begin(self, view: View, initial: Sequence[Array]) -> tuple[Array, Array]:
        """Hidden state and cell, ``[sequences, units]``, as the first step finds them."""
        extent = self.extent(view)
        shape = (extent.outer * extent.inner, extent.units)
        if not initial:
            return np.zeros(shape), np.zeros(shape)
        each = (np.tile(state.reshape(-1), extent.outer).reshape(shape) for state in initial)
        hidden, cell = each
        return hidden, cell

    def run_int(self, view: View, inputs: Sequence[Array]) -> Array:
        return self.joined(view, self.integer_steps(view, inputs)[0])

    def integer_steps(self, view: View, inputs: Sequence[Array]) -> tuple[list[Array], list[Array]]:
        """The same of the integer reference."""
        x, weights, recurrent, biases = operands(inputs)
        source, out, attrs = view.input(0), view.output, view.attrs
        hidden, cell = (state.astype(np.int64) for state in self._begin(view, inputs[13:]))
        centred = self.sequences(view, x).astype(np.float64) - source.zero_point
        given = [
            gate(source, centred, w, view.input(i), b)
            for i, w, b in zip(INPUT_WEIGHTS, weights, biases, strict=True)
        ]
        outputs, cells = [], []
        for at in range(len(centred)):
            gates = [
                clip16(g[at] + gate(out, hidden, r, view.input(n)))
                for n, g, r in zip(STATE_WEIGHTS, given, recurrent, strict=True)
            ]
            made, cell = step(gates, cell, attrs, out)
            hidden = made - out.zero_point
            outputs.append(made.astype(out.dtype.numpy))
            cells.append(cell.astype(np.int16))
        return outputs, cells

    # --- device -------------------------------------------------------------------------------
    def kernel_call(self, view: View) -> KernelCall:
        extent, x, out, attrs = self.extent(view), view.input(0), view.output, view.attrs
        _, (_, added) = cell_scales(attrs)
        tanh_multiplier, tanh_shift = tanh_scale(attrs.cell_bits)
        hidden_multiplier, hidden_shift = hidden_scale(out)
        return KernelCall(
            kernel="tk_lstm",
            params={
                "element_bytes": out.dtype.size_bytes,
                "outer": extent.outer,
                "steps": extent.steps,
                "inner": extent.inner,
                "inputs": extent.values,
                "units": extent.units,
                "reverse": int(attrs.reverse),
                "in_zero_point": x.zero_point,
                "out_zero_point": out.zero_point,
                "added_shift": -added,
                "cell_clip": quantised_clip(attrs),
                "tanh_multiplier": tanh_multiplier,
                "tanh_shift": tanh_shift,
                "hidden_multiplier": hidden_multiplier,
                "hidden_shift": hidden_shift,
                "rescale": gate_scales(view),
                "in_weights": by_unit([view.input(i).values for i in INPUT_WEIGHTS]),
                "state_weights": by_unit([view.input(i).values for i in STATE_WEIGHTS]),
                "bias": np.stack([view.input(i).values for i in BIASES], 1).astype(np.int32),
                "given": int(len(view.node.inputs) > 16),
                "initial": self._initial(view),
                "sigmoid": sigmoid_table(),
            },
            inputs=(x.name,),
            outputs=(out.name,),
            scratch_bytes=2
            * (filled(extent.values) + (1 + 2 * extent.inner) * filled(extent.units)),
        )

    def _initial(self, view: View) -> Array:
        """int16 hidden state and cell of each of the sequences side by side; empty: zeros."""
        return np.zeros(1, np.int16)

    def dsp_calls(self, view: View) -> tuple[KernelCall, ...]:
        fits = all(doubles(bound, scale, view.input(i)) for i, bound, scale in sums(view))
        wide = view.output.dtype is DType.INT16  # rescaled in 64 bits
        return (
            (lstm_dsp_call(self.kernel_call(view), self.filled_work(view)),) if fits or wide else ()
        )
