"""Which layers share a kernel's code, decided from their calls; and what constants take."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from tests.support.graphs import conv_graph
from tests.support.random_streams import random_stream
from tests.support.variants import dsp_variants
from toolkit.emit.model import model_context
from toolkit.emit.stream import stream_context
from toolkit.ops.kernels import kernel_calls
from toolkit.ops.parts.base import KernelCall
from toolkit.plan import plan_arena, plan_stream
from toolkit.plan.sharing import constants_bytes, shared_code


def call(size: int, weights: int, **changes: object) -> KernelCall:
    params = {"size": size, "weights": np.array([weights], np.int8)}
    base = KernelCall("k", params, ("x",), ("y",), 4, inlined=True)
    return replace(base, **changes)  # type: ignore[arg-type]


def test_layers_that_differ_in_arrays_alone_share() -> None:
    calls = [call(3, 1), call(5, 1), call(3, 2), call(7, 0), call(5, 9), call(3, 1)]
    assert shared_code(calls) == ((0, 2, 5), (1, 4))


@pytest.mark.parametrize(
    "changes",
    [
        {"kernel": "other"},
        {"params": {"weights": np.array([1], np.int8), "size": 3}},  # other fields, other struct
        {"scratch_bytes": 0},
        {"outputs": ("y", "z")},
        {"inlined": False},
    ],
)
def test_what_is_other_code_is_not_shared(changes: dict[str, object]) -> None:
    assert shared_code([call(3, 1), call(3, 2)]) == ((0, 1),)
    assert shared_code([call(3, 1), call(3, 2, **changes)]) == ()


def test_rows_and_whole_tensors_are_other_code() -> None:
    assert shared_code([call(3, 1), call(3, 2)], stages=1) == ()
    assert shared_code([call(3, 1), call(3, 2)], stages=2) == ((0, 1),)


def test_the_generated_c_has_the_functions_that_were_decided() -> None:
    graph = conv_graph(layers=4)  # the first has an input of another zero point
    variants = dsp_variants(graph)
    assert shared_code([*kernel_calls(graph, variants).values()]) == ((1, 2, 3),)
    context = model_context(plan_arena(graph, variants), "", "")
    assert [(f.name, f.users) for f in context.shared] == [("model_shared_1", 3)]
    called = [step.call for step in context.steps]
    assert called == [context.steps[0].kernel, *["model_shared_1"] * 3]


@pytest.mark.parametrize("seed", range(6))
def test_constants_are_those_of_the_generated_c(seed: int) -> None:
    rng = np.random.default_rng(seed)
    graph = random_stream(lambda low, high: int(rng.integers(low, high, endpoint=True)))
    batch, stream = plan_arena(graph), plan_stream(graph)
    written = model_context(batch, "", "").weights.size_bytes
    assert constants_bytes(graph, batch.calls.values()) == written
    written = stream_context(stream, "", "").weights.size_bytes
    assert constants_bytes(stream.graph, stream.calls.values()) == written
