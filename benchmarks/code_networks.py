"""Whole networks with random weights, to measure the code and stack around the layers on.

Calibration graphs have dozens of inputs and outputs; these have what networks have: one input, few
outputs, some fed by features.  They are compiled, not run.
"""

from __future__ import annotations

from dataclasses import replace

from benchmarks.layers import Layers, same
from toolkit.features.spec import METADATA_KEY, WAV2SMALL_RUNNING
from toolkit.ir import DType, Graph, QuantParams
from toolkit.ops.activation import Activation
from toolkit.ops.fully_connected import FullyConnectedAttrs
from toolkit.ops.mean import MeanAttrs
from toolkit.ops.softmax import SoftmaxAttrs
from toolkit.ops.window import WindowedAttrs

#: Convolutions, outputs.
SHAPES = ((1, 1), (2, 2), (4, 1), (7, 1), (11, 3), (16, 1), (24, 1))
ROWS, BANDS, CHANNELS = 64, 12, 6
SPEC = replace(WAV2SMALL_RUNNING, n_mels=BANDS)
_INT8 = QuantParams.per_tensor(0.05, -10)
_INT16 = QuantParams.per_tensor(0.0005, 0)
_PROBABILITY = QuantParams.per_tensor(1 / 256, -128)


def code_network(
    convolutions: int, outputs: int, has_features: bool = False, dtype: DType = DType.INT8
) -> Graph:
    """Convolutions over time, the mean, and a dense layer with softmax for each output."""
    wide = dtype is DType.INT16
    net = Layers(f"{convolutions} convolutions")
    x = net.input((1, ROWS, BANDS, 1), _INT8)
    if wide:
        x = net.add("quantize", [x], None, _INT16, dtype)
    for _ in range(convolutions):
        tensor = net.builder.tensors[x]
        channels = tensor.shape[3]
        weights, bias, quant = net.weights((CHANNELS, 3, 3, channels), 0, 9 * channels, tensor)
        attrs = WindowedAttrs(same((ROWS, BANDS), (3, 3)), Activation.RELU)
        x = net.add("conv_2d", [x, weights, bias], attrs, quant, dtype)
    quant = net.builder.tensors[x].quant or _INT8
    mean = net.add("mean", [x], MeanAttrs((1,)), quant, dtype)
    mean = net.add("mean", [mean], MeanAttrs((1,)), quant, dtype)
    for _ in range(outputs):
        tensor = net.builder.tensors[mean]
        weights, bias, quant = net.weights((10, CHANNELS), 0, CHANNELS, tensor)
        y = net.add("fully_connected", [mean, weights, bias], FullyConnectedAttrs(), quant, dtype)
        if not wide:
            y = net.add("softmax", [y], SoftmaxAttrs(), _PROBABILITY)
        net.builder.outputs.append(y)
    graph = net.builder.build()
    return graph.with_metadata(**{METADATA_KEY: SPEC.to_json()}) if has_features else graph


def code_networks() -> tuple[Graph, ...]:
    """All of them."""
    return (
        *(code_network(*shape, has_features) for shape in SHAPES for has_features in (False, True)),
        code_network(3, 1, dtype=DType.INT16),
        code_network(9, 1, dtype=DType.INT16),
    )
