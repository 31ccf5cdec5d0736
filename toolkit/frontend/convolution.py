"""Lowering of convolutions, pools and batch normalisation, one- and two-dimensional."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np

from toolkit.errors import ModelError
from toolkit.frontend.lowering import Lower, Lowering, attribute, has_input, no_effect, unsupported
from toolkit.frontend.node import OnnxNode
from toolkit.ir import Shape
from toolkit.ir.tensor import Array
from toolkit.ops.average_pool_padded import average_pool_op
from toolkit.ops.pad import PadAttrs
from toolkit.ops.parts.window import Padding, Window, WindowedAttrs, same_padding
from toolkit.ops.strided_slice import StridedSliceAttrs

#: Groups of a convolution; each becomes one of its own.
MAX_GROUPS = 16


def conv(low: Lowering, node: OnnxNode) -> str:
    """Conv, dense or depthwise."""
    weights = low.constant(node, 1)
    spatial = low.shape(node.inputs[0])[2:]
    if weights.ndim != 2 + len(spatial):
        raise ModelError(
            f"node {node.name!r} (Conv): weights of {weights.ndim} dimensions for an input of "
            f"{2 + len(spatial)}."
        )
    channels, groups = low.shape(node.inputs[0])[1], attribute(node, "group", int, 1)
    if weights.shape[1] * groups != channels or weights.shape[0] % groups:
        raise ModelError(
            f"node {node.name!r} (Conv): {channels} input channels, but weights "
            f"{list(weights.shape)} in {groups} groups."
        )
    if attribute(node, "kernel_shape", tuple, weights.shape[2:]) != weights.shape[2:]:
        raise ModelError(
            f"node {node.name!r} (Conv): kernel_shape {list(node.attrs['kernel_shape'])}, but "
            f"weights {list(weights.shape)}."
        )
    window = _window(node, weights.shape[2:], spatial)
    kernel = weights.reshape(*weights.shape[:2], *_two(weights.shape[2:]))
    depthwise = groups == channels and groups > 1
    if groups > 1 and not depthwise:
        return _grouped(low, node, kernel, window, groups)
    order = (1, 2, 3, 0) if depthwise else (0, 2, 3, 1)
    ohwi = np.ascontiguousarray(kernel.transpose(order))
    inputs = [low.weights(node.inputs[1], ohwi, axis=3 if depthwise else 0)]
    if has_input(node, 2):
        inputs.append(low.weights(node.inputs[2], low.constant(node, 2), axis=0))
    op = "depthwise_conv_2d" if depthwise else "conv_2d"
    attrs = WindowedAttrs(window)
    x = low.value(node.inputs[0])
    return low.spatial(x, node, lambda nhwc: low.append(op, [nhwc, *inputs], attrs, node))


def _grouped(low: Lowering, node: OnnxNode, kernel: Array, window: Window, groups: int) -> str:
    """A convolution of each group's channels, and what they give side by side."""
    if groups > MAX_GROUPS:
        raise unsupported(
            node,
            f"at most {MAX_GROUPS} groups, or one a channel; got {groups}",
            hint="Use fewer groups, or a depthwise and a 1x1 convolution.",
        )
    bias = low.optional(node, 2)
    outputs, depth = kernel.shape[0] // groups, kernel.shape[1]

    def emit(nhwc: str) -> str:
        results = []
        inner = replace(node, outputs=(f"{node.outputs[0]}@group",))
        for group in range(groups):
            rows = slice(group * outputs, (group + 1) * outputs)
            channels = (group * depth, None if group == groups - 1 else (group + 1) * depth, 1)
            part = StridedSliceAttrs((*[(0, None, 1)] * 3, channels))
            ohwi = np.ascontiguousarray(kernel[rows].transpose(0, 2, 3, 1))
            inputs = [
                low.append("strided_slice", [nhwc], part, inner),
                low.weights(node.inputs[1], ohwi, axis=0, rows=rows),
            ]
            if bias is not None:
                inputs.append(low.weights(node.inputs[2], bias[rows], axis=0, rows=rows))
            results.append(low.append("conv_2d", inputs, WindowedAttrs(window), inner))
        return low.join(results, 3, node)

    return low.spatial(low.value(node.inputs[0]), node, emit)


def global_max_pool(low: Lowering, node: OnnxNode) -> str:
    """GlobalMaxPool: one window over the whole extent."""
    window = Window(*_two(low.shape(node.inputs[0])[2:]))
    x = low.value(node.inputs[0])
    attrs = WindowedAttrs(window)
    return low.spatial(x, node, lambda nhwc: low.append("max_pool_2d", [nhwc], attrs, node))


def max_pool(low: Lowering, node: OnnxNode) -> str:
    """MaxPool; the padding never wins."""
    no_effect(node, "storage_order")  # of the indices, which are not made
    window = _pool_window(low, node)
    attrs = WindowedAttrs(window)
    x = low.value(node.inputs[0])
    return low.spatial(x, node, lambda nhwc: low.append("max_pool_2d", [nhwc], attrs, node))


def average_pool(low: Lowering, node: OnnxNode) -> str:
    """AveragePool; padding that counts in the mean becomes explicit zeros, but for what windows
    reach beyond it by ``ceil_mode``."""
    window = _pool_window(low, node)
    edges = Padding()
    if attribute(node, "count_include_pad", int, 0):
        p = window.padding
        same = attribute(node, "auto_pad", str, "NOTSET").startswith("SAME")
        edges = p if same else _stated_padding(node, len(low.shape(node.inputs[0])) - 2)
        rest = Padding(0, p.bottom - edges.bottom, 0, p.right - edges.right)
        window = replace(window, padding=rest)

    def emit(nhwc: str) -> str:
        if edges != Padding():
            pads = PadAttrs(((0, 0), (edges.top, edges.bottom), (edges.left, edges.right), (0, 0)))
            nhwc = low.append("pad", [nhwc], pads, node)
        op = average_pool_op(window, low.builder.tensors[nhwc])
        return low.append(op, [nhwc], WindowedAttrs(window), node)

    return low.spatial(low.value(node.inputs[0]), node, emit)


def batch_normalization(low: Lowering, node: OnnxNode) -> str:
    """BatchNormalization in inference: one multiplication and one addition per channel."""
    if attribute(node, "training_mode", int, 0):
        raise unsupported(node, "training mode", hint="Export the model in evaluation mode.")
    if low.opset < 14 and any(node.outputs[1:]):
        raise unsupported(node, "training mode", hint="Export the model in evaluation mode.")
    no_effect(node, "momentum")  # of training
    gamma, beta, mean, variance = (low.constant(node, i) for i in range(1, 5))
    epsilon = attribute(node, "epsilon", float, 1e-5)
    deviation = np.sqrt(variance.astype(np.float64) + epsilon)
    if not (deviation > 0).all():
        raise ModelError(f"node {node.name!r} (BatchNormalization): variances must be positive.")
    factor = gamma / deviation
    x = low.value(node.inputs[0])
    per_channel = (1, -1, *(1,) * (len(low.tensor_shape(x)) - 2))
    scaled = low.multiply(x, factor.reshape(per_channel), node)
    return low.add(scaled, (beta - mean * factor).reshape(per_channel), node)


def _two(values: tuple[int, ...]) -> tuple[int, int]:
    """Rows and columns; a one-dimensional window is a column of one."""
    return (values[0], values[1]) if len(values) == 2 else (values[0], 1)


def _pool_window(low: Lowering, node: OnnxNode) -> Window:
    kernel = attribute(node, "kernel_shape", tuple, ())
    spatial = low.shape(node.inputs[0])[2:]
    if len(kernel) != len(spatial):
        raise ModelError(f"node {node.name!r} ({node.op}): kernel {kernel} for {len(spatial)}-D.")
    window = _window(node, kernel, spatial)
    if (window.dilation_h, window.dilation_w) != (1, 1):
        raise unsupported(node, "a dilated pool", hint="Use a convolution, or no dilation.")
    return window


def _window(node: OnnxNode, kernel: Shape, spatial: Shape) -> Window:
    if len(kernel) not in (1, 2):
        raise unsupported(node, f"windows must be 1-D or 2-D; got {len(kernel)}-D")
    stride, dilation = (
        attribute(node, key, tuple, (1,) * len(kernel)) for key in ("strides", "dilations")
    )
    if not len(stride) == len(dilation) == len(kernel) or min(*kernel, *stride, *dilation) < 1:
        raise ModelError(
            f"node {node.name!r} ({node.op}): kernel {kernel}, strides {stride} and dilations "
            f"{dilation} must be positive and of equal length."
        )
    window = Window(*_two(kernel), *_two(stride), *_two(dilation))
    in_h, in_w = _two(tuple(spatial))
    window = replace(window, padding=_padding(node, window, in_h, in_w, len(kernel)))
    if min(window.output_hw(in_h, in_w)) < 1:
        raise ModelError(
            f"node {node.name!r} ({node.op}): a window of {kernel} does not fit in {spatial}.",
            hint="Give the model more rows.",
        )
    return window


def _padding(node: OnnxNode, window: Window, in_h: int, in_w: int, rank: int) -> Padding:
    rule = attribute(node, "auto_pad", str, "NOTSET")
    if rule in ("SAME_UPPER", "SAME_LOWER"):
        missing = [
            (math.ceil(size / stride) - 1) * stride + span - size
            for size, stride, span in (
                (in_h, window.stride_h, window.span_h),
                (in_w, window.stride_w, window.span_w),
            )
        ]
        if min(missing) < -1:  # onnxruntime starts behind the first value, TensorFlow at it
            raise unsupported(
                node,
                f"{rule} with strides beyond the window, which tools read differently",
                hint="State pads instead of auto_pad.",
            )
        same = same_padding(window, in_h, in_w)
        if rule == "SAME_UPPER":
            return same
        return Padding(same.bottom, same.top, same.right, same.left)
    stated = _stated_padding(node, rank)
    if not attribute(node, "ceil_mode", int, 0):
        return stated
    return replace(
        stated,
        bottom=_reached(stated.bottom, window.span_h, window.stride_h),
        right=_reached(stated.right, window.span_w, window.stride_w),
    )


def _stated_padding(node: OnnxNode, rank: int) -> Padding:
    """The padding that ``pads`` says, in rows and columns."""
    rule, pads = (
        attribute(node, "auto_pad", str, "NOTSET"),
        attribute(node, "pads", tuple, (0,) * 2 * rank),
    )
    if rule == "VALID":
        pads = (0,) * 2 * rank
    elif rule != "NOTSET" or len(pads) != 2 * rank or min(pads) < 0:
        raise unsupported(node, f"padding {rule} {pads}")
    (top, left), (bottom, right) = _edges(pads[:rank]), _edges(pads[rank:])
    return Padding(top, bottom, left, right)


def _edges(values: tuple[int, ...]) -> tuple[int, int]:
    return (values[0], values[1]) if len(values) == 2 else (values[0], 0)


def _reached(after: int, span: int, stride: int) -> int:
    """Trailing padding that rounds the output size up, at any size of the input; no window begins
    behind its last value."""
    return max(after, min(after + stride - 1, span - 1))


LOWERINGS: dict[str, Lower] = {
    "AveragePool": average_pool,
    "BatchNormalization": batch_normalization,
    "Conv": conv,
    "GlobalMaxPool": global_max_pool,
    "MaxPool": max_pool,
}
