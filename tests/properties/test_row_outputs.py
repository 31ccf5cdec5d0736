"""Outputs with time: rows of compiled C, against the batch integer reference at every length."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from tests.support.graphs import activation
from tests.support.random_graphs import SCALE, ZERO_POINT
from tests.support.random_streams import random_rows
from tests.support.row_models import FORMS, FRAMES, quantized
from tests.support.stream_host import (
    ENDED,
    OK,
    UNREAD,
    Streamed,
    assert_streams_like_batch,
    batch_outputs,
    random_clip,
)
from tests.support.variants import dsp_variants
from toolkit.errors import InputError, ToolkitError
from toolkit.ir import GraphBuilder
from toolkit.ops.check import check_operators
from toolkit.ops.execute import run_graph
from toolkit.ops.pad import PadAttrs
from toolkit.plan import check_stream, plan_continuous, plan_stream
from toolkit.plan.stream import StreamPlan

pytestmark = pytest.mark.skipif(shutil.which("gcc") is None, reason="gcc is not installed")

#: Networks compiled at once, and how many batches of them there are.
AT_ONCE, QUICK, EXHAUSTIVE = 20, 5, 100
#: By form: frames a row of each output with time, and by how many it comes later.
RATES = {
    "causal": [(1, 0)],
    "looks_ahead": [(1, 3)],
    "looks_far_ahead": [(1, 6)],
    "without_padding": [(1, 6)],
    "strided": [(6, 5)],
    "frame_by_frame": [(1, 0)],
    "mask_of_bands": [(1, 1)],
    "speech_probability": [(1, 0)],
    "two_rates": [(1, 0), (2, 3)],
    "rows_and_final": [(1, 1)],
    "two_inputs": [(1, 0)],
}


def rates(plan: StreamPlan) -> list[tuple[int, int]]:
    return [(port.step_frames, port.delay_frames) for port in plan.ports]


@pytest.mark.parametrize("dsp", [False, True])
def test_every_form_at_every_length(tmp_path: Path, dsp: bool) -> None:
    graphs = [quantized(form(), tmp_path / f"{name}.onnx") for name, form in FORMS.items()]
    plans = [plan_stream(g, variants=dsp_variants(g) if dsp else {}) for g in graphs]
    if not dsp:
        assert dict(zip(FORMS, map(rates, plans), strict=True)) == RATES
    for streamed in Streamed.several(plans, tmp_path):
        assert_streams_like_batch(streamed, [*range(streamed.plan.min_frames, 65), 300])


def test_scores_of_16_bits_are_converted_row_by_row(tmp_path: Path) -> None:
    """Exporters lay an output out first, and the toolkit converts it to int8 behind that."""
    graph = quantized(FORMS["two_rates"](), tmp_path / "net.onnx", wide=["t7@1"])
    assert [node.op for node in graph.nodes[-2:]] == ["transpose", "quantize"]
    plan = check_stream(graph, plan_stream(graph))
    assert [node.op for node in plan.graph.nodes[-2:]] == ["quantize", "transpose"]
    streamed = Streamed(plan.graph, plan, tmp_path)
    assert_streams_like_batch(streamed, [*range(plan.min_frames, 30)])
    rows = random_clip(plan.graph, FRAMES, 0)[0]
    wanted = run_graph(graph, {graph.inputs[0]: rows[None]})
    for name, array in zip(graph.outputs, batch_outputs(plan, rows), strict=True):
        assert (array == wanted[name]).all(), name


@pytest.mark.parametrize("batch", range(QUICK))
def test_random_networks(tmp_path: Path, batch: int) -> None:
    check_random_networks(tmp_path, batch, ())


@pytest.mark.exhaustive
@pytest.mark.parametrize("batch", range(QUICK, EXHAUSTIVE))
def test_many_random_networks(tmp_path: Path, batch: int) -> None:
    check_random_networks(tmp_path, batch, (*range(16, 64), 1201))


def random_plan(seed: int) -> StreamPlan:
    rng = np.random.default_rng(seed)
    graph = random_rows(lambda low, high: int(rng.integers(low, high, endpoint=True)))
    check_operators(graph)
    variants = dsp_variants(graph, seed) if seed % 2 else {}
    return check_stream(graph, plan_stream(graph, variants=variants))


def check_random_networks(folder: Path, batch: int, more: tuple[int, ...]) -> None:
    seeds = range(batch * AT_ONCE, (batch + 1) * AT_ONCE)
    plans = [random_plan(seed) for seed in seeds]
    for streamed, seed in zip(Streamed.several(plans, folder), seeds, strict=True):
        first = streamed.plan.min_frames
        clips = sorted({*range(first, first + 16), *(n for n in (64, *more) if n >= first)})
        assert streamed.plan.lower_bound_bytes <= streamed.plan.state_bytes
        assert_streams_like_batch(streamed, clips, seed)


def test_rows_are_taken_before_the_next_frame(tmp_path: Path) -> None:
    """Nothing is lost: a frame is not taken and a clip does not end while rows wait."""
    plan = plan_stream(quantized(FORMS["rows_and_final"](), tmp_path / "net.onnx"))
    streamed = Streamed(plan.graph, plan, tmp_path)
    instance, rows = streamed.instance(), random_clip(plan.graph, 4, 1)[0]
    scores, mask = batch_outputs(plan, rows)
    assert plan.time.final_outputs == plan.graph.outputs[:1]
    assert instance.push(rows[:1]) == {OK}
    assert instance.ready(1) == 0 and instance.take(1) is None, "a row of look-ahead"
    assert instance.push(rows[1:2]) == {OK}
    assert (instance.ready(0), instance.ready(1)) == (0, 1)
    before = instance.memory()
    assert instance.push(rows[2:3]) == {UNREAD} and instance.finish() == UNREAD
    assert instance.memory() == before and instance.status(0) == OK
    taken = [instance.take(1)]
    for frame in (2, 3):
        assert instance.push(rows[frame : frame + 1]) == {OK}
        taken.append(instance.take(1))
    assert instance.finish() == UNREAD and instance.ready(1) == 1
    assert instance.push(rows[:1]) == {ENDED} and instance.status(0) == ENDED
    taken.append(instance.take(1))
    assert instance.finish() == OK and instance.finish() == OK
    assert instance.ready(1) == 0 and instance.take(0) is None
    assert instance.outputs([b"", b"".join(t for t in taken if t)])[0].tobytes() == scores.tobytes()
    assert b"".join(t for t in taken if t) == mask[0].T.tobytes()
    assert instance.push(rows[:1]) == {ENDED}


def test_rows_of_padding_are_there_before_the_first_frame(tmp_path: Path) -> None:
    net = GraphBuilder("net")
    x = net.add_input(activation("x", (1, 20, 1, 3), SCALE, ZERO_POINT))
    padded = activation("y", (1, 22, 1, 3), SCALE, ZERO_POINT)
    net.outputs.append(net.add_node("pad", [x], padded, PadAttrs(((0, 0), (2, 0), (0, 0), (0, 0)))))
    plan = check_stream(net.build(), plan_stream(net.build()))
    streamed = Streamed(plan.graph, plan, tmp_path)
    instance = streamed.instance()
    assert (instance.ready(0), rates(plan)) == (2, [(1, 0)])
    assert_streams_like_batch(streamed, [*range(1, 9)])


@pytest.mark.parametrize("seed", range(8))
def test_the_checker_refuses_a_ring_that_is_too_short(seed: int) -> None:
    plan = random_plan(seed)
    for number, ring in enumerate(plan.rings):
        if ring is not None and ring.rows > 1:
            rings = list(plan.rings)
            rings[number] = replace(ring, rows=ring.rows - 1)
            with pytest.raises(ToolkitError, match="overwritten"):
                check_stream(plan.graph, replace(plan, rings=tuple(rings)))


@pytest.mark.parametrize("form", ["causal", "two_rates", "rows_and_final"])
def test_the_checker_refuses_rows_that_nobody_keeps(form: str, tmp_path: Path) -> None:
    """An output's row must lie alone until the next frame."""
    plan = plan_stream(quantized(FORMS[form](), tmp_path / "net.onnx"))
    for number in (port.counter for port in plan.ports):
        rings = list(plan.rings)
        assert rings[0] is not None and rings[number] is not None
        rings[number] = replace(rings[number], offset_bytes=rings[0].offset_bytes)
        with pytest.raises(ToolkitError, match="overwritten"):
            check_stream(plan.graph, replace(plan, rings=tuple(rings)))


def test_continuous_mode_is_for_outputs_of_a_window(tmp_path: Path) -> None:
    plan = plan_stream(quantized(FORMS["rows_and_final"](), tmp_path / "net.onnx"))
    with pytest.raises(InputError, match="'t3' has rows anyway"):
        plan_continuous(plan, 10, 20)
