"""Lowering of transposed convolutions: one dense convolution that makes all the values between two
input positions at once, as channels, and a reshape that lines them up.

No zeros are put between the input's values, and a transposed convolution that stretches the width
alone (frequencies) takes each row by itself, so that it streams.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from toolkit.errors import ModelError
from toolkit.frontend.lowering import Lower, Lowering, attribute, unsupported
from toolkit.frontend.node import OnnxNode
from toolkit.frontend.shapes import part
from toolkit.ir.tensor import Array
from toolkit.ops.parts.phases import ONE, Phases, dense_kernel, phases
from toolkit.ops.parts.window import Padding, Window, WindowedAttrs
from toolkit.ops.strided_slice import WHOLE, StridedSliceAttrs


def conv_transpose(low: Lowering, node: OnnxNode) -> str:
    """ConvTranspose; groups of several channels each on their own."""
    weights = low.constant(node, 1)
    rank, shape = weights.ndim - 2, low.shape(node.inputs[0])
    groups = attribute(node, "group", int, 1)
    if rank != len(shape) - 2 or weights.shape[0] != shape[1]:
        raise ModelError(
            f"node {node.name!r} (ConvTranspose): weights {list(weights.shape)} for an input "
            f"{list(shape)}."
        )
    if rank not in (1, 2):
        raise unsupported(node, f"windows must be 1-D or 2-D; got {rank}-D")
    if groups < 1 or shape[1] % groups:
        raise ModelError(f"node {node.name!r} (ConvTranspose): {groups} groups of {shape[1]}.")
    axes = _axes(low, node, weights.shape[2:], shape[2:])
    height, width = (*axes, ONE)[:2]
    spread = weights.reshape(*weights.shape, *[1] * (2 - rank))
    x, bias = low.value(node.inputs[0]), low.optional(node, 2)
    if groups == 1 or (groups == shape[1] and weights.shape[1] == 1):
        return _made(low, node, x, (spread, bias), height, width, groups > 1)
    parts, ins, outs = [], shape[1] // groups, weights.shape[1]
    for group in range(groups):
        mine = [slice(None)] * len(shape)
        mine[1] = slice(group * ins, (group + 1) * ins)
        source = part(low, replace(node, outputs=(f"{node.outputs[0]}@group",)), x, mine)
        offsets = None if bias is None else bias[group * outs : (group + 1) * outs]
        constants = spread[mine[1]], offsets
        parts.append(_made(low, node, source, constants, height, width, False))
    return low.join(parts, 1, node)


def _made(
    low: Lowering,
    node: OnnxNode,
    x: str,
    constants: tuple[Array, Array | None],
    height: Phases,
    width: Phases,
    depthwise: bool,
) -> str:
    """One group of weights ``[in, out, kh, kw]`` and bias, or one a channel (``depthwise``)."""
    kernel, bias = dense_kernel(constants[0], height, width), constants[1]
    if depthwise:  # [C, 1, ph, pw, kh, kw]: channel c makes its phases one after the other
        c, _, ph, pw, kh, kw = kernel.shape
        matrix = kernel.reshape(c * ph * pw, kh, kw).transpose(1, 2, 0)[None]
        offsets = None if bias is None else np.repeat(bias, ph * pw)
    else:
        c, outputs, ph, pw, kh, kw = kernel.shape
        matrix = kernel.transpose(2, 3, 1, 4, 5, 0).reshape(ph * pw * outputs, kh, kw, c)
        offsets = None if bias is None else np.tile(bias, ph * pw)
    window = Window(kh, kw, padding=Padding(height.before, height.after, width.before, width.after))

    def emit(nhwc: str) -> str:
        constants = [matrix] if offsets is None else [matrix, offsets]
        names = [
            low.builder.constant(low_name, np.ascontiguousarray(values, np.float32))
            for low_name, values in zip(node.inputs[1:], constants, strict=False)
        ]
        inner = replace(node, outputs=(f"{node.outputs[0]}@phases",))
        op = "depthwise_conv_2d" if depthwise else "conv_2d"
        phases = low.append(op, [nhwc, *names], WindowedAttrs(window), inner)
        return _lined_up(low, node, phases, height, width, depthwise)

    return low.spatial(x, node, emit)


def _lined_up(
    low: Lowering, node: OnnxNode, phases: str, height: Phases, width: Phases, depthwise: bool
) -> str:
    """The phases of each position one after the other, cut to what is made."""
    batch, rows, columns, channels = low.tensor_shape(phases)
    ph, pw = height.phases, width.phases
    outputs = channels // (ph * pw)
    if depthwise and ph * pw > 1:
        apart = low.reshape(phases, (batch * rows, columns, outputs, ph * pw))
        phases = low.transpose(apart, (0, 1, 3, 2))
    if ph > 1:
        apart = low.reshape(phases, (batch * rows, columns, ph, pw * outputs))
        phases = low.transpose(apart, (0, 2, 1, 3))
    whole = low.reshape(phases, (batch, rows * ph, columns * pw, outputs))
    if (rows * ph, columns * pw) == (height.made, width.made):
        return whole
    parts = [
        WHOLE if have == axis.made else (0, axis.made - have, 1)
        for axis, have in ((height, rows * ph), (width, columns * pw))
    ]
    return low.append("strided_slice", [whole], StridedSliceAttrs((WHOLE, *parts, WHOLE)), node)


def _axes(
    low: Lowering, node: OnnxNode, kernel: tuple[int, ...], spatial: tuple[int, ...]
) -> list[Phases]:
    rank = len(kernel)
    strides, dilations, extra = (
        attribute(node, key, tuple, (default,) * rank)
        for key, default in (("strides", 1), ("dilations", 1), ("output_padding", 0))
    )
    pads = attribute(node, "pads", tuple, (0,) * 2 * rank)
    stated = attribute(node, "output_shape", tuple, ())
    rule = attribute(node, "auto_pad", str, "NOTSET")
    if attribute(node, "kernel_shape", tuple, kernel) != kernel:
        raise ModelError(f"node {node.name!r} (ConvTranspose): kernel_shape is not {kernel}.")
    if stated or rule not in ("NOTSET", "VALID"):
        raise unsupported(
            node,
            "output_shape or auto_pad, which tools read differently",
            hint="State pads and output_padding.",
        )
    if rule == "VALID":
        pads = (0,) * 2 * rank
    if min(*strides, *dilations) < 1 or min(*pads, *extra) < 0 or len(pads) != 2 * rank:
        raise unsupported(node, f"strides {strides}, dilations {dilations}, pads {pads}")
    longer = [extra[i] - pads[i] - pads[rank + i] for i in range(rank)]
    found = []
    for i, size in enumerate(spatial):
        made = (size - 1) * strides[i] + (kernel[i] - 1) * dilations[i] + 1 + longer[i]
        if made < 1:
            raise ModelError(f"node {node.name!r} (ConvTranspose): nothing is made of {size}.")
        found.append(phases(size, made, kernel[i], strides[i], dilations[i], pads[i]))
    return found


LOWERINGS: dict[str, Lower] = {"ConvTranspose": conv_transpose}
