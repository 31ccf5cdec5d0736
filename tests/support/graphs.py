"""Small quantised graphs with random weights, for tests."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from toolkit.ir import DType, Graph, GraphBuilder, QuantParams, Tensor
from toolkit.ops.conv_2d import Conv2DAttrs
from toolkit.ops.numerics.activation import Activation
from toolkit.ops.parts.window import Padding, Window, same_padding


def activation(name: str, shape: tuple[int, ...], scale: float, zero_point: int) -> Tensor:
    """An int8 activation."""
    return Tensor(name, shape, DType.INT8, QuantParams.per_tensor(scale, zero_point))


def add_conv(
    builder: GraphBuilder,
    x: str,
    window: Window,
    channels: int,
    rng: np.random.Generator,
    name: str = "y",
) -> str:
    """Append a convolution with random per-channel weights and bias."""
    source = builder.tensors[x]
    shape = (channels, window.kernel_h, window.kernel_w, source.shape[3])
    scales = rng.uniform(0.001, 0.01, channels).astype(np.float32)
    zeros = (0,) * channels
    weights = builder.constant(
        f"{name}/weights",
        rng.integers(-127, 128, shape).astype(np.int8),
        QuantParams(tuple(map(float, scales)), zeros, 0),
    )
    bias = builder.constant(
        f"{name}/bias",
        rng.integers(-2000, 2000, channels).astype(np.int32),
        QuantParams(tuple(map(float, scales * np.float32(source.scale))), zeros, 0),
    )
    out_h, out_w = window.output_hw(source.shape[1], source.shape[2])
    return builder.add_node(
        "conv_2d",
        [x, weights, bias],
        activation(name, (1, out_h, out_w, channels), 0.07, -5),
        Conv2DAttrs(window, Activation.RELU),
        name,
    )


def conv_graph(
    stride: int = 1,
    padding: Padding | None = None,
    in_h: int = 9,
    in_w: int = 8,
    layers: int = 1,
) -> Graph:
    """3x3 convolutions of 3 channels; ``padding`` None is TFLite's SAME."""
    rng = np.random.default_rng(1)
    builder = GraphBuilder("conv", {"toolkit.note": "a small\ntest"})
    x = builder.add_input(activation("x", (1, in_h, in_w, 3), 0.05, -3))
    for layer in range(layers):
        _, height, width, _ = builder.tensors[x].shape
        window = Window(3, 3, stride, stride)
        same = same_padding(window, height, width)
        window = replace(window, padding=same if padding is None else padding)
        x = add_conv(builder, x, window, 3, rng, f"conv_{layer}")
    builder.outputs.append(x)
    return builder.build()
