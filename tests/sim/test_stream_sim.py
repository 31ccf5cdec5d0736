"""Streamed models on the simulated target: the batch reference's bytes, and what they need."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tests.support.graphs import activation, add_conv
from tests.support.random_streams import random_stream
from tests.support.stream_host import batch_outputs, random_frames
from tests.support.variants import dsp_variants
from toolkit.deploy.harness import Harness
from toolkit.emit import write_project
from toolkit.features.audio import load_clip
from toolkit.features.front_end import FrontEnd
from toolkit.features.metadata import feature_spec
from toolkit.features.spec import FeatureSpec
from toolkit.ir import DType, Graph, GraphBuilder, QuantParams, Tensor
from toolkit.model.load import load_source
from toolkit.ops.mean import MeanAttrs
from toolkit.ops.parts.window import Window
from toolkit.ops.reshape import ReshapeAttrs
from toolkit.plan import StreamPlan, plan_arena, plan_stream
from toolkit.profiling.linked import Linked
from toolkit.quantize.convert import convert
from toolkit.resources import data_dir
from toolkit.simulate.protocol import encode_audio, encode_frames
from toolkit.targets import load_target
from toolkit.tflite.read import read_tflite
from toolkit.tflite.write import write_tflite

TARGET = load_target("cortex-m4")
#: What Wav2Small may take in bytes: all static RAM by whether DSP kernels run, and the stack.
RAM_BYTES = {False: 12 * 1024, True: 24 * 1024}
STACK_BYTES = 2048


def build(
    plan: StreamPlan, folder: Path, spec: FeatureSpec | None = None
) -> tuple[Harness, Linked]:
    entry = plan.graph.tensors[plan.time.inputs[0]]
    front_end = None if spec is None else FrontEnd.feeding(entry, spec)
    harness = Harness(plan, TARGET, b"not looked at", front_end)
    write_project(harness.project(), folder)
    return harness, harness.compile(folder, "zig")


@pytest.mark.parametrize("seed", range(10))
def test_random_networks(tmp_path: Path, seed: int) -> None:
    rng = np.random.default_rng(seed)
    graph = random_stream(lambda low, high: int(rng.integers(low, high, endpoint=True)))
    plan = plan_stream(graph, variants=dsp_variants(graph, seed) if seed % 2 else {})
    harness, linked = build(plan, tmp_path / "project")
    clips = [random_frames(graph, plan.min_frames + extra, seed) for extra in (0, 7, 60)]
    output = harness.run(linked.binaries.elf, encode_frames(clips), "unicorn").output
    for clip, case in zip(clips, output.cases, strict=True):
        expected = tuple(array.tobytes() for array in batch_outputs(plan, clip))
        assert case.outputs == expected, f"{len(clip)} frames"


def test_int16_frames(tmp_path: Path) -> None:
    builder = GraphBuilder("int16 frames")
    wide = Tensor("x", (1, 48, 4, 3), DType.INT16, QuantParams.per_tensor(0.001, 0))
    narrow = builder.add_node(
        "quantize", [builder.add_input(wide)], activation("q", wide.shape, 0.1, -3), None
    )
    rows = add_conv(builder, narrow, Window(3, 3), 5, np.random.default_rng(0), "rows")
    mean = activation("mean", (1, 5), 0.1, -3)
    builder.outputs.append(builder.add_node("mean", [rows], mean, MeanAttrs((1, 2), False)))
    graph = builder.build()
    plan = plan_stream(graph)
    clip = random_frames(graph, 49, 0)
    harness, linked = build(plan, tmp_path / "project")
    output = harness.run(linked.binaries.elf, encode_frames([clip]), "unicorn").output
    (expected,) = batch_outputs(plan, clip)
    assert output.cases[0].outputs == (expected.tobytes(),)


def test_flattening_behind_a_convolution(tmp_path: Path) -> None:
    """Streams in part: all rows of the convolution are kept, in the memory that was planned."""
    builder, rng = GraphBuilder("in part"), np.random.default_rng(0)
    x = builder.add_input(activation("x", (1, 48, 8, 4), 0.1, -3))
    hidden = add_conv(builder, x, Window(3, 3), 16, rng, "hidden")
    rows = add_conv(builder, hidden, Window(3, 6, stride_h=2), 5, rng, "rows")
    shape = (1, builder.tensors[rows].elements)
    flat = builder.add_node(
        "reshape", [rows], activation("flat", shape, 0.1, -3), ReshapeAttrs(shape)
    )
    builder.outputs.append(builder.add_node("relu", [flat], activation("y", shape, 0.1, -3), None))
    graph = builder.build()
    plan = plan_stream(graph, variants=dsp_variants(graph), in_part=True)
    harness, linked = build(plan, tmp_path / "project")
    sizes = {symbol.name: symbol.size_bytes for symbol in linked.size.symbols}
    assert sizes["instance"] == plan.state_bytes < plan_arena(graph, plan.variants).arena_bytes
    clips = [random_frames(graph, 48, seed) for seed in range(2)]
    output = harness.run(linked.binaries.elf, encode_frames(clips), "unicorn").output
    for clip, case in zip(clips, output.cases, strict=True):
        (expected,) = batch_outputs(plan, clip)
        assert case.outputs == (expected.tobytes(),)


@pytest.fixture(scope="module")
def wav2small() -> Graph:
    source = load_source("wav2small")
    assert source.float_graph is not None and source.ranges is not None
    graph = convert(source.float_graph, source.ranges, "fused")
    return read_tflite(write_tflite(graph), "wav2small")


@pytest.mark.parametrize("dsp", [False, True])
def test_wav2small_needs_the_same_memory_for_any_clip(
    tmp_path: Path, wav2small: Graph, dsp: bool
) -> None:
    plan = plan_stream(wav2small, variants=dsp_variants(wav2small) if dsp else {})
    harness, linked = build(plan, tmp_path / "project", feature_spec(wav2small))
    assert linked.size.ram_static_bytes <= RAM_BYTES[dsp]
    assert linked.stack.bound_bytes <= STACK_BYTES
    sizes = {symbol.name: symbol.size_bytes for symbol in linked.size.symbols}
    assert sizes["instance"] == plan.state_bytes, "what the linker placed is what was planned"
    speech = load_clip(data_dir("models") / "wav2small" / "demo_clip.wav", 16000).samples
    painted = []
    for samples in (4000, 16000):
        clip = np.resize(speech, samples)
        output = harness.run(linked.binaries.elf, encode_audio([clip]), "unicorn").output
        (case,) = output.cases
        assert case.rows is not None
        (expected,) = batch_outputs(plan, case.rows[:, :, None])
        assert case.outputs == (expected.tobytes(),)
        painted.append(output.stack_painted_bytes)
    assert painted[0] == painted[1] <= linked.stack.bound_bytes
