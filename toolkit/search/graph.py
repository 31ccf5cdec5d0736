"""The integer graph of a genome that was never trained: true shapes, made-up values.

What a plan depends on is there (shapes, types, padding, features), what training gives is not:
weights are noise of the size that fresh ones have, ranges are those of an ordinary activation.
"""

from __future__ import annotations

import json
import math

import numpy as np

from toolkit.features.spec import METADATA_KEY
from toolkit.ir import DType, Graph, GraphBuilder, Shape, Tensor
from toolkit.ops.append import append
from toolkit.ops.attention_pool import AttentionPoolAttrs
from toolkit.ops.fully_connected import FullyConnectedAttrs
from toolkit.ops.numerics.activation import Activation
from toolkit.ops.parts.reduction import ReductionAttrs
from toolkit.ops.parts.window import Padding, Window, WindowedAttrs
from toolkit.ops.reshape import ReshapeAttrs
from toolkit.quantize.convert import convert
from toolkit.quantize.ranges import Ranges
from toolkit.search.genome import Genome
from toolkit.training.layers import POOL_KERNEL, Layer, Pair

#: Of arousal, dominance, valence.
OUTPUTS = 3
INPUT = "features"
_POINT: Pair = (1, 1)


def quantized_graph(genome: Genome, seconds: float) -> Graph:
    """The int8 graph for a clip of that length, features in its metadata."""
    graph = float_graph(genome, seconds)
    return convert(graph, _ranges(graph))


def _ranges(graph: Graph) -> Ranges:
    """Made up, from 0 on behind a ReLU as there always, and no two alike elsewhere: layers with
    equal zero points share code."""
    limits = {graph.inputs[0]: (-5.0, 6.0)}
    for place, node in enumerate(graph.nodes):
        first, *others = node.inputs
        assert first is not None
        if others:
            finished = getattr(node.attrs, "activation", None) is Activation.RELU
            limits[node.outputs[0]] = (0.0 if finished else -5.0, 6.0 + 0.25 * place)
        else:
            limits[node.outputs[0]] = limits[first]
    return Ranges(limits)


def float_graph(genome: Genome, seconds: float) -> Graph:
    """The float graph as it is when its ONNX file has been read and optimised."""
    spec = genome.features
    builder = GraphBuilder("genome", {METADATA_KEY: spec.to_json(), "toolkit.labels": _LABELS})
    rows = spec.rows_for_samples(round(seconds * spec.sample_rate_hz))
    x = builder.add_input(Tensor(INPUT, (1, rows, spec.row_values, 1), DType.FLOAT32))
    for layer in genome.layers:
        x = _layer(builder, x, layer)
    channels = builder.tensors[x].shape[-1]
    if genome.pool == "attention":
        weights = _convolution(builder, x, channels, _POINT, _POINT, Activation.NONE)
        values = _convolution(builder, x, channels, _POINT, _POINT, Activation.NONE)
        x = append(builder, "attention_pool", [values, weights], AttentionPoolAttrs())
    else:
        x = append(builder, "mean", [x], ReductionAttrs(axes=(1,), keep_dims=False))
    width = builder.tensors[x].elements
    x = append(builder, "reshape", [x], ReshapeAttrs(shape=(1, width)))
    dense = [x, _noise(builder, (OUTPUTS, width)), _bias(builder, OUTPUTS)]
    builder.outputs.append(append(builder, "fully_connected", dense, FullyConnectedAttrs()))
    return builder.build()


_LABELS = json.dumps(("arousal", "dominance", "valence"))


def _layer(builder: GraphBuilder, x: str, layer: Layer) -> str:
    if layer.pools:
        attrs = WindowedAttrs(_window((POOL_KERNEL, POOL_KERNEL), layer.stride))
        x = append(builder, "max_pool_2d", [x], attrs)
    kernel, stride = layer.kernel, layer.conv_stride
    if layer.kind == "depthwise":
        channels = builder.tensors[x].shape[-1]
        if channels == 1:  # as the reader has it
            x = _convolution(builder, x, 1, kernel, stride)
        else:
            weights = _noise(builder, (1, *kernel, channels))
            inputs = [x, weights, _bias(builder, channels)]
            attrs = WindowedAttrs(_window(kernel, stride), Activation.RELU)
            x = append(builder, "depthwise_conv_2d", inputs, attrs)
        kernel, stride = _POINT, _POINT
    return _convolution(builder, x, layer.width, kernel, stride)


def _convolution(
    builder: GraphBuilder,
    x: str,
    width: int,
    kernel: Pair,
    stride: Pair,
    activation: Activation = Activation.RELU,
) -> str:
    weights = _noise(builder, (width, *kernel, builder.tensors[x].shape[-1]))
    attrs = WindowedAttrs(_window(kernel, stride), activation)
    return append(builder, "conv_2d", [x, weights, _bias(builder, width)], attrs)


def _window(kernel: Pair, stride: Pair) -> Window:
    rows, columns = kernel[0] // 2, kernel[1] // 2
    padding = Padding(top=rows, bottom=rows, left=columns, right=columns)
    return Window(*kernel, *stride, padding=padding)


def _noise(builder: GraphBuilder, shape: Shape) -> str:
    rng = np.random.default_rng(len(builder.tensors))  # no two alike, which flash would share
    spread = math.sqrt(2 / max(1, math.prod(shape[1:])))
    return builder.constant("weights", (spread * rng.standard_normal(shape)).astype(np.float32))


def _bias(builder: GraphBuilder, width: int) -> str:
    return builder.constant("bias", np.full(width, 0.1, np.float32))
