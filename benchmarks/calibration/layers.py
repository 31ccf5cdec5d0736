"""Layers like those of audio networks, collected in a graph; their weights are random with a fixed
seed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from toolkit.ir import DType, GraphBuilder, Node, QuantParams, Shape, Tensor
from toolkit.ir.tensor import Array
from toolkit.ops import OPERATORS
from toolkit.ops.attention_pool import AttentionPoolAttrs, weight_table
from toolkit.ops.batch_matmul import BatchMatmulAttrs
from toolkit.ops.concatenation import ConcatenationAttrs
from toolkit.ops.fully_connected import FullyConnectedAttrs
from toolkit.ops.mean import MeanAttrs
from toolkit.ops.numerics.activation import Activation
from toolkit.ops.parts.arithmetic import ArithmeticAttrs
from toolkit.ops.parts.base import NodeView
from toolkit.ops.parts.window import Window, WindowedAttrs, same_padding

#: Standard deviation of uniform int8 values, and that aimed at for outputs.
_SPREAD, _OUT_SPREAD = 74.0, 40.0
INT8 = QuantParams.per_tensor(0.05, -10)
AFTER_RELU = QuantParams.per_tensor(0.05, -128)
INT16 = QuantParams.per_tensor(0.0005, 0)
WIDER = QuantParams.per_tensor(0.0007, 0)
_QUANT = {DType.INT8: INT8, DType.INT16: INT16}


@dataclass
class Layers:
    """Collects layers in one graph; with ``shared`` all of them read that one tensor, ``wide``
    its int16 form."""

    name: str
    shared: Tensor | None = None
    wide: bool = False
    builder: GraphBuilder = field(init=False)
    rng: np.random.Generator = field(init=False)
    source: str = field(init=False, default="")

    def __post_init__(self) -> None:
        self.builder = GraphBuilder(self.name)
        self.rng = np.random.default_rng(len(self.name))
        if self.shared is not None:
            self.source = self.builder.add_input(self.shared)
        if self.wide:
            self.source = self.add("quantize", [self.source], None, INT16, DType.INT16)

    def input(self, shape: Shape, quant: QuantParams = INT8, dtype: DType = DType.INT8) -> str:
        """An input of the graph, the shared one where there is one."""
        if self.source:
            return self.source
        return self.builder.add_input(Tensor("x", shape, dtype, quant))

    def add(
        self,
        op: str,
        inputs: Sequence[str | None],
        attrs: object,
        quant: QuantParams = INT8,
        dtype: DType = DType.INT8,
    ) -> str:
        """A node whose output has the shape that its operator infers."""
        tensors = tuple(None if n is None else self.builder.tensors[n] for n in inputs)
        bare = NodeView(Node("", op, tuple(inputs), (), attrs), tensors, (), attrs)
        shape = OPERATORS[op].infer_shape(bare)
        return self.builder.add_node(op, inputs, Tensor("y", shape, dtype, quant), attrs, op)

    def output(self, name: str) -> None:
        """Keep a result: an output of the graph, averaged over time first where it is streamed."""
        if self.shared is not None:
            tensor = self.builder.tensors[name]
            quant = tensor.quant or INT8
            name = self.add("mean", [name], MeanAttrs((1,)), quant, tensor.dtype)
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
            self.builder.constant("w", random_values(self.rng, shape, DType.INT8), per_channel),
            self.builder.constant(
                "b",
                values.astype(np.int64 if wide else np.int32),
                QuantParams(tuple(map(float, bias)), (0,) * channels, 0),
            ),
            QuantParams.per_tensor(spread / _OUT_SPREAD, 0 if wide else -128),
        )


def add_conv(net: Layers, x: str, channels: int, window: Window) -> str:
    """A convolution with ReLU behind ``x``."""
    tensor = net.builder.tensors[x]
    taps, depth = (window.kernel_h, window.kernel_w), tensor.shape[3]
    weights, bias, quant = net.weights(
        (channels, *taps, depth), 0, taps[0] * taps[1] * depth, tensor
    )
    attrs = WindowedAttrs(window, Activation.RELU)
    return net.add("conv_2d", [x, weights, bias], attrs, quant, tensor.dtype)


def add_depthwise(net: Layers, x: str, window: Window, multiplier: int = 1) -> str:
    """A depthwise convolution with ReLU behind ``x``."""
    tensor = net.builder.tensors[x]
    taps = (window.kernel_h, window.kernel_w)
    weights, bias, quant = net.weights(
        (1, *taps, tensor.shape[3] * multiplier), 3, taps[0] * taps[1], tensor
    )
    attrs = WindowedAttrs(window, Activation.RELU)
    return net.add("depthwise_conv_2d", [x, weights, bias], attrs, quant, tensor.dtype)


def add_dense(net: Layers, x: str, outputs: int) -> str:
    """A dense layer behind ``x``."""
    tensor = net.builder.tensors[x]
    depth = tensor.shape[-1]
    weights, bias, quant = net.weights((outputs, depth), 0, depth, tensor)
    inputs = [x, weights, bias]
    return net.add("fully_connected", inputs, FullyConnectedAttrs(), quant, tensor.dtype)


def conv(
    layers: Layers, shape: Shape, out_c: int, window: Window, dtype: DType = DType.INT8
) -> None:
    """``shape`` is height, width and channels of the input."""
    x = layers.input((1, *shape), activation_quant(dtype), dtype)
    layers.output(add_conv(layers, x, out_c, window))


def depthwise(
    layers: Layers,
    shape: Shape,
    window: Window,
    multiplier: int = 1,
    dtype: DType = DType.INT8,
) -> None:
    x = layers.input((1, *shape), activation_quant(dtype), dtype)
    layers.output(add_depthwise(layers, x, window, multiplier))


def pool(layers: Layers, op: str, shape: Shape, window: Window, dtype: DType = DType.INT8) -> None:
    x = layers.input((1, *shape), _QUANT[dtype], dtype)
    quant = layers.builder.tensors[x].quant
    assert quant is not None
    layers.output(layers.add(op, [x], WindowedAttrs(window), quant, dtype))


def dense(layers: Layers, batches: int, inputs: int, outputs: int, dtype: DType) -> None:
    x = layers.input((batches, inputs), _QUANT[dtype], dtype)
    tensor = layers.builder.tensors[x]
    weights, bias, quant = layers.weights((outputs, inputs), 0, inputs, tensor)
    if dtype is DType.INT16:
        quant = QuantParams.per_tensor(quant.tensor_scale / 200, 0)
    layers.output(
        layers.add("fully_connected", [x, weights, bias], FullyConnectedAttrs(), quant, dtype)
    )


def arithmetic(
    layers: Layers, op: str, shape: Shape, vector: bool, dtype: DType = DType.INT8
) -> None:
    """Two activations, or one and a constant for every channel."""
    wide = dtype is DType.INT16
    a = layers.input((1, *shape), _QUANT[dtype], dtype)
    tensor = layers.builder.tensors[a]
    if vector:
        values = random_values(layers.rng, tensor.shape[-1:], dtype)
        quant = QuantParams.per_tensor(0.0004, 0) if wide else QuantParams.per_tensor(0.04, 3)
        b = layers.builder.constant("c", values, quant)
    else:
        quant = QuantParams.per_tensor(0.0003, 0) if wide else QuantParams.per_tensor(0.03, 7)
        b = layers.input((1, *shape), quant, dtype)
    scale = 0.2 if op == "mul" else 0.09
    quant = QuantParams.per_tensor(scale / 100, 0) if wide else QuantParams.per_tensor(scale, -4)
    layers.output(layers.add(op, [a, b], ArithmeticAttrs(), quant, dtype))


def unary(
    layers: Layers,
    op: str,
    shape: Shape,
    attrs: object = None,
    quants: tuple[QuantParams, QuantParams] = (INT8, INT8),
    dtypes: tuple[DType, DType] = (DType.INT8, DType.INT8),
) -> None:
    x = layers.input(shape, quants[0], dtypes[0])
    layers.output(layers.add(op, [x], attrs, quants[1], dtypes[1]))


def attention(layers: Layers, shape: Shape, dtype: DType) -> None:
    """Height is time."""
    lin, logits = (layers.input((1, *shape), INT8) for _ in range(2))
    table = layers.builder.constant("t", weight_table(INT8.tensor_scale))
    quant = QuantParams.per_tensor(0.05, 0) if dtype is DType.INT8 else INT16
    inputs = [lin, logits, table]
    name = layers.add("attention_pool", inputs, AttentionPoolAttrs(), quant, dtype)
    layers.builder.outputs.append(name)


def matmul(layers: Layers, sizes: Shape, dtype: DType, adj_y: bool) -> None:
    """``sizes``: batches, rows, depth, columns."""
    batches, rows, depth, columns = sizes
    quant = _QUANT[dtype]
    x = layers.input((batches, rows, depth), quant, dtype)
    y = layers.input(
        (batches, columns, depth) if adj_y else (batches, depth, columns), quant, dtype
    )
    high = 2**15 if dtype is DType.INT16 else 2**7
    out = QuantParams.per_tensor(quant.tensor_scale**2 * high * depth**0.5, 0)
    layers.output(layers.add("batch_matmul", [x, y], BatchMatmulAttrs(False, adj_y), out, dtype))


def join(layers: Layers, shapes: Sequence[Shape], axis: int, dtype: DType = DType.INT8) -> None:
    quant = _QUANT[dtype]
    inputs = [layers.input(shape, quant, dtype) for shape in shapes]
    layers.output(layers.add("concatenation", inputs, ConcatenationAttrs(axis), quant, dtype))


def same(shape: Shape, kernel: Shape, stride: Shape = (1, 1), dilation: int = 1) -> Window:
    """A window with TFLite's SAME padding for an input of that height and width."""
    window = Window(kernel[0], kernel[1], stride[0], stride[1], dilation, 1)
    return replace(window, padding=same_padding(window, *shape[:2]))


def activation_quant(dtype: DType) -> QuantParams:
    return INT16 if dtype is DType.INT16 else AFTER_RELU


def random_values(rng: np.random.Generator, shape: Shape, dtype: DType) -> Array:
    low, high = dtype.limits
    return rng.integers(low + 1, high, shape, dtype.numpy, endpoint=True)
