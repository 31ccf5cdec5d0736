"""Streamed C, compiled for this workstation, against the batch integer reference: every byte."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from tests.support.dead import with_dead_channels
from tests.support.oracle import run_tflm
from tests.support.random_streams import random_stream
from tests.support.stream_host import (
    ENDED,
    OK,
    TOO_FEW_FRAMES,
    TOO_MANY_FRAMES,
    Streamed,
    assert_streams_like_batch,
    batch_outputs,
    random_clip,
    random_frames,
)
from tests.support.variants import dsp_variants
from toolkit.emit import emit_model
from toolkit.errors import TooFewFramesError, ToolkitError
from toolkit.ir import Graph
from toolkit.ir.cut import prefix_graph, suffix_graph
from toolkit.model.load import load_source
from toolkit.ops.check import check_operators
from toolkit.ops.execute import run_graph
from toolkit.passes.dead_channels import without_dead_channels
from toolkit.plan import check_stream, plan_stream
from toolkit.plan.stream import StreamPlan
from toolkit.plan.time_axis import find_time_axis, retime
from toolkit.quantize.convert import convert
from toolkit.tflite.oracle import tflm_available
from toolkit.tflite.read import load_tflite, read_tflite
from toolkit.tflite.write import write_tflite

pytestmark = pytest.mark.skipif(shutil.which("gcc") is None, reason="gcc is not installed")

QUICK, EXHAUSTIVE = 50, 1000
#: Sizes in bytes by whether DSP kernels run; with the features' 412 B, Wav2Small lies far below the
#: 12 KB and 24 KB that it may take.
WAV2SMALL_STATE_BYTES = {False: 8464, True: 18752}
DS_CNN_STATE_BYTES = {False: 4896, True: 5104}


def lengths(plan: StreamPlan, long: tuple[int, ...]) -> list[int]:
    """Every clip length from the shortest to 64 frames, and ``long`` ones."""
    return [*range(plan.min_frames, 65), *long]


@pytest.fixture(scope="module")
def wav2small() -> Graph:
    source = load_source("wav2small")
    assert source.float_graph is not None and source.ranges is not None
    graph = convert(source.float_graph, source.ranges, "fused")
    return read_tflite(write_tflite(graph), "wav2small")


@pytest.fixture(scope="module")
def ds_cnn(models_dir: Path) -> Graph:
    return load_tflite(models_dir / "mlperf_tiny_kws_int8.tflite")


def stream_of(seed: int, builtin: bool = False) -> Graph:
    rng = np.random.default_rng(seed)
    graph = random_stream(
        lambda low, high: int(rng.integers(low, high, endpoint=True)), builtin=builtin
    )
    check_operators(graph)
    return graph


@pytest.mark.parametrize("dsp", [False, True])
def test_wav2small_at_every_length(wav2small: Graph, tmp_path: Path, dsp: bool) -> None:
    plan = plan_stream(wav2small, variants=dsp_variants(wav2small) if dsp else {})
    assert plan.state_bytes == WAV2SMALL_STATE_BYTES[dsp]
    streamed = Streamed(wav2small, plan, tmp_path)
    assert_streams_like_batch(streamed, lengths(plan, (100, 499, 1499, 4000)))


@pytest.mark.parametrize("dsp", [False, True])
def test_ds_cnn_at_every_length(ds_cnn: Graph, tmp_path: Path, dsp: bool) -> None:
    plan = plan_stream(ds_cnn, variants=dsp_variants(ds_cnn) if dsp else {})
    assert plan.state_bytes == DS_CNN_STATE_BYTES[dsp]
    streamed = Streamed(ds_cnn, plan, tmp_path)
    assert_streams_like_batch(streamed, lengths(plan, (100, 999, 4000)))


@pytest.mark.parametrize("seed", range(QUICK))
def test_random_networks(tmp_path: Path, seed: int) -> None:
    check_random_network(tmp_path, seed, (64, 111, 300))


@pytest.mark.exhaustive
@pytest.mark.parametrize("seed", range(QUICK, EXHAUSTIVE))
def test_many_random_networks(tmp_path: Path, seed: int) -> None:
    check_random_network(tmp_path, seed, (*range(24, 65), 300, 1201, 4000))


@pytest.mark.parametrize("seed", [0, 1, 2, 3, 5])
def test_random_networks_without_their_dead_channels(tmp_path: Path, seed: int) -> None:
    """Streamed C of what is left gives the bytes of the whole network."""
    whole = with_dead_channels(stream_of(seed), np.random.default_rng(seed))
    lean, _ = without_dead_channels(whole)
    assert lean is not whole
    time = find_time_axis(whole)
    plan = check_stream(lean, plan_stream(lean))
    instance = Streamed(lean, plan, tmp_path).instance()
    for frames in (plan.min_frames, 48, 77, 300):
        rows = random_clip(whole, frames, seed)
        values = run_graph(retime(time, frames), {whole.inputs[0]: rows[0][None]})
        for name, have in zip(whole.outputs, instance.run(rows), strict=True):
            np.testing.assert_array_equal(values[name].reshape(-1), have.reshape(-1))


def check_random_network(folder: Path, seed: int, more: tuple[int, ...]) -> None:
    graph = stream_of(seed)
    plan = check_stream(
        graph, plan_stream(graph, variants=dsp_variants(graph, seed) if seed % 2 else {})
    )
    assert plan.lower_bound_bytes <= plan.state_bytes
    first = plan.min_frames
    clips = sorted({*range(first, first + 24), *(n for n in more if n >= first)})
    streamed = Streamed(graph, plan, folder)
    assert_streams_like_batch(streamed, clips, seed)
    assert_refuses_short_clips(streamed)


def assert_refuses_short_clips(streamed: Streamed) -> None:
    plan = streamed.plan
    instance = streamed.instance()
    rows = random_frames(streamed.graph, plan.min_frames, 0)
    for frames in range(plan.min_frames):
        before = instance.memory()
        assert instance.finish() == instance.finish() == TOO_FEW_FRAMES
        assert instance.memory() == before
        assert instance.status(plan.min_frames - frames - 1) == TOO_FEW_FRAMES
        assert instance.status(plan.min_frames - frames) == OK
        with pytest.raises(TooFewFramesError, match=f"at least {plan.min_frames} frames"):
            retime(plan.time, frames)
        assert instance.push(rows[frames : frames + 1]) == {OK}
    assert instance.finish() == OK
    for want, have in zip(batch_outputs(plan, rows), instance.outputs(), strict=True):
        assert (want == have).all(), "refused ends must leave the clip as it is"


def test_instances_do_not_know_of_each_other(wav2small: Graph, tmp_path: Path) -> None:
    plan = plan_stream(wav2small)
    streamed = Streamed(wav2small, plan, tmp_path)
    clips = [random_frames(wav2small, frames, 1) for frames in (37, 52)]
    both = [streamed.instance(), streamed.instance()]
    for frame in range(52):
        for instance, clip in zip(both, clips, strict=True):
            instance.push(clip[frame : frame + 1])
    for instance, clip in zip(both, clips, strict=True):
        assert instance.finish() == OK
        assert (instance.outputs()[0] == batch_outputs(plan, clip)[0]).all()


def test_an_ended_clip_stays_as_it_is_until_reset(ds_cnn: Graph, tmp_path: Path) -> None:
    plan = plan_stream(ds_cnn)
    instance = Streamed(ds_cnn, plan, tmp_path).instance()
    first, second = random_frames(ds_cnn, 49, 1), random_frames(ds_cnn, 30, 2)
    assert instance.push(first) == {OK}
    assert instance.finish() == OK
    ended = instance.memory()
    assert instance.push(second) == {ENDED}
    assert instance.finish() == OK
    assert instance.status(0) == instance.status(1) == ENDED
    assert instance.memory() == ended
    assert (instance.outputs()[0] == batch_outputs(plan, first)[0]).all()
    instance.reset()
    instance.push(second)
    assert instance.finish() == OK
    assert (instance.outputs()[0] == batch_outputs(plan, second)[0]).all()


def test_a_clip_too_long_for_the_sums_is_refused(ds_cnn: Graph, tmp_path: Path) -> None:
    plan = replace(plan_stream(ds_cnn), max_frames=60)
    instance = Streamed(ds_cnn, plan, tmp_path).instance()
    rows = random_frames(ds_cnn, 61, 1)
    instance.push(rows[:60])
    assert instance.finish() == OK
    instance.reset()
    assert instance.push(rows) == {OK}
    before = instance.memory()
    assert instance.finish() == instance.status(0) == TOO_MANY_FRAMES
    assert instance.push(rows) == {TOO_MANY_FRAMES}
    assert instance.finish() == TOO_MANY_FRAMES
    assert instance.memory() == before
    instance.reset()
    assert instance.push(rows[:2]) == {OK}
    assert (instance.status(58), instance.status(59)) == (OK, TOO_MANY_FRAMES)
    assert instance.status(2**32 - 1) == TOO_MANY_FRAMES


@pytest.mark.skipif(not tflm_available(), reason="tflite-micro is not installed")
@pytest.mark.parametrize("frames", [1, 2, 48, 49, 50, 130])
def test_the_batch_model_at_other_lengths_is_tflms(ds_cnn: Graph, frames: int) -> None:
    assert_equals_tflm(retime(plan_stream(ds_cnn).time, frames))


@pytest.mark.exhaustive
@pytest.mark.skipif(not tflm_available(), reason="tflite-micro is not installed")
def test_the_batch_model_is_tflms_at_every_length_streamed_here(ds_cnn: Graph) -> None:
    plan = plan_stream(ds_cnn)
    for frames in lengths(plan, (100, 999, 4000)):
        assert_equals_tflm(retime(plan.time, frames), cases=1)


@pytest.mark.skipif(not tflm_available(), reason="tflite-micro is not installed")
@pytest.mark.parametrize("frames", [1, 64, 499, 700])
def test_wav2smalls_batch_model_at_other_lengths_is_tflms(wav2small: Graph, frames: int) -> None:
    """TFLM runs what lies before and behind the attention pooling, which it does not have."""
    graph = retime(plan_stream(wav2small).time, frames)
    pool = next(node for node in graph.nodes if node.op == "attention_pool")
    assert_equals_tflm(prefix_graph(graph, [n for n in pool.inputs[:2] if n is not None]))
    assert_equals_tflm(suffix_graph(graph, pool.outputs))


@pytest.mark.skipif(not tflm_available(), reason="tflite-micro is not installed")
@pytest.mark.parametrize("seed", range(12))
def test_random_batch_models_at_other_lengths_are_tflms(seed: int) -> None:
    graph = stream_of(seed, builtin=True)
    time = plan_stream(graph).time
    for frames in (time.min_frames, time.min_frames + 5, 61):
        assert_equals_tflm(retime(time, frames))


def assert_equals_tflm(graph: Graph, cases: int = 3) -> None:
    rng = np.random.default_rng(len(graph.nodes))
    inputs = [
        rng.integers(*t.dtype.limits, (cases, *t.shape), t.dtype.numpy, endpoint=True)
        for t in (graph.tensors[name] for name in graph.inputs)
    ]
    found = run_tflm(write_tflite(graph), inputs).outputs
    for case in range(cases):
        feed = {name: array[case] for name, array in zip(graph.inputs, inputs, strict=True)}
        values = run_graph(graph, feed)
        for name, output in zip(graph.outputs, found, strict=True):
            assert (output[case].reshape(values[name].shape) == values[name]).all(), name


@pytest.mark.parametrize("seed", range(8))
def test_the_checker_refuses_a_ring_that_is_too_short(seed: int) -> None:
    graph = stream_of(seed)
    plan = plan_stream(graph)
    for number, ring in enumerate(plan.rings):
        if ring is None or ring.rows == 1:
            continue
        rings = list(plan.rings)
        rings[number] = replace(ring, rows=ring.rows - 1)
        with pytest.raises(ToolkitError, match="overwritten"):
            check_stream(graph, replace(plan, rings=tuple(rings)))


@pytest.mark.parametrize("seed", range(8))
def test_the_checker_refuses_buffers_in_one_place(seed: int) -> None:
    graph = stream_of(seed)
    plan = plan_stream(graph)
    rings = [b for b in plan.buffers if b.purpose == "ring"]
    sums = [b for b in plan.buffers if b.purpose == "sums"]
    for buffer in (*rings[1:], *sums[1:]):
        moved = tuple(
            replace(b, offset_bytes=sums[0].offset_bytes) if b is buffer else b
            for b in plan.buffers
        )
        placed = tuple(
            replace(r, offset_bytes=sums[0].offset_bytes)
            if r is not None and (r.tensor, r.offset_bytes) == (buffer.name, buffer.offset_bytes)
            else r
            for r in plan.rings
        )
        broken = replace(
            plan, buffers=moved, rings=placed, buffer_bytes=plan.buffer_bytes + buffer.size_bytes
        )
        with pytest.raises(ToolkitError, match="overwritten"):
            check_stream(graph, broken)


def test_same_input_same_bytes(wav2small: Graph) -> None:
    first, second = (emit_model(plan_stream(wav2small), "0" * 64, "cortex-m4") for _ in range(2))
    assert first == second
