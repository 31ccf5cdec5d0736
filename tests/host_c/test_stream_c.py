"""Whole projects of streamed models: harness, features and both compilers."""

from __future__ import annotations

import shutil
import subprocess
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from tests.support.host_run import project_of_plan
from tests.support.random_streams import random_stream
from tests.support.stream_host import batch_outputs, random_frames
from toolkit.emit import write_project
from toolkit.features.audio import load_clip
from toolkit.features.extract import extract
from toolkit.features.front_end import FrontEnd
from toolkit.features.metadata import feature_spec
from toolkit.features.quantise import quantise_features
from toolkit.features.spec import WAV2SMALL, FeatureSpec, LevelSpec
from toolkit.ir import Graph
from toolkit.model.load import load_source
from toolkit.plan import plan_stream
from toolkit.quantize.convert import convert
from toolkit.resources import data_dir
from toolkit.simulate.protocol import decode_output, encode_audio, encode_frames
from toolkit.tflite.read import read_tflite
from toolkit.tflite.write import write_tflite
from toolkit.toolchain import find_toolchain, host_sources

DRIVER = Path(__file__).with_name("stream_audio_driver.c")
HARNESS = {"harness/main.c", "harness/tk_io_host.c"}
LEVELS = {
    "clip": LevelSpec("clip"),
    "running": LevelSpec("running", time_constant_s=3.0),
    "fixed": LevelSpec("fixed", gain=4.0),
}


@pytest.fixture(scope="module")
def wav2small() -> Graph:
    source = load_source("wav2small")
    assert source.float_graph is not None and source.ranges is not None
    graph = convert(source.float_graph, source.ranges, "fused")
    return read_tflite(write_tflite(graph), "wav2small")


def write_stream(graph: Graph, folder: Path, spec: FeatureSpec | None = None) -> Path:
    plan = plan_stream(graph)
    entry = graph.tensors[graph.inputs[0]]
    front_end = None if spec is None else FrontEnd.feeding(entry, spec)
    write_project(project_of_plan(plan, front_end), folder)
    return folder


def speech(samples: int) -> np.ndarray:
    clip = load_clip(data_dir("models") / "wav2small" / "demo_clip.wav", 16000)
    return clip.samples[:samples]


@pytest.mark.parametrize("toolchain", ["gcc", "zig"])
def test_the_harness_takes_frames(tmp_path: Path, toolchain: str) -> None:
    rng = np.random.default_rng(19)
    graph = random_stream(lambda low, high: int(rng.integers(low, high, endpoint=True)))
    project = write_stream(graph, tmp_path / "project")
    program = find_toolchain(toolchain).compile_host(
        project, host_sources(project), tmp_path, {"HARNESS_FEATURES": 0}
    )
    clips = [random_frames(graph, frames, 0) for frames in (48, 20, 111)]
    (tmp_path / "input.bin").write_bytes(encode_frames(clips))
    subprocess.run([program], cwd=tmp_path, check=True)
    sizes = [graph.tensors[name].size_bytes for name in graph.outputs]
    output = decode_output((tmp_path / "output.bin").read_bytes(), sizes)
    for clip, case in zip(clips, output.cases, strict=True):
        expected = batch_outputs(plan_stream(graph), clip)
        assert case.outputs == tuple(array.tobytes() for array in expected)


def test_the_harness_takes_audio_of_any_length(tmp_path: Path, wav2small: Graph) -> None:
    project = write_stream(wav2small, tmp_path / "project", feature_spec(wav2small))
    program = find_toolchain("zig").compile_host(
        project, host_sources(project), tmp_path, {"HARNESS_FEATURES": 1}
    )
    clips = [speech(samples) for samples in (16000, 5003, 64)]
    (tmp_path / "input.bin").write_bytes(encode_audio(clips))
    subprocess.run([program], cwd=tmp_path, check=True)
    output = decode_output((tmp_path / "output.bin").read_bytes(), [3], 26)
    plan = plan_stream(wav2small)
    for clip, case in zip(clips, output.cases, strict=True):
        assert case.rows is not None
        assert len(case.rows) == 1 + (len(clip) - 64) // 32
        rows = case.rows.reshape(-1, 26, 1)
        assert case.outputs == (batch_outputs(plan, rows)[0].tobytes(),)


@pytest.mark.parametrize("level", LEVELS)
def test_any_chunks_of_audio_give_the_same_bytes(
    tmp_path: Path, wav2small: Graph, level: str
) -> None:
    """What they give are the batch model's bytes on the reference features."""
    if shutil.which("gcc") is None:
        pytest.skip("gcc is not installed")
    spec = replace(WAV2SMALL, level=LEVELS[level])
    project = write_stream(wav2small, tmp_path / "project", spec)
    shutil.copy(DRIVER, project)
    sources = [name for name in host_sources(project) if name not in HARNESS]
    program = find_toolchain("gcc").compile_host(project, sources, tmp_path, {})
    clip = speech(8000)
    results = {
        chunk: subprocess.run(
            [program, str(chunk)], input=clip.tobytes(), capture_output=True, check=True
        ).stdout
        for chunk in (0, 1, 7, 160, 16000)
    }
    assert len(set(results.values())) == 1
    assert results[0][:3] == results[0][3:], "the second clip starts afresh"
    entry = wav2small.tensors[wav2small.inputs[0]]
    rows = quantise_features(extract(clip, spec), entry.scale, entry.zero_point)
    (expected,) = batch_outputs(plan_stream(wav2small), rows[:, :, None])
    assert results[0][:3] == expected.tobytes()
