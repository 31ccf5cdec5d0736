"""Brings time, where the user says it is, to axis 1 of the input, which is where streaming has it:
spectrograms ``[1, 1, bands, frames]`` have it last."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from toolkit.errors import InputError
from toolkit.ir import Graph, Node, Tensor
from toolkit.ir.edit import fresh
from toolkit.ops import OPERATORS
from toolkit.ops.parts.base import TIME_AXIS
from toolkit.ops.parts.window import Padding, Window, WindowedAttrs
from toolkit.passes.absorb_layout import absorb_layout, input_axes, turn_input
from toolkit.passes.cancel_transposes import cancel_transposes
from toolkit.passes.fold_pad import fold_pad
from toolkit.passes.fuse_activation import fuse_activation
from toolkit.passes.rewrite import producer_of, rewrite
from toolkit.passes.transposes import Perm, perm_of, sink

_SWAP: Perm = (0, 2, 1, 3)


def time_axis_in(graph: Graph, time_axis: int) -> int:
    """Which axis of the graph's only input the axis ``time_axis`` of the file's input is.

    Raises InputError for an axis that the input has not.
    """
    (name,) = graph.inputs[:1]
    rank = len(graph.tensors[name].shape)
    if not -rank <= time_axis < rank:
        raise InputError(
            f"--time-axis: input {name!r} has {rank} axes, 0 to {rank - 1}; got {time_axis}.",
            hint="Count the axes as the model's file does.",
        )
    return input_axes(graph).get(name, tuple(range(rank))).index(time_axis % rank)


def put_time_first(graph: Graph, time_axis: int) -> Graph:
    """An optimised graph whose input has the axis ``time_axis`` of the file's input as axis 1; in
    front of it is the batch of one, which recurrent layers have behind time."""
    axis = time_axis_in(graph, time_axis)
    if axis == TIME_AXIS or len(graph.inputs) != 1:
        return graph
    shape = graph.tensors[graph.inputs[0]].shape
    batch = 0 if axis else TIME_AXIS
    if shape[batch : batch + 1] != (1,):
        return graph
    others = [other for other in range(len(shape)) if other not in (batch, axis)]
    graph = turn_input(graph, graph.inputs[0], (batch, axis, *others))
    for _ in range(len(graph.nodes)):  # each sweep takes what turns the input one window further
        before = graph
        graph = cancel_transposes(rewrite(graph, "put_time_first", _through_window))
        if graph.nodes == before.nodes:
            break
    return fuse_activation(fold_pad(absorb_layout(graph)))


def _through_window(graph: Graph, node: Node) -> Graph | None:
    """A window on rows and columns that are swapped is the swapped window."""
    before = producer_of(graph, node.inputs[0], "transpose")
    attrs = node.attrs
    if before is None or not isinstance(attrs, WindowedAttrs) or perm_of(before) != _SWAP:
        return None
    old, p = attrs.window, attrs.window.padding
    window = Window(
        old.kernel_w,
        old.kernel_h,
        old.stride_w,
        old.stride_h,
        old.dilation_w,
        old.dilation_h,
        Padding(p.left, p.right, p.top, p.bottom),
    )
    inputs, constants = [before.inputs[0], *node.inputs[1:]], []
    at = OPERATORS[node.op].weight_input
    if at is not None and inputs[at] is not None:
        weights = graph.tensors[inputs[at] or ""]
        turned = np.ascontiguousarray(weights.values.transpose(_SWAP))
        constants = [Tensor.constant(fresh(graph, weights.name), turned, weights.quant)]
        inputs[at] = constants[0].name
    return sink(graph, node, inputs, replace(attrs, window=window), _SWAP, constants)
