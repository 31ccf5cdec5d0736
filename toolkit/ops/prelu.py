"""Rectifier with a slope for each channel below 0 (PRELU), int8 or int16; the slopes are int8."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from toolkit.ir import DType
from toolkit.ir.tensor import Array
from toolkit.ops.numerics.fixed_point import quantize_multiplier, requantize
from toolkit.ops.numerics.int16 import SUFFIX, symmetric_int16
from toolkit.ops.parts.arithmetic import Arithmetic, View, loop_depth
from toolkit.ops.parts.base import KernelCall
from toolkit.ops.parts.channels import Bounds, any_value
from toolkit.ops.parts.constraints import RESCALED_LIMIT


def types(view: View) -> str | None:
    """input and output must both be int8 or both int16, the slopes int8"""
    kinds = [view.input(0).dtype, view.input(1).dtype, view.output.dtype]
    good = kinds[0] is kinds[2] and kinds[0] in SUFFIX and kinds[1] is DType.INT8
    return None if good else "/".join(kind.value for kind in kinds)


def slopes_constant(view: View) -> str | None:
    """slopes must be constants"""
    return None if view.input(1).is_constant else "computed slopes"


def product_bounded(view: View) -> str | None:
    """the input scale, and its product with that of the slopes, must be below 16384 times the
    output scale (int16: no product may leave 30 bits once it is rescaled)"""
    ratio = view.input(0).scale / view.output.scale
    bits = 16 if view.output.dtype is DType.INT8 else 24
    most = max(ratio * (1 << 16), ratio * view.input(1).scale * (1 << bits))
    return None if most < RESCALED_LIMIT else f"{ratio:g} times"


class Prelu(Arithmetic):
    """x where it is positive, else x times a slope, which broadcasts."""

    name = "prelu"
    tflite_name = "PRELU"
    onnx_names = ("PRelu",)
    kernel_stem = "tk_prelu"
    int8_constants = True
    takes_activation = False
    constraints = (types, symmetric_int16, loop_depth, slopes_constant, product_bounded)

    def tflite_version(self, view: View) -> int:
        return 1

    def channel_bounds(self, view: View, inputs: Sequence[Bounds]) -> Bounds:
        return any_value(view.output)  # a negative slope makes it turn at 0

    def rescaling(self, view: View) -> Mapping[str, int]:
        ratio = view.input(0).scale / view.output.scale
        above, below = (quantize_multiplier(r) for r in (ratio, ratio * view.input(1).scale))
        return {
            "above_multiplier": above[0],
            "above_shift": above[1],
            "below_multiplier": below[0],
            "below_shift": below[1],
        }

    def kernel_call(self, view: View) -> KernelCall:
        call = super().kernel_call(view)
        params = {k: v for k, v in call.params.items() if k not in ("out_min", "out_max")}
        params["b_zero_point"] = view.input(1).zero_point
        return KernelCall(call.kernel, params, call.inputs, call.outputs)

    def run_float(self, view: View, inputs: Sequence[Array]) -> Array:
        x, slopes = inputs
        return np.asarray(np.where(x < 0, x * slopes, x), np.float32)

    def run_int(self, view: View, inputs: Sequence[Array]) -> Array:
        x, slopes = (
            values.astype(np.int64) - view.input(i).zero_point for i, values in enumerate(inputs)
        )
        r = self.rescaling(view)
        above = requantize(x, r["above_multiplier"], r["above_shift"])
        below = requantize(x * slopes, r["below_multiplier"], r["below_shift"])
        out = np.where(x >= 0, above, below) + view.output.zero_point
        return np.asarray(np.clip(out, *view.output.dtype.limits), view.output.dtype.numpy)
