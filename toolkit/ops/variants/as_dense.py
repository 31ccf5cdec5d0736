"""A convolution whose one window is the whole input, as the dense layer that it is: squeeze-excite,
and what ends a network."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from toolkit.ops.fully_connected import FullyConnectedAttrs
from toolkit.ops.parts.base import NodeView
from toolkit.ops.parts.window import Window, WindowedAttrs


def as_dense(view: NodeView[WindowedAttrs]) -> NodeView[Any] | None:
    """The same sums by weights ``[outputs, inputs]``; None: more than one window, or padding."""
    x, weights, window = view.input(0), view.input(1), view.attrs.window
    whole = Window(x.shape[1], x.shape[2], window.stride_h, window.stride_w)
    if window != whole:
        return None
    outputs = weights.shape[0]
    shape = (outputs, weights.elements // outputs)
    matrix = replace(weights, shape=shape, data=weights.values.reshape(shape))
    return NodeView(
        node=replace(view.node, op="fully_connected"),
        inputs=(replace(x, shape=(1, x.elements)), matrix, *view.inputs[2:]),
        outputs=(replace(view.output, shape=(1, outputs)),),
        attrs=FullyConnectedAttrs(view.attrs.activation),
    )
