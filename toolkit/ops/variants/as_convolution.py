"""What is a convolution too: a depthwise one of few channels, as fast kernels take a few at a time,
and weights of zero cost less than a loop of single products; a dense layer, of pixels."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from toolkit.ir import DType, QuantParams, Tensor
from toolkit.ops.numerics.activation import Activation
from toolkit.ops.parts.base import NodeView
from toolkit.ops.parts.window import Window, WindowedAttrs

View = NodeView[WindowedAttrs]

#: Input channels at most, fewer than the depthwise kernels take at a time: of each output's
#: weights, one in as many is not zero.
MOST_CHANNELS = {DType.INT8: 3, DType.INT16: 1}


def as_convolution(view: View) -> View | None:
    """The same sums by weights OHWI that are zero for other channels; None: too many channels."""
    in_c, weights = view.input(0).shape[3], view.input(1)
    if in_c > MOST_CHANNELS[view.input(0).dtype]:
        return None
    _, kernel_h, kernel_w, out_c = weights.shape
    dense = np.zeros((out_c, kernel_h, kernel_w, in_c), np.int8)
    channels = np.arange(out_c)
    dense[channels, :, :, channels // (out_c // in_c)] = weights.values[0].transpose(2, 0, 1)
    tensor = replace(weights, shape=dense.shape, data=dense, quant=_along_first(weights))
    return replace(view, inputs=(view.input(0), tensor, *view.inputs[2:]))


def _along_first(weights: Tensor) -> QuantParams | None:
    quant = weights.quant
    return quant if quant is None or quant.axis is None else replace(quant, axis=0)


def pixels_of(view: NodeView[Any], activation: Activation) -> View:
    """A dense layer as a convolution of 1x1, each batch a pixel."""
    x, weights, out = view.input(0), view.input(1), view.output
    outputs, inputs = weights.shape
    matrix = weights.values.reshape(outputs, 1, 1, inputs)
    x = replace(x, shape=(1, 1, x.elements // inputs, inputs))
    out = replace(out, shape=(*x.shape[:3], outputs))
    kernels = replace(weights, shape=matrix.shape, data=matrix)
    attrs = WindowedAttrs(Window(1, 1), activation)
    return NodeView(view.node, (x, kernels, *view.inputs[2:]), (out,), attrs)
