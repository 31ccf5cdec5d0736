"""Continuous mode: compiled C against the numpy reference, every byte of every hop."""

from __future__ import annotations

import math
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from tests.support.continuous_host import Continuous, assert_same_hops
from tests.support.random_streams import random_stream
from tests.support.stream_host import random_frames
from tests.support.variants import dsp_variants
from toolkit.errors import InputError, ToolkitError
from toolkit.ir import Graph
from toolkit.model.load import load_source
from toolkit.ops.check import check_operators
from toolkit.ops.execute import run_graph
from toolkit.plan import ContinuousPlan, check_continuous, plan_continuous, plan_stream
from toolkit.plan.continuous import rows_made
from toolkit.plan.continuous_reference import continuous_outputs
from toolkit.plan.time_axis import retime
from toolkit.quantize.convert import convert
from toolkit.tflite.read import load_tflite, read_tflite
from toolkit.tflite.write import write_tflite

pytestmark = pytest.mark.skipif(shutil.which("gcc") is None, reason="gcc is not installed")

QUICK, EXHAUSTIVE = 30, 400
#: Frames of a recording that random networks run on, and most where their rings turn slowly.
FRAMES, MOST_FRAMES = 400, 3000


@pytest.fixture(scope="module")
def wav2small() -> Graph:
    source = load_source("wav2small")
    assert source.float_graph is not None and source.ranges is not None
    graph = convert(source.float_graph, source.ranges, "fused")
    return read_tflite(write_tflite(graph), "wav2small")


def stream_of(seed: int) -> Graph:
    rng = np.random.default_rng(seed)
    graph = random_stream(lambda low, high: int(rng.integers(low, high, endpoint=True)))
    check_operators(graph)
    return graph


def plan_of(graph: Graph, seed: int) -> ContinuousPlan:
    """A random hop and window, row form included."""
    rng = np.random.default_rng([seed, 1])
    stream = plan_stream(graph, variants=dsp_variants(graph, seed) if seed % 2 else {})
    step = math.lcm(*(stage.count.step for stage in stream.stages))
    hop = step * int(rng.integers(1, max(2, 40 // step)))
    shortest = -(-stream.period_frames // hop)
    return plan_continuous(stream, hop, hop * (shortest + int(rng.integers(0, 6))))


@pytest.mark.parametrize("dsp", [False, True])
@pytest.mark.parametrize(("hop", "window"), [(250, 1000), (250, 1500), (2, 4), (38, 114)])
def test_wav2small(wav2small: Graph, tmp_path: Path, hop: int, window: int, dsp: bool) -> None:
    plan = plan_continuous(
        plan_stream(wav2small, variants=dsp_variants(wav2small) if dsp else {}), hop, window
    )
    instance = Continuous(wav2small, plan, tmp_path).instance()
    frames = random_frames(wav2small, 2600 if hop > 100 else 333, 4)
    assert_same_hops(instance.push(frames), continuous_outputs(plan, frames))
    assert instance.largest_counter <= plan.settled_frames + plan.period_frames


def test_ds_cnn(models_dir: Path, tmp_path: Path) -> None:
    """A whole-extent average as the reduction."""
    graph = load_tflite(models_dir / "mlperf_tiny_kws_int8.tflite")
    plan = plan_continuous(plan_stream(graph), 10, 50)
    frames = random_frames(graph, 500, 1)
    instance = Continuous(graph, plan, tmp_path).instance()
    assert_same_hops(instance.push(frames), continuous_outputs(plan, frames))


@pytest.mark.parametrize("seed", range(QUICK))
def test_random_networks(tmp_path: Path, seed: int) -> None:
    check_random_network(tmp_path, seed)


@pytest.mark.exhaustive
@pytest.mark.parametrize("seed", range(QUICK, EXHAUSTIVE))
def test_many_random_networks(tmp_path: Path, seed: int) -> None:
    check_random_network(tmp_path, seed)


def check_random_network(folder: Path, seed: int) -> None:
    graph = stream_of(seed)
    plan = check_continuous(graph, plan_of(graph, seed))
    assert plan.lower_bound_bytes <= plan.state_bytes
    turn = plan.settled_frames + plan.period_frames  # after which the counters go back
    frames = random_frames(graph, max(FRAMES, min(turn + 100, MOST_FRAMES)), seed)
    instance = Continuous(graph, plan, folder).instance()
    expected = continuous_outputs(plan, frames)
    assert_same_hops(instance.push(frames), expected)
    instance.reset()
    parts = [hop for part in np.array_split(frames, 7) for hop in instance.push(part)]
    assert_same_hops(parts, expected)


def test_counters_never_grow(wav2small: Graph, tmp_path: Path) -> None:
    """Eighty thousand frames are many turns of every ring: the counters stay, and the outputs of
    audio that repeats itself repeat."""
    plan = plan_continuous(plan_stream(wav2small), 30, 60)
    instance = Continuous(wav2small, plan, tmp_path).instance()
    loop = random_frames(wav2small, 300, 4)
    expected = continuous_outputs(plan, np.concatenate([loop] * 3))
    first = instance.push(np.concatenate([loop] * 3))
    assert_same_hops(first, expected)
    for _ in range(80):
        assert_same_hops(instance.push(np.concatenate([loop] * 3))[-10:], expected[-10:])
    assert instance.largest_counter <= plan.settled_frames + plan.period_frames < 100


def test_a_full_window_of_the_whole_recording_is_nearly_the_clip(wav2small: Graph) -> None:
    """The reference against the batch model by other means: a window that ends where the clip does
    lacks only the rows that wait for the padding behind it."""
    plan = plan_continuous(plan_stream(wav2small), 500, 500)
    frames = random_frames(wav2small, 500, 3)
    (hop,) = continuous_outputs(plan, frames)
    time = plan.stream.time
    (stage,) = plan.stream.reductions
    first, last = plan.reduced_rows(stage, 1)
    assert (first, last) == (0, rows_made(plan.stream.stages, 500)[stage.number])
    total = time.counts[stage.node.inputs[0] or ""].rows(500)
    assert 0 < total - last <= plan.delay_frames
    graph = retime(time, 500)
    clip = run_graph(graph, {graph.inputs[0]: frames[None]})[graph.outputs[0]]
    assert np.abs(hop[0].astype(int) - clip.astype(int)).max() <= 4


@pytest.mark.parametrize(
    ("hop", "window", "message"),
    [
        (251, 502, "hop must be a positive multiple of 2 frames"),
        (0, 100, "hop must be a positive multiple"),
        (250, 600, "window must be a positive multiple of the hop"),
        (250, 0, "window must be a positive multiple of the hop"),
        (250, 250 << 20, "its sums hold a window of"),
    ],
)
def test_hops_and_windows_that_cannot_be(
    wav2small: Graph, hop: int, window: int, message: str
) -> None:
    with pytest.raises(InputError, match=message):
        plan_continuous(plan_stream(wav2small), hop, window)


def test_a_recording_shorter_than_the_first_hop(wav2small: Graph) -> None:
    plan = plan_continuous(plan_stream(wav2small), 250, 1000)
    with pytest.raises(InputError, match="first output comes after 250 frames; got 249"):
        continuous_outputs(plan, random_frames(wav2small, 249, 0))


@pytest.mark.parametrize("seed", range(6))
def test_the_checker_refuses_buffers_that_do_not_outlive_a_hop(seed: int) -> None:
    """The stream plan's own places let what runs at the end overlay rings."""
    graph = stream_of(seed)
    plan = plan_of(graph, seed)
    tails = [b for b in plan.stream.buffers if b.purpose == "tensor"]
    rings = [b for b in plan.stream.buffers if b.purpose in ("ring", "blocks")]
    for ring in rings:
        moved = tuple(
            replace(b, offset_bytes=ring.offset_bytes) if b is tails[0] else b
            for b in plan.stream.buffers
        )
        broken = replace(plan, stream=replace(plan.stream, buffers=moved))
        with pytest.raises(ToolkitError, match="overwritten"):
            check_continuous(graph, broken)


def test_the_checker_refuses_counters_that_go_back_wrongly(wav2small: Graph) -> None:
    plan = plan_continuous(plan_stream(wav2small), 250, 1000)
    with pytest.raises(ToolkitError, match="whole turns of ring"):
        check_continuous(wav2small, replace(plan, period_frames=plan.period_frames + 2))
    with pytest.raises(ToolkitError, match=r"must (make rows evenly|be past its padding)"):
        check_continuous(wav2small, replace(plan, settled_frames=2))


def test_too_few_blocks_are_refused(wav2small: Graph) -> None:
    plan = plan_continuous(plan_stream(wav2small), 250, 1000)
    with pytest.raises(ToolkitError, match="lacks room for its blocks"):
        check_continuous(wav2small, replace(plan, window_frames=1250))
