"""Whole projects in continuous mode: harness, features, both compilers, real speech."""

from __future__ import annotations

import shutil
import subprocess
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from tests.support.host_run import project_of_plan
from tests.support.random_streams import random_stream
from tests.support.stream_host import random_frames
from toolkit.compare.continuous import agreement
from toolkit.emit import write_project
from toolkit.errors import InputError
from toolkit.features.audio import load_clip
from toolkit.features.extract import extract
from toolkit.features.front_end import FrontEnd
from toolkit.features.metadata import feature_spec, frames_of
from toolkit.features.quantise import quantise_features
from toolkit.features.spec import METADATA_KEY, WAV2SMALL, FeatureSpec, LevelSpec
from toolkit.ir import Graph
from toolkit.ir.tensor import Array
from toolkit.model.load import load_source
from toolkit.plan import ContinuousPlan, plan_continuous, plan_stream
from toolkit.plan.continuous_reference import continuous_outputs
from toolkit.quantize.convert import convert
from toolkit.resources import data_dir as toolkit_data_dir
from toolkit.simulate.protocol import decode_output, encode_audio, encode_frames
from toolkit.tflite.read import read_tflite
from toolkit.tflite.write import write_tflite
from toolkit.toolchain import find_toolchain, host_sources

DRIVER = Path(__file__).with_name("continuous_audio_driver.c")
HARNESS = {"harness/main.c", "harness/tk_io_host.c"}


@pytest.fixture(scope="module")
def wav2small() -> Graph:
    source = load_source("wav2small")
    assert source.float_graph is not None and source.ranges is not None
    graph = convert(source.float_graph, source.ranges, "fused")
    return read_tflite(write_tflite(graph), "wav2small")


def write(
    graph: Graph, plan: ContinuousPlan, folder: Path, spec: FeatureSpec | None = None
) -> Path:
    entry = graph.tensors[graph.inputs[0]]
    front_end = None if spec is None else FrontEnd.feeding(entry, spec)
    write_project(project_of_plan(plan, front_end), folder)
    return folder


def speech() -> Array:
    clip = load_clip(toolkit_data_dir("models") / "wav2small" / "demo_clip.wav", 16000)
    return clip.samples


def as_bytes(hops: list[list[Array]]) -> list[tuple[bytes, ...]]:
    return [tuple(np.ascontiguousarray(output).tobytes() for output in hop) for hop in hops]


@pytest.mark.parametrize("toolchain", ["gcc", "zig"])
def test_the_harness_records_every_hop(tmp_path: Path, toolchain: str) -> None:
    rng = np.random.default_rng(19)
    graph = random_stream(lambda low, high: int(rng.integers(low, high, endpoint=True)))
    plan = plan_continuous(plan_stream(graph), 24, 72)
    project = write(graph, plan, tmp_path / "project")
    program = find_toolchain(toolchain).compile_host(
        project, host_sources(project), tmp_path, {"HARNESS_FEATURES": 0}
    )
    clips = [random_frames(graph, frames, 0) for frames in (150, 1, 311)]
    (tmp_path / "input.bin").write_bytes(encode_frames(clips))
    subprocess.run([program], cwd=tmp_path, check=True)
    sizes = [graph.tensors[name].size_bytes for name in graph.outputs]
    data = (tmp_path / "output.bin").read_bytes()
    first, none, last = decode_output(data, sizes, hops="hops").cases
    for clip, case in ((clips[0], first), (clips[2], last)):
        assert list(case.hops) == as_bytes(continuous_outputs(plan, clip))
        assert case.outputs == case.hops[-1]
    assert not none.hops and not none.outputs


def test_the_harness_takes_audio(tmp_path: Path, wav2small: Graph) -> None:
    plan = plan_continuous(plan_stream(wav2small), 100, 300)
    project = write(wav2small, plan, tmp_path / "project", feature_spec(wav2small))
    program = find_toolchain("zig").compile_host(
        project, host_sources(project), tmp_path, {"HARNESS_FEATURES": 1}
    )
    (tmp_path / "input.bin").write_bytes(encode_audio([speech()]))
    subprocess.run([program], cwd=tmp_path, check=True)
    data = (tmp_path / "output.bin").read_bytes()
    (case,) = decode_output(data, [3], 26, hops="hops").cases
    assert case.rows is not None
    rows = case.rows.reshape(-1, 26, 1)
    assert list(case.hops) == as_bytes(continuous_outputs(plan, rows))
    assert len(case.hops) == 4


@pytest.mark.skipif(shutil.which("gcc") is None, reason="gcc is not installed")
@pytest.mark.parametrize("level", [LevelSpec("running", time_constant_s=3.0), LevelSpec("fixed")])
def test_any_chunks_of_audio_give_the_same_bytes(
    tmp_path: Path, wav2small: Graph, level: LevelSpec
) -> None:
    """What they give are the reference's bytes on the reference features."""
    spec = replace(WAV2SMALL, level=level)
    plan = plan_continuous(plan_stream(wav2small), 50, 150)
    project = write(wav2small, plan, tmp_path / "project", spec)
    shutil.copy(DRIVER, project)
    sources = [name for name in host_sources(project) if name not in HARNESS]
    program = find_toolchain("gcc").compile_host(project, sources, tmp_path, {})
    clip = speech()[:8000]
    results = {
        chunk: subprocess.run(
            [program, str(chunk)], input=clip.tobytes(), capture_output=True, check=True
        ).stdout
        for chunk in (0, 1, 7, 160, 16000)
    }
    entry = wav2small.tensors[wav2small.inputs[0]]
    rows = quantise_features(extract(clip, spec), entry.scale, entry.zero_point)
    hops = as_bytes(continuous_outputs(plan, rows[:, :, None]))
    expected = b"".join(data for hop in hops for data in hop)
    assert set(results.values()) == {2 * expected}, "chunks, and a second run after a reset"


def test_the_level_of_a_whole_clip_is_refused(tmp_path: Path, wav2small: Graph) -> None:
    spec = replace(WAV2SMALL, level=LevelSpec("clip"))
    plan = plan_continuous(plan_stream(wav2small), 50, 150)
    with pytest.raises(InputError, match="cannot run on endless audio"):
        write(wav2small, plan, tmp_path / "project", spec)


LABELS = ("arousal", "dominance", "valence")


def recorded(data_dir: Path, seconds: int) -> Array:
    """Utterances of one speaker, one after the other."""
    files = sorted((data_dir / "emotale" / "audio").glob("DK_001_*.flac"))[:12]
    clips = [load_clip(file, 16000).samples for file in files]
    return np.concatenate(clips)[: 16000 * seconds]


def agreements(graph: Graph, hop_s: float, recording: Array) -> dict[str, float]:
    spec = feature_spec(graph)
    assert spec is not None
    plan = plan_continuous(plan_stream(graph), frames_of(hop_s, spec), frames_of(2, spec))
    return {m.name: m.value for m in agreement(plan, [recording])}


def test_agreement_with_clip_mode_on_speech(data_dir: Path, wav2small: Graph) -> None:
    """The sliding window itself costs little; a level that has heard the past is another input, and
    how far it takes the outputs is a figure for the report, not a bound."""
    found = agreements(wav2small, 0.5, recorded(data_dir, 12))
    for label in LABELS:
        assert found[f"continuous_ccc_same_level_{label}"] > 0.98
        assert found[f"continuous_ccc_{label}"] < found[f"continuous_ccc_same_level_{label}"]
    assert found["continuous_max_same_level_deviation"] < found["continuous_max_deviation"]


def test_agreement_differs_by_level_only(data_dir: Path, wav2small: Graph) -> None:
    """Where the level has no memory, clips of the samples and of the features are the same."""
    spec = replace(WAV2SMALL, level=LevelSpec("fixed", gain=8.0))
    graph = replace(wav2small, metadata={**wav2small.metadata, METADATA_KEY: spec.to_json()})
    found = agreements(graph, 0.5, recorded(data_dir, 4))
    for label in LABELS:
        assert found[f"continuous_ccc_{label}"] == found[f"continuous_ccc_same_level_{label}"] != 0
    assert found["continuous_max_deviation"] == found["continuous_max_same_level_deviation"] > 0


def test_agreement_on_one_window(data_dir: Path, wav2small: Graph) -> None:
    """The first window has no past: its level begins where the clip's does."""
    found = agreements(wav2small, 2.0, recorded(data_dir, 3))
    assert found["continuous_max_deviation"] == found["continuous_max_same_level_deviation"]


def test_agreement_needs_a_full_window(wav2small: Graph) -> None:
    plan = plan_continuous(plan_stream(wav2small), 250, 1000)
    with pytest.raises(InputError, match=r"must fill a window of 1000 frames; got \d+"):
        agreement(plan, [speech()])
