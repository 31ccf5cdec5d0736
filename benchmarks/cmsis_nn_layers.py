"""The layers that are held beside CMSIS-NN's: shapes of audio networks, int8 and int16."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from benchmarks.calibration.layers import (
    INT8,
    INT16,
    Layers,
    arithmetic,
    conv,
    depthwise,
    pool,
    random_values,
    same,
)
from toolkit.ir import DType, Graph, QuantParams, Shape
from toolkit.ops.fully_connected import FullyConnectedAttrs

#: Of a dense layer's weights.
_SCALE = 0.0075


@dataclass(frozen=True)
class Layer:
    """A layer's title, its element type, and what adds it to a graph."""

    title: str
    dtype: DType
    add_to: Callable[[Layers, DType], None]

    def add(self, net: Layers) -> None:
        """Add it with inputs and output of its own."""
        self.add_to(net, self.dtype)

    def graph(self) -> Graph:
        """A graph of this layer alone."""
        net = Layers(self.title)
        self.add(net)
        return net.builder.build()


def _both(title: str, add: Callable[[Layers, DType], None]) -> tuple[Layer, Layer]:
    return Layer(title, DType.INT8, add), Layer(title, DType.INT16, add)


def _conv(
    shape: Shape, out_c: int, taps: Shape, stride: Shape = (1, 1), dilation: int = 1
) -> tuple[Layer, Layer]:
    window = same(shape, taps, stride, dilation)
    title = f"conv {_taps(taps)}{_steps(stride, dilation)} {shape[2]}→{out_c}"
    return _both(title, lambda net, dtype: conv(net, shape, out_c, window, dtype))


def _depthwise(
    shape: Shape, taps: Shape, stride: Shape = (1, 1), dilation: int = 1, multiplier: int = 1
) -> tuple[Layer, Layer]:
    window = same(shape, taps, stride, dilation)
    times = f" ×{multiplier}" if multiplier > 1 else ""
    title = f"depthwise {_taps(taps)}{_steps(stride, dilation)} {shape[2]}{times}"
    return _both(title, lambda net, dtype: depthwise(net, shape, window, multiplier, dtype))


def _dense(inputs: int, outputs: int) -> tuple[Layer, Layer]:
    """One scale for all outputs, as converters make them."""

    def add(net: Layers, dtype: DType) -> None:
        x = net.input((1, inputs), INT16 if dtype is DType.INT16 else INT8, dtype)
        tensor, shape = net.builder.tensors[x], (outputs, inputs)
        _, bias, out = net.weights(shape, 0, inputs, tensor)
        biases = net.builder.tensors[bias].values
        scales = [QuantParams.per_tensor(s, 0) for s in (_SCALE, _SCALE * tensor.scale)]
        w = net.builder.constant("w", random_values(net.rng, shape, DType.INT8), scales[0])
        b = net.builder.constant("b", biases, scales[1])
        net.output(net.add("fully_connected", [x, w, b], FullyConnectedAttrs(), out, dtype))

    return _both(f"dense {inputs}→{outputs}", add)


def _pool(op: str, shape: Shape, size: int, stride: int) -> tuple[Layer, Layer]:
    window = same(shape, (size, size), (stride, stride))
    title = f"{op.removesuffix('_2d').replace('_', ' ')} {size}×{size}/{stride} {shape[2]}"
    return _both(title, lambda net, dtype: pool(net, op, shape, window, dtype))


def _pairs(op: str, shape: Shape) -> tuple[Layer, Layer]:
    title = f"{op} {'×'.join(map(str, shape))}"
    return _both(title, lambda net, dtype: arithmetic(net, op, shape, vector=False, dtype=dtype))


def _taps(taps: Shape) -> str:
    return f"{taps[0]}×{taps[1]}"


def _steps(stride: Shape, dilation: int) -> str:
    text = "" if stride == (1, 1) else f"/{stride[0]}×{stride[1]}"
    return text + (f" dilated {dilation}" if dilation > 1 else "")


LAYERS: tuple[Layer, ...] = (
    *_conv((10, 26, 13), 13, (3, 3)),
    *_conv((12, 12, 16), 16, (3, 3)),
    *_conv((8, 8, 32), 64, (3, 3), (2, 2)),
    *_conv((12, 12, 3), 16, (3, 3), (2, 2)),
    *_conv((12, 10, 64), 64, (1, 1)),
    *_conv((12, 10, 8), 16, (1, 1)),
    *_conv((12, 10, 16), 32, (1, 1)),
    *_conv((3, 3, 256), 64, (1, 1)),
    *_conv((1, 1, 64), 16, (1, 1)),
    *_conv((25, 10, 1), 64, (10, 4), (2, 2)),
    *_conv((48, 1, 20), 24, (5, 1)),
    *_conv((1, 48, 16), 24, (1, 5)),
    *_conv((48, 1, 16), 16, (3, 1), dilation=2),
    *_depthwise((12, 10, 64), (3, 3)),
    *_depthwise((12, 12, 16), (3, 3), (2, 2)),
    *_depthwise((12, 10, 30), (3, 3)),
    *_depthwise((49, 40, 1), (10, 8), (2, 2), multiplier=8),
    *_depthwise((12, 10, 8), (3, 3), multiplier=2),
    *_depthwise((48, 1, 32), (9, 1)),
    *_depthwise((1, 48, 32), (1, 5)),
    *_depthwise((48, 1, 32), (3, 1), dilation=4),
    *_depthwise((12, 10, 2), (3, 3)),
    *_depthwise((12, 12, 24), (5, 5)),
    *_dense(640, 128),
    *_dense(128, 128),
    *_dense(64, 12),
    *_dense(30, 7),
    *_pool("average_pool_2d", (12, 12, 16), 3, 1),
    *_pool("average_pool_2d", (12, 12, 16), 2, 2),
    *_pool("max_pool_2d", (12, 12, 16), 2, 2),
    *_pairs("add", (12, 10, 16)),
    *_pairs("mul", (12, 10, 16)),
)
