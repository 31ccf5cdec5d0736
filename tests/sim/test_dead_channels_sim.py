"""A MobileNet with dead channels, from its file to the device: lean, and with TFLM's bytes."""

from __future__ import annotations

from pathlib import Path

import numpy as np

import toolkit
from tests.support.dead import with_dead_channels
from tests.support.graphs import activation, add_conv
from tests.support.operators import add_node
from tests.support.oracle import run_tflm
from toolkit.ir import Graph, GraphBuilder, QuantParams
from toolkit.ops.fully_connected import FullyConnectedAttrs
from toolkit.ops.mean import MeanAttrs
from toolkit.ops.parts.window import Padding, Window, WindowedAttrs
from toolkit.tflite.write import write_tflite

SAME = Padding(1, 1, 1, 1)


def mobilenet() -> Graph:
    """Depthwise-separable layers over 32x32 pixels, half of the channels dead."""
    rng = np.random.default_rng(4)
    builder = GraphBuilder("mobilenet")
    entry = builder.add_input(activation("image", (1, 33, 33, 3), 0.05, 0))
    x = add_conv(builder, entry, Window(3, 3, 2, 2, padding=SAME), 8, rng, "stem")
    for number, (channels, stride) in enumerate([(16, 1), (24, 2), (32, 2)]):
        window = Window(3, 3, stride, stride, padding=SAME)
        depthwise = _depthwise(builder, x, window, rng, f"depthwise_{number}")
        x = add_conv(builder, depthwise, Window(1, 1), channels, rng, f"point_{number}")
    quant = QuantParams.per_tensor(0.07, -5)
    mean = add_node(builder, "mean", [x], quant, MeanAttrs((1, 2)))
    weights = rng.integers(-127, 128, (4, 32)).astype(np.int8)
    dense = builder.constant("dense/weights", weights, QuantParams.per_tensor(0.01, 0))
    attrs = FullyConnectedAttrs()
    logits = activation("logits", (1, 4), 0.2, 3)
    builder.outputs.append(builder.add_node("fully_connected", [mean, dense, None], logits, attrs))
    return with_dead_channels(builder.build(), rng, 0.5)


def _depthwise(
    builder: GraphBuilder, x: str, window: Window, rng: np.random.Generator, name: str
) -> str:
    _, height, width, channels = builder.tensors[x].shape
    zeros = (0,) * channels
    weights = rng.integers(-127, 128, (1, 3, 3, channels)).astype(np.int8)
    quant = QuantParams((float(np.float32(0.01)),) * channels, zeros, 3)
    sums = QuantParams((float(np.float32(0.0007)),) * channels, zeros, 0)
    inputs = [
        x,
        builder.constant(f"{name}/weights", weights, quant),
        builder.constant(f"{name}/bias", np.zeros(channels, np.int32), sums),
    ]
    shape = (1, *window.output_hw(height, width), channels)
    out = activation(name, shape, 0.07, -5)
    return builder.add_node("depthwise_conv_2d", inputs, out, WindowedAttrs(window), name)


def constants(graph: Graph) -> int:
    return sum(tensor.elements for tensor in graph.tensors.values() if tensor.is_constant)


def test_the_device_gives_the_bytes_of_the_whole_network(tmp_path: Path) -> None:
    file = tmp_path / "mobilenet.tflite"
    file.write_bytes(write_tflite(mobilenet()))
    deployment = toolkit.load(file).deploy("cortex-m4")
    model = deployment.model
    assert model.whole is not None
    assert constants(model.graph) < 0.5 * constants(model.whole)
    run = deployment.compile().run()
    checks = {check.name: check.passed for check in run.report.checks}
    assert checks["bit_match"] and checks["dead_channels"] and checks["tflm_match"]
    figures = {m.name: m.value for m in run.report.measurements}
    assert figures["dead_channels"] == model.saved.channels > 30
    assert figures["dead_macs"] > figures["macs_per_inference"]
    (note,) = [i.message for i in run.report.issues if i.code == "channels.dead"]
    assert f"{model.saved.channels} dead channels removed" in note
    inputs = [np.stack([case[0] for case in run.stimulus.cases])]
    device = b"".join(output for case in run.outputs for output in case)
    for data in (file.read_bytes(), model.file):  # as it came, and as it is delivered
        assert run_tflm(data, inputs).outputs[0].tobytes() == device
