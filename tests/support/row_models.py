"""Small networks whose outputs keep time, as exporters write them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import onnx

from tests.support.onnx_models import ModelMaker
from toolkit.features.spec import METADATA_KEY, FeatureSpec
from toolkit.frontend.load import load_onnx
from toolkit.ir import Graph
from toolkit.ir.labels import LABELS_KEY
from toolkit.passes.optimize import optimize
from toolkit.quantize.convert import convert
from toolkit.quantize.ranges import calibrate
from toolkit.tflite.read import read_tflite
from toolkit.tflite.write import write_tflite

#: Values of a frame, and frames of a file.
BANDS, FRAMES = 6, 40


def _stack(pads: tuple[int, int], strides: tuple[int, int] = (1, 1)) -> onnx.ModelProto:
    """Two convolutions over time, three frames each, the second dilated, and a mask."""
    m = ModelMaker(1, BANDS, FRAMES)
    x = m.op("Relu", m.conv("x", (BANDS, 8), (3,), pads=pads, strides=strides[:1]))
    wide = [2 * pad for pad in pads]
    x = m.op("Relu", m.conv(x, (8, 8), (3,), pads=wide, dilations=[2], strides=strides[1:]))
    return m.model(m.op("Sigmoid", m.conv(x, (8, BANDS), (1,))))


def causal() -> onnx.ModelProto:
    return _stack((2, 0))


def looks_ahead() -> onnx.ModelProto:
    return _stack((1, 1))


def looks_far_ahead() -> onnx.ModelProto:
    return _stack((0, 2))


def without_padding() -> onnx.ModelProto:
    return _stack((0, 0))


def strided() -> onnx.ModelProto:
    return _stack((1, 1), (2, 3))


def frame_by_frame() -> onnx.ModelProto:
    """Time first, every frame for itself."""
    m = ModelMaker(1, FRAMES, BANDS)
    x = m.op("Transpose", "x", perm=[0, 2, 1])
    x = m.op("Relu", m.conv(x, (BANDS, 8), (1,)))
    return m.model(m.op("Transpose", m.op("Sigmoid", m.conv(x, (8, 3), (1,))), perm=[0, 2, 1]))


def mask_of_bands() -> onnx.ModelProto:
    """Two masks over time and frequency, as two-dimensional networks have them."""
    m = ModelMaker(1, 1, FRAMES, BANDS)
    x = m.op("Relu", m.conv("x", (1, 4), (3, 3), pads=[2, 1, 0, 1]))
    return m.model(m.op("Sigmoid", m.conv(x, (4, 2), (3, 3), pads=[1, 1, 1, 1])))


def speech_probability() -> onnx.ModelProto:
    """One value a frame, without an axis of its own."""
    m = ModelMaker(1, BANDS, FRAMES)
    x = m.op("Relu", m.conv("x", (BANDS, 8), (5,), pads=[4, 0]))
    x = m.op("Sigmoid", m.conv(x, (8, 1), (1,)))
    return m.model(m.op("Squeeze", x, m.constant(np.array([1], np.int64))))


def two_rates() -> onnx.ModelProto:
    """A mask a frame, and scores every two frames that look further ahead."""
    m = ModelMaker(1, BANDS, FRAMES)
    x = m.op("Relu", m.conv("x", (BANDS, 8), (3,), pads=[2, 0]))
    mask = m.op("Sigmoid", m.conv(x, (8, BANDS), (1,)))
    y = m.op("Relu", m.conv(x, (8, 8), (5,), pads=[1, 3], strides=[2]))
    return m.model([mask, m.op("Softmax", m.conv(y, (8, 3), (1,)), axis=1)])


def rows_and_final() -> onnx.ModelProto:
    """A mask a frame, and scores of the whole clip."""
    m = ModelMaker(1, BANDS, FRAMES)
    x = m.op("Relu", m.conv("x", (BANDS, 8), (3,), pads=[1, 1]))
    mask = m.op("Sigmoid", m.conv(x, (8, BANDS), (1,)))
    mean = m.op("ReduceMean", x, axes=[2], keepdims=0)
    return m.model([m.op("Softmax", m.dense(mean, 8, 4), axis=-1), mask])


def two_inputs() -> onnx.ModelProto:
    """A microphone and a reference of other width."""
    m = ModelMaker(1, BANDS, FRAMES)
    reference = m.input("reference", 1, 4, FRAMES)
    x = m.op("Relu", m.conv("x", (BANDS, 8), (3,), pads=[2, 0]))
    y = m.op("Relu", m.conv(reference, (4, 8), (4,), pads=[3, 0]))
    x = m.op("Concat", x, y, axis=1)
    return m.model(m.op("Sigmoid", m.conv(x, (16, BANDS), (1,))))


def hearing(spec: FeatureSpec) -> onnx.ModelProto:
    """Behind features: a mask a frame, scores of the whole clip, a probability every two frames."""
    m = ModelMaker(1, "rows", spec.row_values)
    x = m.op("Transpose", "x", perm=[0, 2, 1])
    x = m.op("Relu", m.conv(x, (spec.row_values, 8), (3,), pads=[1, 1]))
    mask = m.op("Sigmoid", m.conv(x, (8, 12), (5,), pads=[2, 2]))
    scores = m.op("Softmax", m.dense(m.op("ReduceMean", x, axes=[2], keepdims=0), 8, 3), axis=-1)
    speech = m.op("Sigmoid", m.conv(x, (8, 1), (4,), pads=[1, 1], strides=[2]))
    model = m.model([mask, scores, speech])
    onnx.helper.set_model_props(model, {METADATA_KEY: spec.to_json()})
    return model


def row_model(spec: FeatureSpec, labels: str) -> onnx.ModelProto:
    """Behind features: three values a frame, called ``labels`` (JSON)."""
    m = ModelMaker(1, "rows", spec.row_values)
    x = m.op("Transpose", "x", perm=[0, 2, 1])
    x = m.op("Relu", m.conv(x, (spec.row_values, 8), (3,), pads=[1, 1]))
    model = m.model(m.op("Sigmoid", m.conv(x, (8, 3), (1,))))
    props = {METADATA_KEY: spec.to_json(), LABELS_KEY: labels}
    onnx.helper.set_model_props(model, props)
    return model


FORMS: dict[str, Callable[[], onnx.ModelProto]] = {
    form.__name__: form
    for form in (
        *(causal, looks_ahead, looks_far_ahead, without_padding, strided, frame_by_frame),
        *(mask_of_bands, speech_probability, two_rates, rows_and_final, two_inputs),
    )
}


def quantized(model: onnx.ModelProto, path: Path, wide: Sequence[str] | None = None) -> Graph:
    """The int8 graph of a model, which is written to ``path``, as read back from its file; the
    activations ``wide`` are int16."""
    path.write_bytes(model.SerializeToString())
    graph = optimize(load_onnx(path))
    rng = np.random.default_rng(0)
    batches = [
        {n: rng.standard_normal(graph.tensors[n].shape).astype(np.float32) for n in graph.inputs}
        for _ in range(3)
    ]
    return read_tflite(
        write_tflite(convert(graph, calibrate(graph, batches), "fused", wide)), "net"
    )
