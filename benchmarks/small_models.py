"""Small networks of common kinds with random weights, to test predictions on.

A keyword spotter on 1-D convolutions, an autoencoder, a MobileNet-like image classifier, and a
network whose later activations are int16.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from benchmarks.calibration.layers import Layers, add_conv, add_dense, add_depthwise, same
from toolkit.ir import DType, Graph, QuantParams, Shape
from toolkit.ops.mean import MeanAttrs
from toolkit.ops.parts.arithmetic import ArithmeticAttrs
from toolkit.ops.parts.window import Window, WindowedAttrs
from toolkit.ops.softmax import SoftmaxAttrs

_INPUT = QuantParams.per_tensor(0.05, -10)
_WIDE = QuantParams.per_tensor(0.001, 0)
_PROBABILITY = QuantParams.per_tensor(1 / 256, -128)


def keyword_1d() -> Graph:
    """98 frames of 40 features, four convolutions along time, 12 words."""
    net = Layers("keyword_1d")
    x = net.input((1, 98, 1, 40), _INPUT)
    for channels, stride in ((36, 1), (36, 2), (44, 2), (44, 1)):
        x = _conv(net, x, channels, (5, 1), (stride, 1))
    return _classifier(net, x, 12)


def autoencoder() -> Graph:
    """392 values through a bottleneck of 10."""
    net = Layers("autoencoder")
    x = net.input((1, 392), _INPUT)
    for width in (112, 112, 10, 112, 112, 392):
        x = add_dense(net, x, width)
    net.builder.outputs.append(x)
    return net.builder.build()


def mobile_net() -> Graph:
    """36 x 36 x 3, blocks of depthwise and pointwise convolutions, one of them residual."""
    net = Layers("mobile_net")
    x = _conv(net, net.input((1, 36, 36, 3), _INPUT), 10, (3, 3), (2, 2))
    for channels, stride in ((20, 1), (28, 2), (28, 1), (52, 2)):
        before = x
        x = _conv(net, _depthwise(net, x, stride), channels, (1, 1), (1, 1))
        if net.builder.tensors[before].shape == net.builder.tensors[x].shape:
            quant = net.builder.tensors[x].quant or _INPUT
            x = net.add("add", [before, x], ArithmeticAttrs(), quant)
    return _classifier(net, x, 9)


def mixed() -> Graph:
    """44 frames of 18 features; int8 to begin with, then int16, residual, to the dense layer."""
    net, wide = Layers("mixed"), DType.INT16
    x = _conv(net, net.input((1, 44, 18, 1), _INPUT), 17, (3, 3), (1, 1))
    x = net.add("quantize", [x], None, _WIDE, wide)
    for channels in (21, 21):
        before = x
        x = _conv(net, _depthwise(net, x, 1), channels, (1, 1), (1, 1))
        if net.builder.tensors[before].shape == net.builder.tensors[x].shape:
            quant = net.builder.tensors[x].quant or _WIDE
            x = net.add("add", [before, x], ArithmeticAttrs(), quant, wide)
    quant = net.builder.tensors[x].quant or _WIDE
    for _ in range(2):  # over time, then over features
        x = net.add("mean", [x], MeanAttrs((1,)), quant, wide)
    logits = add_dense(net, x, 7)
    x = net.add("softmax", [logits], SoftmaxAttrs(), QuantParams.per_tensor(1 / 32768, 0), wide)
    net.builder.outputs.append(net.add("quantize", [x], None, _PROBABILITY))
    return net.builder.build()


MODELS: Mapping[str, Callable[[], Graph]] = {
    "1-D keyword CNN": keyword_1d,
    "autoencoder": autoencoder,
    "MobileNet-like": mobile_net,
    "mixed int8 and int16 CNN": mixed,
}


def _conv(net: Layers, x: str, channels: int, kernel: Shape, stride: Shape) -> str:
    grid = net.builder.tensors[x].shape[1:3]
    return add_conv(net, x, channels, same(grid, kernel, stride))


def _depthwise(net: Layers, x: str, stride: int) -> str:
    grid = net.builder.tensors[x].shape[1:3]
    return add_depthwise(net, x, same(grid, (3, 3), (stride, stride)))


def _classifier(net: Layers, x: str, classes: int) -> Graph:
    """Global average, dense layer, softmax."""
    tensor = net.builder.tensors[x]
    _, height, width, _ = tensor.shape
    assert tensor.quant is not None and tensor.dtype is DType.INT8
    pooled = net.add("average_pool_2d", [x], WindowedAttrs(Window(height, width)), tensor.quant)
    flat = net.add("mean", [pooled], MeanAttrs((1, 2)), tensor.quant)
    logits = add_dense(net, flat, classes)
    net.builder.outputs.append(net.add("softmax", [logits], SoftmaxAttrs(), _PROBABILITY))
    return net.builder.build()
