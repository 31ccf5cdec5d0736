"""Softmax over the last axis (SOFTMAX), int8 or int16; outputs span [0, 1)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from toolkit.ir import DType, Shape, Tensor
from toolkit.ir.tensor import Array
from toolkit.ops.parts.base import KernelCall, NodeView, Operator, OutputRange, TimeBehaviour, Work
from toolkit.ops.softmax_int8 import MAX_CLASSES, exp_table, softmax_int8
from toolkit.ops.softmax_int16 import MAX_DEPTH, kernel_call_int16, run_int16

MAX_BETA = 1e6


@dataclass(frozen=True)
class SoftmaxAttrs:
    """Factor of the logits."""

    beta: float = 1.0

    def __post_init__(self) -> None:
        if not 0 < self.beta <= MAX_BETA:
            raise ValueError(f"beta must be above 0 and at most {MAX_BETA:g}; got {self.beta:g}")


View = NodeView[SoftmaxAttrs]

_OUTPUT_QUANT = {DType.INT8: (1 / 256, -128), DType.INT16: (1 / 32768, 0)}
_MAX_TERMS = {DType.INT8: MAX_CLASSES, DType.INT16: MAX_DEPTH}


def types(view: View) -> str | None:
    """input and output must both be int8 or both int16"""
    x, out = view.input(0), view.output
    good = x.dtype is out.dtype and x.dtype in _OUTPUT_QUANT
    return None if good else f"{x.dtype.value} to {out.dtype.value}"


def output_quantization(view: View) -> str | None:
    """the output must have scale 1/256 and zero point -128 (int16: 1/32768 and 0)"""
    out = view.output
    good = (out.scale, out.zero_point) == _OUTPUT_QUANT.get(out.dtype)
    return None if good else f"({out.scale:g}, {out.zero_point})"


def input_symmetric(view: View) -> str | None:
    """an int16 input must have zero point 0"""
    x = view.input(0)
    return str(x.zero_point) if x.dtype is DType.INT16 and x.zero_point else None


def terms_bounded(view: View) -> str | None:
    """int8 softmax must have at most 511 terms, int16 at most 65536. Beyond that equal logits
    overflow the sum in the interpreters too; use int16"""
    terms = view.input(0).shape[-1]
    return None if terms <= _MAX_TERMS.get(view.input(0).dtype, terms) else str(terms)


class Softmax(Operator[SoftmaxAttrs]):
    """exp(beta * x) / sum(exp(beta * x)), each row of the last axis on its own."""

    name = "softmax"
    tflite_name = "SOFTMAX"
    tflite_options = "SoftmaxOptions"
    onnx_names = ("Softmax",)
    on_last_axis = True
    output_range = OutputRange.FIXED
    opaque_reason = "it is a softmax over time"
    constraints = (types, output_quantization, input_symmetric, terms_bounded)

    def read_options(
        self, options: Any, inputs: Sequence[Tensor | None], output: Tensor
    ) -> SoftmaxAttrs:
        return SoftmaxAttrs(float(options.beta))

    def write_options(self, view: View, options: Any) -> Any:
        options.beta = view.attrs.beta
        return options

    def tflite_version(self, view: View) -> int:
        return 3 if view.input(0).dtype is DType.INT16 else 2

    def fixed_quant(self, view: View, dtype: DType) -> tuple[float, int]:
        return _OUTPUT_QUANT[dtype]

    def infer_shape(self, view: View) -> Shape:
        return view.input(0).shape

    def run_float(self, view: View, inputs: Sequence[Array]) -> Array:
        scaled = inputs[0] * np.float32(view.attrs.beta)
        exps = np.exp(scaled - scaled.max(axis=-1, keepdims=True))
        shares: Array = exps / exps.sum(axis=-1, keepdims=True)
        return shares

    def run_int(self, view: View, inputs: Sequence[Array]) -> Array:
        if view.input(0).dtype is DType.INT16:
            return run_int16(view, inputs[0], view.attrs.beta)
        return softmax_int8(inputs[0], exp_table(view.input(0).scale, view.attrs.beta))

    def work(self, view: View) -> Work:
        elements = view.output.elements
        return Work(accumulators=elements // view.output.shape[-1], elementwise=3 * elements)

    def time_behaviour(self, view: View, time_axis: int) -> TimeBehaviour:
        last = time_axis == len(view.output.shape) - 1
        return TimeBehaviour.OPAQUE if last else TimeBehaviour.ROW_LOCAL

    def kernel_call(self, view: View) -> KernelCall:
        x = view.input(0)
        if x.dtype is DType.INT16:
            return kernel_call_int16(view, view.attrs.beta)
        return KernelCall(
            kernel="tk_softmax_s8",
            params={
                "rows": x.elements // x.shape[-1],
                "depth": x.shape[-1],
                "exp_table": exp_table(x.scale, view.attrs.beta),
            },
            inputs=(x.name,),
            outputs=(view.output.name,),
        )
