"""Base of the operators that take the larger or the smaller of two values (MAXIMUM, MINIMUM):
TFLM compares the integers as they are, so that all have one scale."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import ClassVar

import numpy as np

from toolkit.ir.tensor import Array
from toolkit.ops.numerics.int16 import same_types
from toolkit.ops.parts.arithmetic import Arithmetic, View, broadcast, loop_depth
from toolkit.ops.parts.base import KernelCall


def one_quantisation(view: View) -> str | None:
    """both operands must have the output's scale and zero point"""
    different = [t.name for t in view.inputs if t is not None and t.quant != view.output.quant]
    return f"other parameters at {', '.join(map(repr, different))}" if different else None


class Extremum(Arithmetic):
    """Element by element, with broadcasting, all of one scale."""

    tflite_options = "MaximumMinimumOptions"
    one_scale = True
    takes_activation = False
    constraints = (same_types, one_quantisation, loop_depth)
    #: Whether the larger value counts.
    largest: ClassVar[bool]

    def rescaling(self, view: View) -> Mapping[str, int]:
        return {}

    def run_float(self, view: View, inputs: Sequence[Array]) -> Array:
        return np.asarray((np.maximum if self.largest else np.minimum)(*inputs))

    def run_int(self, view: View, inputs: Sequence[Array]) -> Array:
        return self.run_float(view, inputs)

    def kernel_call(self, view: View) -> KernelCall:
        a, b, out = view.input(0), view.input(1), view.output
        loops = broadcast(a.shape, b.shape)
        return KernelCall(
            kernel="tk_extremum",
            params={
                "element_bytes": out.dtype.size_bytes,
                "largest": int(self.largest),
                "dims": np.array(loops.dims, np.int32),
                "a_strides": np.array(loops.a_strides, np.int32),
                "b_strides": np.array(loops.b_strides, np.int32),
            },
            inputs=(a.name, b.name),
            outputs=(out.name,),
        )
