"""First half of an SVDF layer (custom operator ``tk.svdf_state``): what a step leaves of its
filters' last values.

TFLite's SVDF keeps them in a variable tensor; here they are a state of a network that runs step by
step, and the layer is two operators with TFLM's arithmetic (`svdf` is the other).
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from toolkit.ir import DType, Shape, Tensor
from toolkit.ir.tensor import Array
from toolkit.ops.numerics.fixed_point import quantize_multiplier, requantize
from toolkit.ops.parts.base import KernelCall, NodeView, Operator, TimeBehaviour, Work
from toolkit.ops.parts.custom_options import unpacked

#: Custom options: magic, version, values that a filter remembers; little endian.
OPTIONS = struct.Struct("<4sHH")
MAGIC, VERSION = b"TKSS", 1


@dataclass(frozen=True)
class SvdfStateAttrs:
    """How many of its last values each filter remembers."""

    memory: int


View = NodeView[SvdfStateAttrs]


def types(view: View) -> str | None:
    """the input and the filters must be int8, the filters with one scale and zero point 0, the
    state int8 or int16"""
    x, filters, state, out = (*(view.input(i) for i in range(3)), view.output)
    good = x.dtype is filters.dtype is DType.INT8 and state.dtype in (DType.INT8, DType.INT16)
    good = good and out.dtype is state.dtype and out.quant == state.quant
    good = good and filters.is_constant and filters.quant is not None
    if good and filters.quant is not None and filters.quant.zero_point == (0,):
        return None
    return "/".join(t.dtype.value for t in (x, filters, state, out))


def one_step(view: View) -> str | None:
    """one step of one sequence at a time"""
    batch = view.input(0).shape[0]
    return None if batch == 1 else f"{batch} sequences"


def state_symmetric(view: View) -> str | None:
    """the state must have zero point 0, with which TFLM's versions agree"""
    zero = view.output.zero_point
    return f"zero point {zero}" if zero else None


class SvdfState(Operator[SvdfStateAttrs]):
    """Filters of the input, each shifted in behind its last values: inputs ``[1, values]``, filters
    ``[filters, values]`` and state ``[1, filters * memory]``."""

    name = "svdf_state"
    tflite_name = "tk.svdf_state"
    custom = True
    constraints = (types, one_step, state_symmetric)

    def read_options(
        self, options: Any, inputs: Sequence[Tensor | None], output: Tensor
    ) -> SvdfStateAttrs:
        magic, version, memory = unpacked(options, OPTIONS)
        if (magic, version) != (MAGIC, VERSION) or len(inputs) != 3 or None in inputs:
            raise ValueError(f"options of kind {magic!r} version {version}, {len(inputs)} inputs")
        return SvdfStateAttrs(memory)

    def write_options(self, view: View, options: Any) -> bytes:
        return OPTIONS.pack(MAGIC, VERSION, view.attrs.memory)

    def infer_shape(self, view: View) -> Shape:
        x, filters, state = (view.input(index).shape for index in range(3))
        if len(x) != 2 or filters[1:] != x[1:] or state != (x[0], filters[0] * view.attrs.memory):
            raise ValueError(f"input {list(x)}, filters {list(filters)}, state {list(state)}")
        return state

    def run_float(self, view: View, inputs: Sequence[Array]) -> Array:
        return self._shifted(view, inputs[2], inputs[0] @ inputs[1].T)

    def run_int(self, view: View, inputs: Sequence[Array]) -> Array:
        x, filters, state = inputs
        centred = x.astype(np.int64) - view.input(0).zero_point
        acc = centred @ filters.T.astype(np.int64)
        newest = requantize(acc, *_multiplier(view)) + view.output.zero_point
        return self._shifted(view, state, np.clip(newest, *view.output.dtype.limits))

    @staticmethod
    def _shifted(view: View, state: Array, newest: Array) -> Array:
        last = state.reshape(*newest.shape, view.attrs.memory)[..., 1:]
        made = np.concatenate([last, newest[..., None].astype(last.dtype)], axis=-1)
        return made.reshape(state.shape)

    def work(self, view: View) -> Work:
        filters = view.input(1)
        return Work(filters.elements, filters.shape[0], view.output.elements)

    def time_behaviour(self, view: View, time_axis: int) -> TimeBehaviour:
        return TimeBehaviour.OPAQUE

    def kernel_call(self, view: View) -> KernelCall:
        x, filters, state, out = (*(view.input(i) for i in range(3)), view.output)
        multiplier, shift = _multiplier(view)
        return KernelCall(
            kernel="tk_svdf_state",
            params={
                "element_bytes": out.dtype.size_bytes,
                "values": filters.shape[1],
                "filters": filters.shape[0],
                "memory": view.attrs.memory,
                "in_zero_point": x.zero_point,
                "state_zero_point": out.zero_point,
                "multiplier": multiplier,
                "shift": shift,
                "weights": filters.values,
            },
            inputs=(x.name, state.name),
            outputs=(out.name,),
        )


def _multiplier(view: View) -> tuple[int, int]:
    """TFLM's product of scales is in single precision."""
    x, filters, state = (np.float32(view.input(index).scale) for index in range(3))
    return quantize_multiplier(float(x * filters / state))
