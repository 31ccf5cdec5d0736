"""Third-party models: what is read and written again runs identically in TFLM."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tests.support.oracle import random_inputs, run_numpy, run_tflm
from toolkit.tflite.read import load_tflite, read_tflite
from toolkit.tflite.write import write_tflite

MODELS = ["mlperf_tiny_kws_int8", "mlperf_tiny_resnet8_int8"]


@pytest.mark.parametrize("name", MODELS)
def test_rewritten_model_and_reference_equal_the_original_in_tflm(
    models_dir: Path, name: str
) -> None:
    path = models_dir / f"{name}.tflite"
    graph = load_tflite(path)
    written = write_tflite(graph)
    inputs = random_inputs(graph, 20)
    original = run_tflm(path.read_bytes(), inputs)
    again = run_tflm(written, inputs)
    assert again.arena_bytes == original.arena_bytes
    (expected,), (rewritten,) = original.outputs, again.outputs
    np.testing.assert_array_equal(rewritten, expected)
    np.testing.assert_array_equal(run_numpy(graph, inputs)[0], expected)


@pytest.mark.parametrize("name", MODELS)
def test_writing_what_was_read_settles(models_dir: Path, name: str) -> None:
    written = write_tflite(load_tflite(models_dir / f"{name}.tflite"))
    assert write_tflite(read_tflite(written, name)) == written
    assert len(written) < (models_dir / f"{name}.tflite").stat().st_size
