"""MLPerf Tiny's networks: numpy and every C kernel against TFLM on 100 random inputs."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tests.support.kernel import run_graph_in_c
from tests.support.oracle import random_inputs, run_numpy
from toolkit.ops.check import check_operators
from toolkit.tflite.oracle import run_tflm
from toolkit.tflite.read import load_tflite


@pytest.mark.parametrize("name", ["mlperf_tiny_kws_int8", "mlperf_tiny_resnet8_int8"])
def test_numpy_and_c_equal_tflm(models_dir: Path, name: str) -> None:
    path = models_dir / f"{name}.tflite"
    graph = load_tflite(path)
    check_operators(graph)
    inputs = random_inputs(graph, 100, seed=7)
    (expected,) = run_tflm(path.read_bytes(), inputs).outputs
    np.testing.assert_array_equal(run_numpy(graph, inputs)[0], expected)
    in_c = [run_graph_in_c(graph, {graph.inputs[0]: case}) for case in inputs[0]]
    np.testing.assert_array_equal(np.stack([v[graph.outputs[0]] for v in in_c]), expected)
