"""The reference interpreters as oracles: outputs by case, failures as errors, arena size."""

from __future__ import annotations

import numpy as np
import pytest

from tests.support.graphs import conv_graph
from tests.support.oracle import random_inputs, run_numpy
from toolkit.errors import ToolFailedError
from toolkit.tflite.oracle import run_litert_reference, run_tflm
from toolkit.tflite.write import write_tflite

GRAPH = conv_graph(layers=2)
MODEL = write_tflite(GRAPH)


def test_outputs_come_by_case() -> None:
    inputs = random_inputs(GRAPH, 4)
    result = run_tflm(MODEL, inputs)
    (expected,) = run_numpy(GRAPH, inputs)
    assert result.outputs[0].shape == (4, 1, 9, 8, 3)
    np.testing.assert_array_equal(result.outputs[0], expected)
    one = run_tflm(MODEL, [inputs[0][2:3]])
    np.testing.assert_array_equal(one.outputs[0], expected[2:3])
    assert one.arena_bytes == result.arena_bytes


def test_reported_arena_is_what_the_interpreter_needs() -> None:
    inputs = random_inputs(GRAPH, 1)
    needed = run_tflm(MODEL, inputs).arena_bytes
    activations = 2 * 9 * 8 * 3
    assert activations < needed < activations + 4096
    # Setting up needs a little more than what stays allocated.
    run_tflm(MODEL, inputs, arena_bytes=needed + 2048)
    with pytest.raises(ToolFailedError, match="tflm failed"):
        run_tflm(MODEL, inputs, arena_bytes=needed - 64)


@pytest.mark.parametrize("run", [run_tflm, run_litert_reference])
def test_refusal_is_an_error(run) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(ToolFailedError, match="failed"):
        run(MODEL[: len(MODEL) // 2], random_inputs(GRAPH, 1))


def test_wrong_input_type_is_an_error() -> None:
    with pytest.raises(ToolFailedError, match="inputs must be int8; got float32"):
        run_tflm(MODEL, [np.zeros((1, 1, 9, 8, 3), np.float32)])
