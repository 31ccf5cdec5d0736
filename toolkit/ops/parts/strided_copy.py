"""What the operators share that copy lines of a tensor, int8 or int16."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from toolkit.ir import Shape
from toolkit.ops.parts.base import KernelCall, NodeView, Work

#: Dimensions of the kernel.
KERNEL_DIMS = 5


def element_strides(shape: Shape) -> list[int]:
    """Elements between neighbours along each axis."""
    return [math.prod(shape[axis + 1 :]) for axis in range(len(shape))]


def line_work(view: NodeView[Any]) -> Work:
    """One run of elements for each line of the output."""
    elements = view.output.elements
    return Work(accumulators=elements // view.output.shape[-1], elementwise=elements)


def strided_copy_call(view: NodeView[Any], first: int, strides: Sequence[int]) -> KernelCall:
    """The output's origin is element ``first`` of the input, ``strides`` are along its axes."""
    x, out = view.input(0), view.output
    missing = KERNEL_DIMS - len(out.shape)
    return KernelCall(
        kernel="tk_strided_copy",
        params={
            "element_bytes": x.dtype.size_bytes,
            "first": first,
            "out_shape": np.array([1] * missing + list(out.shape), np.int32),
            "in_strides": np.array([0] * missing + list(strides), np.int32),
        },
        inputs=(x.name,),
        outputs=(out.name,),
    )
