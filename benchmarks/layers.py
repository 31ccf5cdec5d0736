"""Layers like those of audio networks, each an operator of its own, to calibrate predictions with.

Shapes are like those of published networks but none of theirs, so that a network's own cycles stay
a test of what is fitted here.  Weights and inputs are random with a fixed seed.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from toolkit.ir import DType, Graph, GraphBuilder, Node, QuantParams, Shape, Tensor
from toolkit.ir.tensor import Array
from toolkit.ops import OPERATORS
from toolkit.ops.activation import Activation
from toolkit.ops.arithmetic import ArithmeticAttrs
from toolkit.ops.attention_pool import AttentionPoolAttrs, weight_table
from toolkit.ops.base import NodeView
from toolkit.ops.batch_matmul import BatchMatmulAttrs
from toolkit.ops.concatenation import ConcatenationAttrs
from toolkit.ops.fully_connected import FullyConnectedAttrs
from toolkit.ops.mean import MeanAttrs
from toolkit.ops.pad import PadAttrs
from toolkit.ops.softmax import SoftmaxAttrs
from toolkit.ops.transpose import TransposeAttrs
from toolkit.ops.window import Padding, Window, WindowedAttrs, same_padding

#: Standard deviation of uniform int8 values, and that aimed at for outputs.
_SPREAD, _OUT_SPREAD = 74.0, 40.0
_INT8 = QuantParams.per_tensor(0.05, -10)
_AFTER_RELU = QuantParams.per_tensor(0.05, -128)
_INT16 = QuantParams.per_tensor(0.0005, 0)
_WIDER = QuantParams.per_tensor(0.0007, 0)


@dataclass
class Layers:
    """Collects layers in one graph; with ``shared`` all of them read that one tensor."""

    name: str
    shared: Tensor | None = None
    builder: GraphBuilder = field(init=False)
    rng: np.random.Generator = field(init=False)

    def __post_init__(self) -> None:
        self.builder = GraphBuilder(self.name)
        self.rng = np.random.default_rng(len(self.name))
        if self.shared is not None:
            self.builder.add_input(self.shared)

    def input(self, shape: Shape, quant: QuantParams = _INT8, dtype: DType = DType.INT8) -> str:
        """An input of the graph, the shared one where there is one."""
        if self.shared is not None:
            return self.builder.inputs[0]
        return self.builder.add_input(Tensor("x", shape, dtype, quant))

    def add(
        self,
        op: str,
        inputs: Sequence[str],
        attrs: object,
        quant: QuantParams = _INT8,
        dtype: DType = DType.INT8,
    ) -> str:
        """A node whose output has the shape that its operator infers."""
        tensors = tuple(self.builder.tensors[name] for name in inputs)
        bare = NodeView(Node("", op, tuple(inputs), (), attrs), tensors, (), attrs)
        shape = OPERATORS[op].infer_shape(bare)
        return self.builder.add_node(op, inputs, Tensor("y", shape, dtype, quant), attrs, op)

    def output(self, name: str) -> None:
        """Keep a result: an output of the graph, averaged over time first where it is streamed."""
        if self.shared is not None:
            name = self.add(
                "mean", [name], MeanAttrs((1,)), self.builder.tensors[name].quant or _INT8
            )
        self.builder.outputs.append(name)

    def weights(
        self, shape: Shape, axis: int, depth: int, x: Tensor
    ) -> tuple[str, str, QuantParams]:
        """Weights with a scale a channel, their bias, and an output quantisation to suit."""
        channels = shape[axis]
        scales = self.rng.uniform(0.005, 0.01, channels).astype(np.float32)
        spread = _SPREAD**2 * depth**0.5 * x.scale * 0.0075
        wide = x.dtype is DType.INT16
        per_channel = QuantParams(tuple(map(float, scales)), (0,) * channels, axis)
        bias = scales * np.float32(x.scale)
        values = self.rng.integers(-2000, 2000, channels)
        return (
            self.builder.constant("w", _random(self.rng, shape, DType.INT8), per_channel),
            self.builder.constant(
                "b",
                values.astype(np.int64 if wide else np.int32),
                QuantParams(tuple(map(float, bias)), (0,) * channels, 0),
            ),
            QuantParams.per_tensor(spread / _OUT_SPREAD, 0 if wide else -128),
        )


def conv(layers: Layers, shape: Shape, out_c: int, window: Window) -> None:
    """``shape`` is height, width and channels of the input."""
    x = layers.input((1, *shape), _AFTER_RELU)
    tensor = layers.builder.tensors[x]
    taps = window.kernel_h * window.kernel_w
    weights, bias, quant = layers.weights(
        (out_c, window.kernel_h, window.kernel_w, tensor.shape[3]),
        0,
        taps * tensor.shape[3],
        tensor,
    )
    attrs = WindowedAttrs(window, Activation.RELU)
    layers.output(layers.add("conv_2d", [x, weights, bias], attrs, quant))


def depthwise(layers: Layers, shape: Shape, window: Window, multiplier: int = 1) -> None:
    x = layers.input((1, *shape), _AFTER_RELU)
    tensor = layers.builder.tensors[x]
    taps = window.kernel_h * window.kernel_w
    weights, bias, quant = layers.weights(
        (1, window.kernel_h, window.kernel_w, tensor.shape[3] * multiplier), 3, taps, tensor
    )
    attrs = WindowedAttrs(window, Activation.RELU)
    layers.output(layers.add("depthwise_conv_2d", [x, weights, bias], attrs, quant))


def pool(layers: Layers, op: str, shape: Shape, window: Window) -> None:
    x = layers.input((1, *shape))
    quant = layers.builder.tensors[x].quant
    assert quant is not None
    layers.output(layers.add(op, [x], WindowedAttrs(window), quant))


def dense(layers: Layers, batches: int, inputs: int, outputs: int, dtype: DType) -> None:
    x = layers.input((batches, inputs), _INT16 if dtype is DType.INT16 else _INT8, dtype)
    tensor = layers.builder.tensors[x]
    weights, bias, quant = layers.weights((outputs, inputs), 0, inputs, tensor)
    if dtype is DType.INT16:
        quant = QuantParams.per_tensor(quant.tensor_scale / 200, 0)
    layers.output(
        layers.add("fully_connected", [x, weights, bias], FullyConnectedAttrs(), quant, dtype)
    )


def arithmetic(layers: Layers, op: str, shape: Shape, vector: bool) -> None:
    """Two activations, or one and a constant for every channel."""
    a = layers.input((1, *shape))
    tensor = layers.builder.tensors[a]
    if vector:
        values = _random(layers.rng, tensor.shape[-1:], DType.INT8)
        b = layers.builder.constant("c", values, QuantParams.per_tensor(0.04, 3))
    else:
        b = layers.input((1, *shape), QuantParams.per_tensor(0.03, 7))
    quant = QuantParams.per_tensor(0.2 if op == "mul" else 0.09, -4)
    layers.output(layers.add(op, [a, b], ArithmeticAttrs(), quant))


def unary(
    layers: Layers,
    op: str,
    shape: Shape,
    attrs: object = None,
    quants: tuple[QuantParams, QuantParams] = (_INT8, _INT8),
    dtypes: tuple[DType, DType] = (DType.INT8, DType.INT8),
) -> None:
    x = layers.input(shape, quants[0], dtypes[0])
    layers.output(layers.add(op, [x], attrs, quants[1], dtypes[1]))


def attention(layers: Layers, shape: Shape, dtype: DType) -> None:
    """Height is time."""
    lin, logits = (layers.input((1, *shape), _INT8) for _ in range(2))
    table = layers.builder.constant("t", weight_table(_INT8.tensor_scale))
    quant = QuantParams.per_tensor(0.05, 0) if dtype is DType.INT8 else _INT16
    inputs = [lin, logits, table]
    name = layers.add("attention_pool", inputs, AttentionPoolAttrs(), quant, dtype)
    layers.builder.outputs.append(name)


def matmul(layers: Layers, sizes: Shape, dtype: DType, adj_y: bool) -> None:
    """``sizes``: batches, rows, depth, columns."""
    batches, rows, depth, columns = sizes
    quant = _INT16 if dtype is DType.INT16 else _INT8
    x = layers.input((batches, rows, depth), quant, dtype)
    y = layers.input(
        (batches, columns, depth) if adj_y else (batches, depth, columns), quant, dtype
    )
    high = 2**15 if dtype is DType.INT16 else 2**7
    out = QuantParams.per_tensor(quant.tensor_scale**2 * high * depth**0.5, 0)
    layers.output(layers.add("batch_matmul", [x, y], BatchMatmulAttrs(False, adj_y), out, dtype))


def join(layers: Layers, shapes: Sequence[Shape], axis: int) -> None:
    inputs = [layers.input(shape) for shape in shapes]
    layers.output(layers.add("concatenation", inputs, ConcatenationAttrs(axis)))


def same(shape: Shape, kernel: Shape, stride: Shape = (1, 1), dilation: int = 1) -> Window:
    """A window with TFLite's SAME padding for an input of that height and width."""
    window = Window(kernel[0], kernel[1], stride[0], stride[1], dilation, 1)
    return replace(window, padding=same_padding(window, *shape[:2]))


_ONE = Window(1, 1)
_HALF = Window(2, 2, 2, 2)
_POOL = Window(3, 3, 2, 2, padding=Padding(1, 1, 1, 1))

#: Height, width, input channels and output channels of 3x3 convolutions of stride 1.
_CONV_3X3 = (
    *((16, 20, 1, 8), (12, 24, 1, 16), (20, 14, 2, 12), (14, 20, 3, 16), (12, 20, 8, 8)),
    *((10, 24, 12, 12), (11, 25, 14, 14), (8, 26, 15, 11), (8, 12, 10, 14), (10, 16, 16, 20)),
    *((7, 9, 24, 24), (6, 10, 32, 24), (5, 6, 48, 40), (4, 12, 20, 64), (10, 30, 6, 10)),
)
#: The same of 1x1 convolutions.
_CONV_1X1 = (
    *((8, 16, 16, 32), (6, 11, 24, 24), (10, 13, 12, 14), (9, 10, 15, 15), (5, 6, 48, 56)),
    *((4, 5, 96, 40), (20, 12, 8, 20), (5, 7, 40, 64), (3, 9, 72, 72), (12, 12, 4, 16)),
)
#: Input, output channels, kernel, stride, dilation of the others.
_CONV_OTHER: tuple[tuple[Shape, int, Shape, Shape, int], ...] = (
    ((24, 12, 1), 24, (8, 6), (2, 2), 1),
    ((20, 10, 1), 40, (10, 3), (2, 1), 1),
    ((20, 20, 1), 16, (5, 5), (1, 1), 1),
    ((12, 12, 8), 12, (5, 5), (1, 1), 1),
    ((16, 10, 12), 20, (3, 5), (1, 1), 1),
    ((16, 16, 16), 24, (3, 3), (2, 2), 1),
    ((14, 18, 10), 16, (3, 3), (2, 2), 1),
    ((12, 12, 24), 32, (3, 3), (2, 1), 1),
    ((16, 16, 20), 40, (1, 1), (2, 2), 1),
    ((10, 16, 24), 36, (1, 1), (2, 2), 1),
    ((64, 1, 16), 24, (3, 1), (1, 1), 1),
    ((60, 1, 20), 20, (9, 1), (1, 1), 1),
    ((1, 64, 16), 24, (1, 5), (1, 1), 1),
    ((1, 60, 12), 32, (1, 9), (1, 2), 1),
    ((64, 1, 24), 24, (3, 1), (1, 1), 2),
)
_DEPTHWISE: tuple[tuple[Shape, Shape, Shape], ...] = (
    ((12, 10, 16), (3, 3), (1, 1)),
    ((14, 8, 24), (3, 3), (1, 1)),
    ((10, 12, 13), (3, 3), (1, 1)),
    ((8, 6, 48), (3, 3), (1, 1)),
    ((5, 7, 72), (3, 3), (1, 1)),
    ((14, 14, 32), (3, 3), (2, 2)),
    ((12, 10, 24), (5, 5), (1, 1)),
    ((64, 1, 24), (5, 1), (1, 1)),
    ((48, 1, 40), (9, 1), (1, 1)),
    ((1, 64, 16), (1, 9), (1, 1)),
)
_GRIDS: tuple[Shape, ...] = ((12, 13, 13), (8, 10, 24), (6, 20, 16), (5, 5, 48))
#: Batches, inputs and outputs of dense layers; batches, rows, depth and columns of products.
_DENSE = ((1, 72, 10), (1, 128, 12), (1, 300, 4), (1, 256, 48), (8, 40, 40), (1, 35, 7))
_PRODUCTS: tuple[Shape, ...] = ((1, 14, 14, 14), (1, 12, 40, 10), (4, 9, 16, 20), (1, 33, 24, 17))


def batch_graphs() -> tuple[Graph, ...]:
    """Every layer, as graphs of a moderate size whose layers are independent of each other."""
    return (_conv_3x3(), _conv_others(), _depthwise(), _elementwise(), _sums())


def stream_graphs() -> tuple[Graph, ...]:
    """Layers that are run row by row; all of a graph read its one input, time first."""
    return tuple(
        _streamed(shape) for shape in ((40, 20, 12), (40, 12, 15), (40, 10, 32), (40, 24, 1))
    )


def _conv_3x3() -> Graph:
    layers = Layers("conv_3x3")
    for *shape, out_c in _CONV_3X3:
        conv(layers, tuple(shape), out_c, same(tuple(shape), (3, 3)))
    return layers.builder.build()


def _conv_others() -> Graph:
    layers = Layers("conv_others")
    for *shape, out_c in _CONV_1X1:
        conv(layers, tuple(shape), out_c, _ONE)
    for size, out_c, kernel, stride, dilation in _CONV_OTHER:
        conv(layers, size, out_c, same(size, kernel, stride, dilation))
    return layers.builder.build()


def _depthwise() -> Graph:
    layers = Layers("depthwise")
    for shape, kernel, stride in _DEPTHWISE:
        depthwise(layers, shape, same(shape, kernel, stride))
    depthwise(layers, (16, 10, 1), same((16, 10, 1), (3, 3)), 16)
    depthwise(layers, (10, 8, 4), same((10, 8, 4), (5, 3), (2, 2)), 8)
    return layers.builder.build()


def _elementwise() -> Graph:
    """What handles values one by one, and pools."""
    layers, narrow, wide = Layers("elementwise"), DType.INT8, DType.INT16
    for height, width, channels in _GRIDS:
        grid = (height, width, channels)
        for op in ("max_pool_2d", "average_pool_2d"):
            pool(layers, op, grid, _HALF)
            pool(layers, op, grid, _POOL)
            pool(layers, op, grid, Window(height, width))
        for op in ("add", "sub", "mul"):
            arithmetic(layers, op, grid, vector=False)
            arithmetic(layers, op, grid, vector=True)
        shape = (1, *grid)
        unary(layers, "relu", shape)
        unary(layers, "tanh", shape, quants=(_INT8, QuantParams.per_tensor(1 / 128, 0)))
        unary(layers, "quantize", shape, quants=(_INT8, _AFTER_RELU))
        unary(layers, "quantize", shape, None, (_INT8, _INT16), (narrow, wide))
        unary(layers, "quantize", shape, None, (_INT16, _INT8), (wide, narrow))
        unary(layers, "quantize", shape, None, (_INT16, _WIDER), (wide, wide))
        unary(layers, "pad", shape, PadAttrs(((0, 0), (1, 1), (1, 1), (0, 0))))
        unary(layers, "transpose", shape, TransposeAttrs((0, 3, 1, 2)))
        join(layers, [shape, shape], 3)
        join(layers, [shape, shape, shape], 1)
    return layers.builder.build()


def _sums() -> Graph:
    """Dense layers, matrix products, softmax and means."""
    layers, narrow, wide = Layers("sums"), DType.INT8, DType.INT16
    for batches, inputs, outputs in _DENSE:
        dense(layers, batches, inputs, outputs, narrow)
        dense(layers, batches, inputs, outputs, wide)
    for sizes in _PRODUCTS:
        for adj_y in (False, True):
            matmul(layers, sizes, narrow, adj_y)
            matmul(layers, sizes, wide, adj_y)
    for rows, depth in ((1, 12), (10, 24), (26, 100), (4, 400)):
        out8, out16 = QuantParams.per_tensor(1 / 256, -128), QuantParams.per_tensor(1 / 32768, 0)
        unary(layers, "softmax", (rows, depth), SoftmaxAttrs(), (_INT8, out8))
        unary(layers, "softmax", (rows, depth), SoftmaxAttrs(), (_INT16, out16), (wide, wide))
    for grid in _GRIDS:
        unary(layers, "mean", (1, *grid), MeanAttrs((1, 2)))
        unary(layers, "mean", (1, *grid), MeanAttrs((1,)))
        attention(layers, grid, narrow)
        attention(layers, grid, wide)
    return layers.builder.build()


def _streamed(shape: Shape) -> Graph:
    layers = Layers("streamed", Tensor("x", (1, *shape), DType.INT8, _AFTER_RELU))
    channels = shape[2]
    for out_c in (8, channels + 3):
        conv(layers, shape, out_c, same(shape, (3, 3)))
        conv(layers, shape, out_c, _ONE)
    conv(layers, shape, 16, same(shape, (5, 3), (2, 2)))
    depthwise(layers, shape, same(shape, (3, 3)))
    depthwise(layers, shape, same(shape, (5, 3), (2, 2)))
    pool(layers, "max_pool_2d", shape, _POOL)
    pool(layers, "average_pool_2d", shape, _HALF)
    for op in ("add", "mul"):
        arithmetic(layers, op, shape, vector=True)
    attention(layers, shape, DType.INT8)
    return layers.builder.build()


def _random(rng: np.random.Generator, shape: Shape, dtype: DType) -> Array:
    low, high = dtype.limits
    return rng.integers(low + 1, high, shape, dtype.numpy, endpoint=True)
