"""Normalisation of each row of the last axis (custom operator ``tk.normalization``): layer, group,
instance and RMS normalisation; int8 or int16 in, int8 or int16 out.

As TFLM's operators it is seven, and each rounds to 8 bits what the next squares or divides by.
Here it is exact up to one root and one quotient a row: the sums of values and squares are integers,
scales cancel, and what comes of it has 20 fractional bits before the gains and the output's scale.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from toolkit.ir import DType, Shape, Tensor
from toolkit.ir.tensor import Array
from toolkit.ops.parts.base import CodeFacts, KernelCall, NodeView, Operator, TimeBehaviour, Work
from toolkit.ops.parts.custom_options import unpacked

#: Values of a row, so that their sums of squares times their number stay within 60 bits.
MAX_VALUES = 1 << 14
#: Fractional bits of a normalised value, and of the output's steps before the last rounding.
FRACTION_BITS, STEP_BITS = 20, 8
#: What is added to the squares, in their unit; and the largest gain, in steps of the output.
_MOST_ADDED, _GAIN_BITS = 1 << 60, 30

#: Custom options: magic, version, centred, shift of the gains, added.  Little endian.
_OPTIONS = struct.Struct("<4sHBBq")
_MAGIC, _VERSION = b"TKNO", 1


@dataclass(frozen=True)
class NormalizationAttrs:
    """``(x - mean) / sqrt(variance + epsilon) * gain + offset``, the mean being 0 unless
    ``centred``; gains and offsets are one a value of the row, none: 1 and 0.

    In the integer form ``added`` is epsilon, gains are ``gain_shift`` bits up, offsets `STEP_BITS`.
    """

    centred: bool = True
    epsilon: float = 0.0
    gains: tuple[float, ...] = ()
    offsets: tuple[float, ...] = ()
    gain_shift: int = 0
    added: int = 0


View = NodeView[NormalizationAttrs]


def types(view: View) -> str | None:
    """input and output must be int8, or int16 with zero point 0"""
    for tensor in (view.input(0), view.output):
        wide = tensor.dtype is DType.INT16 and tensor.zero_point == 0
        if tensor.dtype is not DType.INT8 and not wide:
            return f"{tensor.dtype.value} with zero point {tensor.zero_point}"
    return None


def row_bounded(view: View) -> str | None:
    """the last axis must have 2 to 16384 values"""
    values = view.input(0).shape[-1]
    return None if 2 <= values <= MAX_VALUES else str(values)


def gains_fit(view: View) -> str | None:
    """gains and offsets must be one a value, of 30 bits"""
    attrs, values = view.attrs, view.input(0).shape[-1]
    counts = {len(attrs.gains), len(attrs.offsets)}
    most = max(map(abs, (*attrs.gains, *attrs.offsets)), default=0)
    good = counts == {values} and most < 1 << _GAIN_BITS and 0 <= attrs.gain_shift <= _GAIN_BITS
    return None if good and 0 <= attrs.added <= _MOST_ADDED else f"{sorted(counts)} up to {most}"


class Normalization(Operator[NormalizationAttrs]):
    """Each row of the last axis less its mean, over its standard deviation, times gains, plus
    offsets; without the mean it is RMS normalisation."""

    name = "normalization"
    tflite_name = "tk.normalization"
    custom = True
    onnx_names = (
        "LayerNormalization",
        "GroupNormalization",
        "InstanceNormalization",
        "MeanVarianceNormalization",
        "RMSNormalization",
    )
    opaque_reason = "it normalises over time"
    on_last_axis = True
    reads_any_width = True
    constraints = (types, row_bounded, gains_fit)

    def read_options(
        self, options: Any, inputs: Sequence[Tensor | None], output: Tensor
    ) -> NormalizationAttrs:
        magic, version, centred, shift, added = unpacked(options, _OPTIONS)
        if (magic, version) != (_MAGIC, _VERSION):
            raise ValueError(f"options of kind {magic!r} version {version}; {_MAGIC!r} 1 expected")
        gains, offsets = (
            tuple(inputs[i].values.reshape(-1).tolist())  # type: ignore[union-attr]
            for i in (1, 2)
        )
        return NormalizationAttrs(bool(centred), 0.0, gains, offsets, shift, added)

    def write_options(self, view: View, options: Any) -> bytes:
        attrs = view.attrs
        return _OPTIONS.pack(_MAGIC, _VERSION, attrs.centred, attrs.gain_shift, attrs.added)

    def tflite_constants(self, view: View) -> tuple[Array, ...]:
        return (np.array(view.attrs.gains, np.int32), np.array(view.attrs.offsets, np.int32))

    def integer_form(self, view: View) -> tuple[str, object]:
        """Gains and offsets in steps of the output, epsilon in the unit of the squares."""
        attrs, x, out = view.attrs, view.input(0), view.output
        n, step = x.shape[-1], out.scale
        gains = np.array(attrs.gains or (1.0,) * n) / step
        offsets = np.array(attrs.offsets or (0.0,) * n) / step
        most = float(np.abs(gains).max())
        room = _GAIN_BITS - 1 - max(math.frexp(most)[1], 0)
        shift = min(max(room, 0), _GAIN_BITS)
        added = min(round(attrs.epsilon * (n / x.scale) ** 2), _MOST_ADDED)
        return self.name, replace(
            attrs,
            gains=tuple(int(v) for v in np.rint(gains * 2.0**shift)),
            offsets=tuple(int(v) for v in np.rint(offsets * 2.0**STEP_BITS)),
            gain_shift=shift,
            added=added,
        )

    def infer_shape(self, view: View) -> Shape:
        return view.input(0).shape

    def run_float(self, view: View, inputs: Sequence[Array]) -> Array:
        attrs, x = view.attrs, inputs[0].astype(np.float64)
        centred = x - x.mean(axis=-1, keepdims=True) if attrs.centred else x
        power = (centred**2).mean(axis=-1, keepdims=True)
        result = centred / np.sqrt(power + attrs.epsilon)
        if attrs.gains:
            result = result * np.array(attrs.gains)
        if attrs.offsets:
            result = result + np.array(attrs.offsets)
        return np.asarray(result, np.float32)

    def run_int(self, view: View, inputs: Sequence[Array]) -> Array:
        attrs, out, n = view.attrs, view.output, view.input(0).shape[-1]
        x = inputs[0].astype(np.int64) - view.input(0).zero_point
        total = x.sum(axis=-1, keepdims=True) if attrs.centred else np.zeros((1,), np.int64)
        squares = n * (x * x).sum(axis=-1, keepdims=True) - total * total
        inverse, shift = _inverse_root(np.maximum(squares + attrs.added, 1))
        product = (n * x - total) * inverse
        normal = (product + (np.int64(1) << (shift - 1))) >> shift
        down = FRACTION_BITS - STEP_BITS + attrs.gain_shift
        gained = (normal * np.array(attrs.gains, np.int64) + (1 << (down - 1))) >> down
        steps = gained + np.array(attrs.offsets, np.int64) + (1 << (STEP_BITS - 1))
        clipped: Array = np.clip((steps >> STEP_BITS) + out.zero_point, *out.dtype.limits)
        return clipped.astype(out.dtype.numpy)

    def work(self, view: View) -> Work:
        rows = view.output.elements // view.output.shape[-1]
        return Work(accumulators=rows, elementwise=2 * view.output.elements)

    def time_behaviour(self, view: View, time_axis: int) -> TimeBehaviour:
        last = time_axis == len(view.output.shape) - 1
        return TimeBehaviour.OPAQUE if last else TimeBehaviour.ROW_LOCAL

    def kernel_call(self, view: View) -> KernelCall:
        attrs, x, out = view.attrs, view.input(0), view.output
        return KernelCall(
            kernel="tk_normalization",
            params={
                "element_bytes": x.dtype.size_bytes,
                "out_bytes": out.dtype.size_bytes,
                "rows": out.elements // out.shape[-1],
                "count": out.shape[-1],
                "centred": int(attrs.centred),
                "in_zero_point": x.zero_point,
                "out_zero_point": out.zero_point,
                "shift": FRACTION_BITS - STEP_BITS + attrs.gain_shift,
                "added_low": attrs.added & 0x7FFFFFFF,
                "added_high": attrs.added >> 31,
                "gains": np.array(attrs.gains, np.int32),
                "offsets": np.array(attrs.offsets, np.int32),
            },
            inputs=(x.name,),
            outputs=(out.name,),
            code=CodeFacts(divides=True),
        )


def _inverse_root(values: Array) -> tuple[Array, Array]:
    """``2**shift / 2**FRACTION_BITS / sqrt(value)`` of values in [1, 2**62), and the shift."""
    bits = np.array([int(v).bit_length() for v in values.reshape(-1)]).reshape(values.shape)
    up = (62 - bits) // 2  # pairs of bits, which bring a value to [2**60, 2**62)
    raised = values << (2 * up)
    root = np.floor(np.sqrt(raised.astype(np.float64))).astype(np.int64)
    root = np.where(root * root > raised, root - 1, root)
    root = np.where((root + 1) * (root + 1) <= raised, root + 1, root)
    return (np.int64(1) << 61) // root, (61 - FRACTION_BITS) - up
