"""Whole networks with random weights, to measure the code and stack around the layers on.

Calibration graphs have dozens of inputs and outputs; these have what networks have: one input, few
outputs, some fed by features.  They are compiled, not run.
"""

from __future__ import annotations

from dataclasses import replace

from benchmarks.calibration.layers import INT8, INT16, Layers, add_conv, add_dense, same
from toolkit.features.spec import METADATA_KEY, WAV2SMALL_RUNNING
from toolkit.ir import DType, Graph, QuantParams
from toolkit.ops.mean import MeanAttrs
from toolkit.ops.softmax import SoftmaxAttrs

#: Convolutions, outputs.
SHAPES = ((1, 1), (2, 2), (4, 1), (7, 1), (11, 3), (16, 1), (24, 1))
ROWS, BANDS, CHANNELS = 64, 12, 6
SPEC = replace(WAV2SMALL_RUNNING, n_mels=BANDS)
_PROBABILITY = QuantParams.per_tensor(1 / 256, -128)


def code_network(
    convolutions: int, outputs: int, has_features: bool = False, dtype: DType = DType.INT8
) -> Graph:
    """Convolutions over time, the mean, and a dense layer with softmax for each output."""
    wide = dtype is DType.INT16
    net = Layers(f"{convolutions} convolutions")
    x = net.input((1, ROWS, BANDS, 1), INT8)
    if wide:
        x = net.add("quantize", [x], None, INT16, dtype)
    for _ in range(convolutions):
        x = add_conv(net, x, CHANNELS, same((ROWS, BANDS), (3, 3)))
    quant = net.builder.tensors[x].quant or INT8
    mean = net.add("mean", [x], MeanAttrs((1,)), quant, dtype)
    mean = net.add("mean", [mean], MeanAttrs((1,)), quant, dtype)
    for _ in range(outputs):
        y = add_dense(net, mean, 10)
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
