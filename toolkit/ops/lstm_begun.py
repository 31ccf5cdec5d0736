"""LSTM from a computed state (custom operator ``tk.lstm_begun``), int16: hidden state and cell of
every step, of one scale; arithmetic is `lstm`'s of 16 bits.

The output ``[1, steps, 2 * sequences, units]`` has the hidden states of all sequences, then their
cells, so that a network that runs step by step can keep both.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from toolkit.ir import DType, Shape, Tensor
from toolkit.ir.tensor import Array
from toolkit.ops.lstm import Lstm, View, cell_bits_known, matrices_fit, sums_fit
from toolkit.ops.lstm_custom import CELL, HIDDEN, LstmCustom
from toolkit.ops.parts.base import KernelCall, TimeBehaviour
from toolkit.ops.parts.lstm_cell import LstmAttrs
from toolkit.ops.parts.recurrent import recurrent_types, weights_good
from toolkit.ops.variants.lstm_begun_dsp import lstm_begun_dsp_call


def states_fit(view: View) -> str | None:
    """input and output must be int16, the output's scale the cell's; so must be the initial states,
    of at least 3 dimensions, with the units of every sequence"""
    extent, scale = Lstm().extent(view), 2.0**-view.attrs.cell_bits
    if view.output.dtype is not DType.INT16 or view.output.scale != scale:
        return f"{view.output.dtype.value}, scale {view.output.scale:g}"
    for index in (HIDDEN, CELL):
        state = view.optional(index)
        if state is None or state.dtype is not DType.INT16 or state.scale != scale:
            return f"input {index}"
        if state.elements != extent.inner * extent.units or len(state.shape) < 3:
            return f"input {index} {list(state.shape)}"
    return None


def forwards_once(view: View) -> str | None:
    """one loop, forwards along axis 1"""
    attrs, (first, *_) = view.attrs, view.input(0).shape
    good = attrs.axis == 1 and first == 1 and not attrs.reverse
    return None if good else f"axis {attrs.axis} of {list(view.input(0).shape)}"


class LstmBegun(LstmCustom):
    """The same from initial states that are computed; gives hidden states and cells."""

    name = "lstm_begun"
    tflite_name = "tk.lstm_begun"
    inner = ()
    binary16 = True
    opaque_reason = "its state comes from outside, at the beginning of a run"
    constraints = (
        recurrent_types,
        weights_good,
        matrices_fit,
        sums_fit,
        cell_bits_known,
        forwards_once,
        states_fit,
    )

    def calibrated(
        self, attrs: LstmAttrs, limits: Mapping[str, tuple[float, float]], output: Tensor
    ) -> LstmAttrs:
        return replace(attrs, cell_bits=round(-math.log2(output.scale)))

    def read_options(
        self, options: Any, inputs: Sequence[Tensor | None], output: Tensor
    ) -> LstmAttrs:
        if len(inputs) != CELL + 1:
            raise ValueError(f"{len(inputs)} inputs; {CELL + 1} expected")
        return super().read_options(options, inputs, output)

    def infer_shape(self, view: View) -> Shape:
        super().infer_shape(view)
        extent = self.extent(view)
        return (extent.outer, extent.steps, 2 * extent.inner, extent.units)

    def run_float(self, view: View, inputs: Sequence[Array]) -> Array:
        return self._both(view, *self.float_steps(view, inputs)).astype(np.float32)

    def run_int(self, view: View, inputs: Sequence[Array]) -> Array:
        return self._both(view, *self.integer_steps(view, inputs))

    def _both(self, view: View, hidden: list[Array], cells: list[Array]) -> Array:
        return np.concatenate([np.stack(hidden), np.stack(cells)], 1)[None]

    def time_behaviour(self, view: View, time_axis: int) -> TimeBehaviour:
        return TimeBehaviour.OPAQUE

    def kernel_call(self, view: View) -> KernelCall:
        call, states = super().kernel_call(view), (view.input(HIDDEN), view.input(CELL))
        return replace(
            call,
            kernel="tk_lstm_begun",
            params={**call.params, "given": 0},
            inputs=(*call.inputs, *(state.name for state in states)),
            extra_kernels=("tk_lstm",),
        )

    def _initial(self, view: View) -> Array:
        return np.zeros(1, np.int16)

    def dsp_calls(self, view: View) -> tuple[KernelCall, ...]:
        return (lstm_begun_dsp_call(self.kernel_call(view), self.filled_work(view)),)
