"""Networks that stream up to the first nodes that cannot: its bytes from less RAM than batch."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from tests.properties.test_time_forms import imported, quantized
from tests.support.random_streams import random_stream
from tests.support.stream_host import (
    OK,
    TOO_FEW_FRAMES,
    TOO_MANY_FRAMES,
    Streamed,
    assert_streams_like_batch,
    random_clip,
)
from tests.support.time_forms import CHANNELS, VALUES, WIDTH, Form, Net
from tests.support.variants import dsp_variants
from toolkit.errors import InputError, NotStreamableError, TooFewFramesError, ToolkitError
from toolkit.ir import Graph, Node
from toolkit.ops.reshape import ReshapeAttrs
from toolkit.plan import check_stream, plan_arena, plan_stream
from toolkit.plan.schedule import ScheduleRequest, choose_plan
from toolkit.plan.time_axis import find_time_axis
from toolkit.targets import load_target

FRAMES = 40
RANDOM = 16
TARGET = load_target("cortex-m4")


def wide(m: Net) -> str:
    """Two layers that take most of the batch network's RAM, and every second frame of 6 values."""
    x = m.relu(m.conv1("x", VALUES, 32, 3, pads=[1, 1]))
    return m.relu(m.conv1(x, 32, WIDTH, 3, pads=[1, 1], strides=[2]))


def squeeze_excite(m: Net) -> str:
    """The mean over time scales every frame."""
    x = wide(m)
    gate = m.op("Sigmoid", m.conv1(m.mean(x, 2, keep=1), WIDTH, WIDTH, 1))
    x = m.relu(m.conv1(m.op("Mul", x, gate), WIDTH, WIDTH, 3, pads=[1, 1]))
    return m.head(m.mean(x, 2))


def flattened(m: Net) -> str:
    return m.dense(m.op("Flatten", wide(m)), WIDTH * FRAMES // 2, 3)


def softmax_over_time(m: Net) -> str:
    """A convolution of weights over time."""
    weights = m.op("Softmax", wide(m), axis=2)
    return m.head(m.mean(m.relu(m.conv1(weights, WIDTH, WIDTH, 3, pads=[1, 1])), 2))


def two_kept(m: Net) -> str:
    """Branches of other rates, both flattened, beside one that is summed."""
    x = wide(m)
    y = m.relu(m.conv1(x, WIDTH, 2, 3, strides=[2]))
    flat = [m.op("Flatten", x), m.op("Flatten", y), m.mean(x, 2)]
    return m.dense(m.op("Concat", *flat, axis=1), WIDTH * 20 + 2 * 9 + WIDTH, 3)


NETS = {net.__name__: net for net in (squeeze_excite, flattened, softmax_over_time, two_kept)}
REASONS = {
    "squeeze_excite": "a reduction over time fed back into time",
    "flattened": "it splits, merges or moves frames",
    "softmax_over_time": "it moves or mixes the time axis",
    "two_kept": "it moves or mixes the time axis",
}


def network(build: Callable[[Net], str], folder: Path) -> Graph:
    form = Form(build, CHANNELS if build is not flattened else (1, VALUES, FRAMES), FRAMES)
    return quantized(form, imported(form, folder))


needs_gcc = pytest.mark.skipif(shutil.which("gcc") is None, reason="gcc is not installed")


@needs_gcc
@pytest.mark.parametrize("name", NETS)
@pytest.mark.parametrize("dsp", [False, True])
def test_has_the_bits_of_the_batch_network_from_less_ram(
    name: str, dsp: bool, tmp_path: Path
) -> None:
    graph = network(NETS[name], tmp_path)
    variants = dsp_variants(graph) if dsp else {}
    plan = check_stream(graph, plan_stream(graph, variants=variants, in_part=True))
    assert plan.lower_bound_bytes <= plan.state_bytes < plan_arena(graph, variants).arena_bytes
    streamed = Streamed(plan.graph, plan, tmp_path)
    for seed in range(3):
        assert_streams_like_batch(streamed, [FRAMES], seed)


def flattened_too(graph: Graph, rng: np.random.Generator) -> Graph:
    """The network with one to three tensors that have time, over all of it, as further outputs."""
    counts = find_time_axis(graph).counts
    names = sorted(n for n in counts if counts[n].rows(48) < graph.tensors[n].elements)
    tensors, nodes, outputs = dict(graph.tensors), [*graph.nodes], [*graph.outputs]
    for number, name in enumerate(rng.choice(names, min(3, len(names)), replace=False)):
        source = graph.tensors[str(name)]
        shape, flat, out = (1, source.elements), f"flat{number}", f"out{number}"
        tensors |= {new: replace(source, name=new, shape=shape) for new in (flat, out)}
        nodes.append(Node(flat, "reshape", (source.name,), (flat,), ReshapeAttrs(shape)))
        nodes.append(Node(out, "relu", (flat,), (out,), None))
        outputs.append(out)
    return replace(graph, tensors=tensors, nodes=tuple(nodes), outputs=tuple(outputs))


@needs_gcc
def test_random_networks(tmp_path: Path) -> None:
    plans = []
    for seed in range(RANDOM):
        rng = np.random.default_rng(seed)
        graph = random_stream(lambda low, high, rng=rng: int(rng.integers(low, high + 1)))
        graph = flattened_too(graph, rng)
        variants = dsp_variants(graph, seed) if seed % 2 else {}
        plans.append(check_stream(graph, plan_stream(graph, variants=variants, in_part=True)))
    for seed, streamed in enumerate(Streamed.several(plans, tmp_path)):
        assert_streams_like_batch(streamed, [streamed.plan.time.frames], seed)


@needs_gcc
def test_a_clip_of_another_length_is_refused(tmp_path: Path) -> None:
    graph = network(squeeze_excite, tmp_path)
    plan = plan_stream(graph, in_part=True)
    assert (plan.min_frames, plan.max_frames, plan.any_length) == (FRAMES, FRAMES, False)
    instance = Streamed(plan.graph, plan, tmp_path).instance()
    (rows,) = random_clip(plan.graph, FRAMES + 1, 0)
    assert instance.push(rows[:-2]) == {OK}
    assert (instance.finish(), instance.status(1)) == (TOO_FEW_FRAMES, OK)
    assert instance.status(2) == TOO_MANY_FRAMES
    instance.push(rows[-2:])
    assert instance.finish() == TOO_MANY_FRAMES
    for frames, error in ((FRAMES - 1, TooFewFramesError), (FRAMES + 1, InputError)):
        with pytest.raises(error, match=f"{FRAMES} frames"):
            plan.at_rows(frames)


@pytest.mark.parametrize("name", NETS)
def test_what_streams_and_what_does_not_is_said(name: str, tmp_path: Path) -> None:
    graph = network(NETS[name], tmp_path)
    batch, _ = choose_plan(graph, ScheduleRequest("batch"), TARGET)
    for schedule in ("auto", "stream"):
        plan, (note,) = choose_plan(graph, ScheduleRequest(schedule, time_axis=2), TARGET)
        assert plan.stream is not None and note.code == "schedule.part"
        assert len(plan.stream.time.collected) == 1 + (name == "two_kept")
        for tensor in plan.stream.time.collected:
            assert f"{tensor!r}" in note.message
        assert f"RAM {plan.ram_bytes:,} B, in batch {batch.ram_bytes:,} B" in note.message
        assert REASONS[name] in note.message and f"exactly {FRAMES} frames" in note.message


def test_batch_stays_where_it_takes_less(tmp_path: Path) -> None:
    def widens(m: Net) -> str:
        x = m.relu(m.conv1("x", VALUES, 32, 3, pads=[1, 1]))
        gate = m.op("Sigmoid", m.conv1(m.mean(x, 2, keep=1), 32, 32, 1))
        return m.head(m.mean(m.conv1(m.op("Mul", x, gate), 32, 32, 3, pads=[1, 1]), 2), 32)

    graph = network(widens, tmp_path)
    plan, (note,) = choose_plan(graph, ScheduleRequest(time_axis=2), TARGET)
    assert plan.schedule == "batch" and "squeeze-excite" in note.message
    with pytest.raises(NotStreamableError, match="squeeze-excite"):
        choose_plan(graph, ScheduleRequest("stream", time_axis=2), TARGET)


def test_nothing_in_front_of_what_cannot_stream(tmp_path: Path) -> None:
    def at_once(m: Net) -> str:
        return m.dense(m.op("Flatten", "x"), VALUES * FRAMES, 3)

    graph = network(at_once, tmp_path)
    with pytest.raises(NotStreamableError):
        plan_stream(graph, in_part=True)


def test_the_checker_sees_a_tensor_that_is_not_kept(tmp_path: Path) -> None:
    """Of another place, overlaid by a ring, or of too few rows."""
    graph = network(squeeze_excite, tmp_path)
    plan = plan_stream(graph, in_part=True)
    (kept,) = (b for b in plan.buffers if b.purpose == "clip")
    (ring,) = (r for r in plan.rings if r is not None and r.tensor == kept.name)
    other = next(r for r in plan.rings if r is not None and r.tensor != kept.name)
    changes = (
        replace(ring, rows=ring.rows - 1),
        replace(ring, offset_bytes=ring.offset_bytes + 8),
        replace(other, offset_bytes=ring.offset_bytes),
    )
    for changed in changes:
        old = next(r for r in plan.rings if r is not None and r.tensor == changed.tensor)
        rings = tuple(changed if r is old else r for r in plan.rings)
        with pytest.raises(ToolkitError, match="stream plan"):
            check_stream(graph, replace(plan, rings=rings))
