"""The integer reference takes little memory however long a clip is, and gives the same values."""

from __future__ import annotations

import tracemalloc
from pathlib import Path

import numpy as np

from toolkit.ir import Graph
from toolkit.ir.tensor import Array
from toolkit.model.load import load_source
from toolkit.ops.execute import run_graph, run_outputs
from toolkit.plan.time_axis import find_time_axis, retime
from toolkit.quantize.convert import convert
from toolkit.tflite.read import load_tflite


def test_memory_hardly_grows_with_the_clip() -> None:
    """16.6 MB per second of Wav2Small when all windows and values were there at once."""
    source = load_source("wav2small")
    assert source.float_graph is not None and source.ranges is not None
    time = find_time_axis(convert(source.float_graph, source.ranges, "fused"))
    short, long = (peak_bytes(retime(time, 499 * seconds)) for seconds in (1, 4))
    assert long - short < 3 * 1.5e6


def peak_bytes(graph: Graph) -> int:
    given = {name: some(graph, name) for name in graph.inputs}
    tracemalloc.start()
    run_outputs(graph, given)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return peak


def some(graph: Graph, name: str) -> Array:
    rng, tensor = np.random.default_rng(0), graph.tensors[name]
    return rng.integers(*tensor.dtype.limits, tensor.shape, tensor.dtype.numpy, endpoint=True)


def test_outputs_are_those_of_the_whole_run(models_dir: Path) -> None:
    graph = load_tflite(models_dir / "mlperf_tiny_resnet8_int8.tflite")
    given = {name: some(graph, name) for name in graph.inputs}
    values = run_graph(graph, given)
    for name, output in zip(graph.outputs, run_outputs(graph, given), strict=True):
        np.testing.assert_array_equal(output, values[name])
