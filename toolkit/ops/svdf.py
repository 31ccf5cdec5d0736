"""Second half of an SVDF layer (custom operator ``tk.svdf``): each unit from what its filters
remember (see `svdf_state`), with TFLM's arithmetic: sums wrap around in 32 bits."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from toolkit.ir import DType, Shape, Tensor
from toolkit.ir.tensor import Array
from toolkit.ops.numerics.fixed_point import quantize_multiplier, requantize, wrap_int32
from toolkit.ops.parts.base import KernelCall, NodeView, Operator, TimeBehaviour, Work
from toolkit.ops.parts.custom_options import unpacked

#: Custom options: magic, version, filters of a unit; little endian.
OPTIONS = struct.Struct("<4sHH")
MAGIC, VERSION = b"TKSV", 1


@dataclass(frozen=True)
class SvdfAttrs:
    """Filters that a unit sums."""

    rank: int


View = NodeView[SvdfAttrs]


def types(view: View) -> str | None:
    """the state must be int8 or int16, its weights a constant of that type with zero point 0, the
    output int8"""
    state, weights, out = view.input(0), view.input(1), view.output
    good = state.dtype in (DType.INT8, DType.INT16) and out.dtype is DType.INT8
    good = good and weights.dtype is state.dtype and weights.is_constant
    if good and weights.quant is not None and weights.quant.zero_point == (0,):
        return None
    return "/".join(t.dtype.value for t in (state, weights, out))


def bias_int32(view: View) -> str | None:
    """the bias must be an int32 constant, one value a unit"""
    bias = view.optional(2)
    units = view.output.shape[-1]
    if bias is None or (bias.is_constant and (bias.dtype, bias.shape) == (DType.INT32, (units,))):
        return None
    return f"{bias.dtype.value} {list(bias.shape)}"


class Svdf(Operator[SvdfAttrs]):
    """Weighted sums over what filters remember, ``rank`` filters to a unit, and a bias."""

    name = "svdf"
    tflite_name = "tk.svdf"
    custom = True
    constraints = (types, bias_int32)

    def read_options(
        self, options: Any, inputs: Sequence[Tensor | None], output: Tensor
    ) -> SvdfAttrs:
        magic, version, rank = unpacked(options, OPTIONS)
        good = (magic, version) == (MAGIC, VERSION) and rank > 0
        if not good or len(inputs) not in (2, 3) or None in inputs:
            raise ValueError(f"options of kind {magic!r} version {version}, {len(inputs)} inputs")
        return SvdfAttrs(rank)

    def write_options(self, view: View, options: Any) -> bytes:
        return OPTIONS.pack(MAGIC, VERSION, view.attrs.rank)

    def infer_shape(self, view: View) -> Shape:
        state, weights = view.input(0).shape, view.input(1).shape
        fits = len(state) == len(weights) == 2 and state[1] == weights[0] * weights[1]
        if not fits or weights[0] % view.attrs.rank:
            raise ValueError(f"state {list(state)}, weights {list(weights)}")
        return (state[0], weights[0] // view.attrs.rank)

    def run_float(self, view: View, inputs: Sequence[Array]) -> Array:
        sums = self._sums(view, inputs[0], inputs[1])
        return sums + inputs[2] if len(inputs) > 2 else sums

    def run_int(self, view: View, inputs: Sequence[Array]) -> Array:
        centred = inputs[0].astype(np.int64) - view.input(0).zero_point
        acc = self._sums(view, centred, inputs[1].astype(np.int64))
        acc = acc + inputs[2] if len(inputs) > 2 else acc
        made = requantize(wrap_int32(acc), *_multiplier(view)) + view.output.zero_point
        return np.clip(made, -128, 127).astype(np.int8)

    @staticmethod
    def _sums(view: View, state: Array, weights: Array) -> Array:
        products = state.reshape(len(state), *weights.shape) * weights
        return np.asarray(products.reshape(*view.output.shape, -1).sum(axis=-1))

    def work(self, view: View) -> Work:
        return Work(view.input(0).elements, view.output.elements)

    def time_behaviour(self, view: View, time_axis: int) -> TimeBehaviour:
        return TimeBehaviour.OPAQUE

    def kernel_call(self, view: View) -> KernelCall:
        state, weights, bias, out = view.input(0), view.input(1), view.optional(2), view.output
        multiplier, shift = _multiplier(view)
        units = out.shape[-1]
        return KernelCall(
            kernel="tk_svdf",
            params={
                "element_bytes": state.dtype.size_bytes,
                "units": units,
                "taps": state.shape[1] // units,
                "state_zero_point": state.zero_point,
                "out_zero_point": out.zero_point,
                "multiplier": multiplier,
                "shift": shift,
                "weights": weights.values.astype(np.int16),
                "bias": np.zeros(units, np.int32) if bias is None else bias.values,
            },
            inputs=(state.name,),
            outputs=(out.name,),
        )


def _multiplier(view: View) -> tuple[int, int]:
    """TFLM's product of scales is in single precision."""
    state, weights, out = view.input(0).scale, view.input(1).scale, view.output.scale
    return quantize_multiplier(float(np.float32(state) * np.float32(weights) / np.float32(out)))
