"""LSTM that TFLite's builtin operator cannot state (custom operator ``tk.lstm``): along any axis,
backwards, or from a given state; arithmetic and kernel are `lstm`'s."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from typing import Any, ClassVar

import numpy as np

from toolkit.ir import DType, Tensor
from toolkit.ir.tensor import Array
from toolkit.ops.lstm import Lstm, View, cell_bits_known, matrices_fit, sums_fit
from toolkit.ops.parts.base import Constraint
from toolkit.ops.parts.custom_options import unpacked
from toolkit.ops.parts.lstm_cell import BIASES, LstmAttrs
from toolkit.ops.parts.recurrent import recurrent_types, weights_good

#: Custom options: magic, version, axis, reverse, bits and clip of the cell; little endian.
_OPTIONS = struct.Struct("<4sHHHHf")
_MAGIC, _VERSION = b"TKLS", 1
HIDDEN, CELL = 16, 17


def initial_fits(view: View) -> str | None:
    """initial states must both be there or absent, of the units of every sequence"""
    states = [view.optional(index) for index in (HIDDEN, CELL)]
    extent = Lstm().extent(view)
    sizes = [None if state is None else state.shape for state in states]
    return None if sizes in ([None, None], [(extent.inner * extent.units,)] * 2) else str(sizes)


class LstmCustom(Lstm):
    """The same, along any axis, also backwards, and from initial states that are constants."""

    name = "lstm_custom"
    tflite_name = "tk.lstm"
    tflite_options = ""
    custom = True
    variable_inputs = ()
    initial = (HIDDEN, CELL)
    constraints: ClassVar[tuple[Constraint, ...]] = (
        recurrent_types,
        weights_good,
        matrices_fit,
        sums_fit,
        cell_bits_known,
        initial_fits,
    )

    def initial_quant(
        self, attrs: LstmAttrs, index: int, output: Tensor
    ) -> tuple[float, int, DType]:
        if index == CELL:
            return 2.0**-attrs.cell_bits, 0, DType.INT16
        return output.scale, 0, DType.INT16  # less the zero point, as the kernel keeps it

    def read_options(
        self, options: Any, inputs: Sequence[Tensor | None], output: Tensor
    ) -> LstmAttrs:
        magic, version, axis, reverse, bits, clip = unpacked(options, _OPTIONS)
        if (magic, version) != (_MAGIC, _VERSION) or len(inputs) not in (16, 18):
            raise ValueError(f"options of kind {magic!r} version {version}, {len(inputs)} inputs")
        if any(inputs[i] is None for i in (*range(1, 9), *BIASES)):
            raise ValueError("a gate without matrices or bias")
        return LstmAttrs(axis, bool(reverse), bits, clip)

    def write_options(self, view: View, options: Any) -> bytes:
        attrs = view.attrs
        return _OPTIONS.pack(
            _MAGIC, _VERSION, attrs.axis, attrs.reverse, attrs.cell_bits, attrs.cell_clip
        )

    def tflite_variables(self, view: View) -> tuple[Tensor | None, ...]:
        return ()

    def _initial(self, view: View) -> Array:
        extent, states = self.extent(view), [view.optional(index) for index in (HIDDEN, CELL)]
        rows = [s.values.reshape(extent.inner, extent.units) for s in states if s is not None]
        return np.stack(rows, 1) if rows else super()._initial(view)
