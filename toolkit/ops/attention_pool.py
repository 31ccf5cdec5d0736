"""Attention pooling over time (custom operator ``tk.attention_pool``), int8 in, int8 or int16 out.

``y[f, c] = sum_t lin[t, f, c] * softmax_t(sof)[t, f, c]``, the pooling of Wav2Small, as a ratio of
two exact sums (contract C2): weights come from a table over the int8 logits that is stored in the
model, the quotient keeps 16 fractional bits and is floored once.  The sums do not depend on the
order of the frames, so batch and streamed runs give the same bits.  No builtin operator does this;
``firmware_templates/tflm`` holds the kernel for TFLM.

Logits and lin broadcast over each other but for time: one weight a frame, or one a head.  Other
weights than a softmax's, divided by their sum, are another table.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from toolkit.ir import DType, Shape, Tensor
from toolkit.ir.tensor import Array
from toolkit.ops.numerics.fixed_point import quantize_multiplier, requantize
from toolkit.ops.parts.base import CodeFacts, KernelCall, NodeView, Operator, TimeBehaviour, Work
from toolkit.ops.parts.custom_options import unpacked

TABLE_ENTRIES = 256
#: Weight of the largest logit the quantisation allows.
TABLE_ONE = 1 << 30
QUOTIENT_FRACTION_BITS = 16
#: Frames the int64 sums and the long division hold: 255 * 2**30 * 2**25 < 2**63.
MAX_FRAMES = 1 << 25
#: Numerator and denominator, both int64, of one output value.
SUM_BYTES = 16

#: Custom options: magic, version, time axis; little endian.
_OPTIONS = struct.Struct("<4sHH")
_MAGIC, _VERSION = b"TKAP", 1


#: What weights are, before they are divided by their sum: exponentials of the logits, their
#: sigmoid, or the logits themselves, none negative.
WeightsOf = Literal["softmax", "sigmoid", "itself"]


def weight_table(logit_scale: float, zero_point: int = 0, made_of: WeightsOf = "softmax") -> Array:
    """uint32 weights of the 256 int8 logits, index = logit + 128.

    ``max(1, round(2**30 * f(logit) / f(127)))``, computed once, at conversion, in double precision;
    for a softmax f is ``exp(logit_scale * logit)``, where the zero point cancels in the ratio.
    """
    reals = [logit_scale * (logit - zero_point) for logit in range(-128, 128)]
    if made_of == "softmax":
        shares = [math.exp(logit_scale * (logit - 127)) for logit in range(-128, 128)]
    elif made_of == "sigmoid":
        shares = [(1 + math.exp(-reals[-1])) / (1 + math.exp(-real)) for real in reals]
    else:
        shares = [max(0.0, real) / max(reals[-1], logit_scale) for real in reals]
    return np.array([max(1, round(TABLE_ONE * share)) for share in shares], np.uint32)


@dataclass(frozen=True)
class AttentionPoolAttrs:
    """The axis that is pooled, which stays in the shape with extent 1, and what weights are made of
    (a file has their table instead)."""

    time_axis: int = 1
    weights: WeightsOf = "softmax"


View = NodeView[AttentionPoolAttrs]


def types_int8(view: View) -> str | None:
    """lin and logits must be int8, the output int8 or int16"""
    kinds = (view.input(0).dtype, view.input(1).dtype, view.output.dtype)
    if kinds[:2] == (DType.INT8, DType.INT8) and kinds[2] in (DType.INT8, DType.INT16):
        return None
    return "/".join(kind.value for kind in kinds)


def int16_symmetric(view: View) -> str | None:
    """an int16 output must have zero point 0"""
    if view.output.dtype is DType.INT16 and view.output.zero_point:
        return f"zero point {view.output.zero_point}"
    return None


def axis_one(view: View) -> str | None:
    """the pooled axis must be 1 of a rank 4 tensor with batch 1"""
    shape, axis = view.input(0).shape, view.attrs.time_axis
    return None if axis == 1 and len(shape) == 4 and shape[0] == 1 else f"axis {axis} of {shape}"


def table_valid(view: View) -> str | None:
    """the weight table must be 256 uint32 constants in [1, 2**30]"""
    return table_problem(view.optional(2))


def frames_bounded(view: View) -> str | None:
    """at most 2**25 frames, beyond which the sums could overflow"""
    frames = view.input(0).shape[view.attrs.time_axis]
    return None if frames <= MAX_FRAMES else str(frames)


def scale_bounded(view: View) -> str | None:
    """the output scale must be at least 2**-22 of lin's, or the requantisation could overflow"""
    ratio = view.input(0).scale / view.output.scale
    return None if ratio <= 1 << 22 else f"lin's scale is {ratio:g} times the output's"


def table_problem(table: Tensor | None) -> str | None:
    if table is None or table.data is None:
        return "no constant table"
    if table.dtype is not DType.UINT32 or table.shape != (TABLE_ENTRIES,):
        return f"a table of type {table.dtype.value} and shape {list(table.shape)}"
    low, high = int(table.data.min()), int(table.data.max())
    return None if low >= 1 and high <= TABLE_ONE else f"table values in [{low}, {high}]"


class AttentionPool(Operator[AttentionPoolAttrs]):
    """Softmax-weighted sum over time: inputs lin and logits ``[1, T, F, C]`` and, once quantised,
    the weight table; output ``[1, 1, F, C]``."""

    name = "attention_pool"
    tflite_name = "tk.attention_pool"
    custom = True
    reads_int8 = True
    constraints = (
        types_int8,
        int16_symmetric,
        axis_one,
        table_valid,
        frames_bounded,
        scale_bounded,
    )

    def read_options(
        self, options: Any, inputs: Sequence[Tensor | None], output: Tensor
    ) -> AttentionPoolAttrs:
        magic, version, time_axis = unpacked(options, _OPTIONS)
        if (magic, version) != (_MAGIC, _VERSION):
            raise ValueError(f"options of kind {magic!r} version {version}; {_MAGIC!r} 1 expected")
        if len(inputs) != 3:
            raise ValueError(f"{len(inputs)} inputs; lin, logits and table expected")
        problem = table_problem(inputs[2])
        if problem is not None:
            raise ValueError(f"{problem}; 256 uint32 constants in [1, 2**30] expected")
        return AttentionPoolAttrs(time_axis)

    def write_options(self, view: View, options: Any) -> bytes:
        return _OPTIONS.pack(_MAGIC, _VERSION, view.attrs.time_axis)

    def infer_shape(self, view: View) -> Shape:
        lin, logits, axis = view.input(0).shape, view.input(1).shape, view.attrs.time_axis
        if len(lin) != len(logits) or axis >= len(lin) or lin[axis] != logits[axis]:
            raise ValueError(f"lin is {list(lin)}, the logits are {list(logits)}, time axis {axis}")
        shape = np.broadcast_shapes(lin, logits)
        return (*shape[:axis], 1, *shape[axis + 1 :])

    def run_float(self, view: View, inputs: Sequence[Array]) -> Array:
        lin, logits, axis = inputs[0], inputs[1].astype(np.float64), view.attrs.time_axis
        weights = float_weights(view.attrs.weights, logits, axis)
        pooled = (lin * weights).sum(axis=axis, keepdims=True)
        y: Array = (pooled / weights.sum(axis=axis, keepdims=True)).astype(np.float32)
        return y

    def run_int(self, view: View, inputs: Sequence[Array]) -> Array:
        lin, logits, table = inputs
        axis = view.attrs.time_axis
        weights = table.astype(np.int64)[logits.astype(np.int64) + 128]
        centred = lin.astype(np.int64) - view.input(0).zero_point
        numerator = (centred * weights).sum(axis=axis, keepdims=True)
        return finish(view, numerator, weights.sum(axis=axis, keepdims=True))

    def work(self, view: View) -> Work:
        macs = view.output.elements * view.input(0).shape[view.attrs.time_axis]
        return Work(macs=macs, accumulators=view.output.elements, elementwise=macs)

    def time_behaviour(self, view: View, time_axis: int) -> TimeBehaviour:
        reduced = time_axis == view.attrs.time_axis
        return TimeBehaviour.REDUCING if reduced else TimeBehaviour.OPAQUE

    def max_rows(self, row: View) -> int:
        return MAX_FRAMES

    def kernel_call(self, view: View) -> KernelCall:
        lin, logits, out = view.input(0), view.input(1), view.output
        multiplier, shift = multiplier_and_shift(view)
        if lin.shape != logits.shape:
            return self._broadcast_call(view, multiplier, shift)
        wide = out.dtype is DType.INT16
        return KernelCall(
            kernel="tk_attention_pool_s8_s16" if wide else "tk_attention_pool_s8",
            params={
                "frames": lin.shape[1],
                "values": out.elements,
                "lin_zero_point": lin.zero_point,
                "out_zero_point": out.zero_point,
                "multiplier": multiplier,
                "shift": shift,
                "table": view.input(2).values,
            },
            inputs=(lin.name, logits.name),
            outputs=(out.name,),
            scratch_bytes=SUM_BYTES * out.elements,
            extra_kernels=("tk_attention_pool_s8",) if wide else (),
            code=CodeFacts(divides=True),
        )

    def _broadcast_call(self, view: View, multiplier: int, shift: int) -> KernelCall:
        lin, logits, out = view.input(0), view.input(1), view.output
        return KernelCall(
            kernel="tk_attention_broadcast",
            params={
                "element_bytes": out.dtype.size_bytes,
                **broadcast_fields(view),
                "lin_zero_point": lin.zero_point,
                "out_zero_point": out.zero_point,
                "multiplier": multiplier,
                "shift": shift,
                "table": view.input(2).values,
            },
            inputs=(lin.name, logits.name),
            outputs=(out.name,),
            scratch_bytes=SUM_BYTES * out.elements,
            extra_kernels=("tk_attention_pool_s8", "tk_attention_pool_s8_s16"),
            code=CodeFacts(divides=True),
        )


def float_weights(made_of: WeightsOf, logits: Array, axis: int) -> Array:
    if made_of == "softmax":
        return np.asarray(np.exp(logits - logits.max(axis=axis, keepdims=True)))
    return 1 / (1 + np.exp(-logits)) if made_of == "sigmoid" else logits


def broadcast_fields(view: View) -> dict[str, int]:
    """Fields of kernels in which lin and logits repeat over each other."""
    (_, frames, *_), (*_, outer, inner) = view.input(0).shape, view.output.shape
    steps = {
        f"{name}_{level}": step
        for name, tensor in (("lin", view.input(0)), ("logit", view.input(1)))
        for level, step in _strides(tensor).items()
    }
    return {"frames": frames, "outer": outer, "inner": inner, **steps}


def _strides(tensor: Tensor) -> dict[str, int]:
    """Values between neighbours of a frame ``[F, C]``, 0 where there is one."""
    _, _, outer, inner = tensor.shape
    return {"outer": inner if outer > 1 else 0, "inner": 1 if inner > 1 else 0}


def multiplier_and_shift(view: View) -> tuple[int, int]:
    """Requantisation of the quotient, whose unit is lin's scale * 2**-16."""
    ratio = view.input(0).scale / view.output.scale
    return quantize_multiplier(ratio / (1 << QUOTIENT_FRACTION_BITS))


def finish(view: View, numerator: Array, denominator: Array) -> Array:
    """Outputs from the two int64 sums: ``floor(2**16 * n / d)``, then requantised as in TFLM.

    The quotient is made in three exact steps (integer part, twice 8 fractional bits), so that no
    intermediate value leaves int64.
    """
    quotient = numerator // denominator
    remainder = numerator - quotient * denominator
    for _ in range(2):
        remainder = remainder << 8
        digits = remainder // denominator
        quotient = (quotient << 8) + digits
        remainder = remainder - digits * denominator
    scaled = requantize(quotient, *multiplier_and_shift(view)) + view.output.zero_point
    clipped: Array = np.clip(scaled, *view.output.dtype.limits).astype(view.output.dtype.numpy)
    return clipped
