"""Networks that reduce over time in ways that depend on the clip's length, as ONNX files."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import onnx
import onnxruntime

from tests.support.onnx_models import ModelMaker
from toolkit.features.spec import METADATA_KEY, WAV2SMALL_RUNNING
from toolkit.ir import Graph
from toolkit.ir.tensor import Array

BANDS, CHANNELS = 8, 6
SPEC = replace(WAV2SMALL_RUNNING, n_mels=BANDS)
#: Rows of a second.
ROWS = SPEC.rows_for_samples(SPEC.sample_rate_hz)

#: From rows ``[1, CHANNELS, T]`` to a vector ``[1, CHANNELS]``, and the name of its last tensor.
Pool = Callable[[ModelMaker, str], str]


def axis(m: ModelMaker, *values: int) -> str:
    return m.constant(np.array(values, np.int64))


def number(m: ModelMaker, value: float) -> str:
    return m.constant(np.array(value, np.float32))


def length(m: ModelMaker, x: str) -> str:
    """The number of rows of ``x``, as torch exports ``x.shape[2]`` for arithmetic."""
    size = m.op("Gather", m.op("Shape", x), m.constant(np.array(2, np.int64)), axis=0)
    return m.op("Cast", size, to=1)


def sum_over_time(m: ModelMaker, x: str) -> str:
    return m.op("ReduceSum", x, axis(m, 2), keepdims=0)


def mean_over_time(m: ModelMaker, x: str) -> str:
    return m.op("ReduceMean", x, axes=[2], keepdims=0)


def pooled_model(pool: Pool, folder: Path, rows: int | str = "rows") -> Path:
    """A convolution over time, ``pool``, a dense layer; with features, in a file."""
    m = ModelMaker(1, rows, BANDS)
    x = m.op("Transpose", "x", perm=[0, 2, 1])
    x = m.op("Relu", m.conv(x, (BANDS, CHANNELS), (3,), pads=[1, 1]))
    model = m.model(m.dense(pool(m, x), CHANNELS, 3))
    onnx.helper.set_model_props(model, {METADATA_KEY: SPEC.to_json()})
    path = folder / "pooled.onnx"
    onnx.save(model, path)
    return path


def outside(path: Path) -> Callable[[Array], Array]:
    """The file run by onnxruntime, without its optimiser: rows ``[T, BANDS]`` to 3 values."""
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    session = onnxruntime.InferenceSession(str(path), options)

    def run(rows: Array) -> Array:
        found: Array = session.run(None, {"x": rows[None].astype(np.float32)})[0]
        return found.ravel()

    return run


def model_rows(graph: Graph, rows: Array) -> Array:
    """Feature rows in the shape of the graph's input, with as many rows."""
    shape = graph.tensors[graph.inputs[0]].shape
    return rows.reshape(shape[0], len(rows), *shape[2:])
