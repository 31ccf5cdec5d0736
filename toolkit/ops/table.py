"""Any function of one value (custom operator ``tk.table``), from int8 or int16 to int8 or int16.

From int8 it is a table of 256 entries.  From int16 it is one of 513, at every 128th value, between
which it is straight, as in TFLM's tables of that size.  The table is in the ``.tflite``; the float
network has the function itself.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from toolkit.ir import DType, Shape, Tensor
from toolkit.ir.tensor import Array
from toolkit.ops.numerics.functions import FUNCTIONS, Formula
from toolkit.ops.numerics.int16 import SUFFIX
from toolkit.ops.parts.base import KernelCall, Layout, NodeView, Operator, TimeBehaviour, Work
from toolkit.ops.parts.custom_options import unpacked

#: Custom options: magic, version.
_OPTIONS = struct.Struct("<4sH")
_MAGIC, _VERSION = b"TKTA", 1
OPTIONS = _OPTIONS.pack(_MAGIC, _VERSION)

#: Values between two entries of an int16 table.
_STEP_BITS = 7
#: The int8 values, and the int16 values that have an entry.
_ARGUMENTS = {
    DType.INT8: np.arange(-128, 128),
    DType.INT16: np.arange(-(1 << 15), (1 << 15) + 1, 1 << _STEP_BITS),
}


@dataclass(frozen=True)
class TableAttrs:
    """The function, of a float network; the entries of its integer form, in order of the argument,
    each of the output's type."""

    formula: Formula | None = None
    entries: tuple[int, ...] = ()


View = NodeView[TableAttrs]


def types(view: View) -> str | None:
    """input and output must be int8, int8 and int16, or int16"""
    kinds = (view.input(0).dtype, view.output.dtype)
    good = kinds[0] in _ARGUMENTS and kinds[1] in (kinds[0], DType.INT16)
    return None if good else f"{kinds[0].value} to {kinds[1].value}"


def complete(view: View) -> str | None:
    """the table must have 256 entries (513 for int16 inputs) of the output's type"""
    entries, (low, high) = view.attrs.entries, view.output.dtype.limits
    good = len(entries) == len(_ARGUMENTS[view.input(0).dtype])
    if good and low <= min(entries) and max(entries) <= high:
        return None
    return f"{len(entries)} entries"


class Table(Operator[TableAttrs]):
    """Any function of one value; several in a row, with numbers between them, are one table."""

    name = "table"
    tflite_name = "tk.table"
    custom = True
    onnx_names = tuple(
        sorted(
            {f.onnx for f in FUNCTIONS.values() if f.onnx} | {"Clip", "Gelu", "Max", "Min", "Pow"}
        )
    )
    layout = Layout.ELEMENTWISE
    reads_any_width = True
    constraints = (types, complete)

    def read_options(
        self, options: Any, inputs: Sequence[Tensor | None], output: Tensor
    ) -> TableAttrs:
        if unpacked(options, _OPTIONS) != (_MAGIC, _VERSION):
            raise ValueError("options of another kind or version")
        table = inputs[1]
        assert table is not None
        if table.dtype is not output.dtype:
            raise ValueError("the table's type is not the output's")
        return TableAttrs(entries=tuple(table.values.reshape(-1).tolist()))

    def write_options(self, view: View, options: Any) -> bytes:
        return OPTIONS

    def tflite_constants(self, view: View) -> tuple[Array, ...]:
        return (np.array(view.attrs.entries, view.output.dtype.numpy),)

    def integer_form(self, view: View) -> tuple[str, object]:
        assert view.attrs.formula is not None
        return tabled(view.attrs.formula, view)

    def infer_shape(self, view: View) -> Shape:
        return view.input(0).shape

    def run_float(self, view: View, inputs: Sequence[Array]) -> Array:
        assert view.attrs.formula is not None
        return view.attrs.formula(inputs[0]).astype(np.float32)

    def run_int(self, view: View, inputs: Sequence[Array]) -> Array:
        entries, kind = np.array(view.attrs.entries, np.int64), view.output.dtype.numpy
        x = inputs[0].astype(np.int64)
        if view.input(0).dtype is DType.INT8:
            return entries[x + 128].astype(kind)
        index = (x >> _STEP_BITS) + 256
        slope, part = entries[index + 1] - entries[index], x & ((1 << _STEP_BITS) - 1)
        between = (slope * part + (1 << (_STEP_BITS - 1))) >> _STEP_BITS
        return np.asarray(entries[index] + between, kind)

    def work(self, view: View) -> Work:
        return Work(elementwise=view.output.elements)

    def time_behaviour(self, view: View, time_axis: int) -> TimeBehaviour:
        return TimeBehaviour.ROW_LOCAL

    def kernel_call(self, view: View) -> KernelCall:
        x, out = view.input(0), view.output
        narrow = x.dtype is out.dtype is DType.INT8
        return KernelCall(
            kernel="tk_lookup_s8" if narrow else f"tk_table_{SUFFIX[x.dtype]}_s16",
            params={
                "count": out.elements,
                "table": np.array(view.attrs.entries, out.dtype.numpy),
            },
            inputs=(x.name,),
            outputs=(out.name,),
        )


def tabled(function: Formula, view: NodeView[Any]) -> tuple[str, TableAttrs]:
    """The integer form of a function: the values of the output nearest to its, ties up; where it is
    none, as of a logarithm below 0, that of the nearest argument where it is one."""
    x, out = view.input(0), view.output
    real = function((_ARGUMENTS[x.dtype] - x.zero_point) * x.scale)
    steps = np.floor(_filled(real) / out.scale + 0.5) + out.zero_point
    entries = tuple(int(v) for v in np.clip(steps, *out.dtype.limits))
    return Table.name, TableAttrs(entries=entries)


def _filled(values: Array) -> Array:
    """``values`` with the nearest number in place of what is none; zeros where nothing is one."""
    good = np.flatnonzero(~np.isnan(values))
    if not good.size:
        return np.zeros_like(values)
    at = np.arange(values.size)
    nearest = good[np.abs(at[:, None] - good[None, :]).argmin(axis=1)]
    return np.asarray(values[nearest])
