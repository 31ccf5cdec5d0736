"""Whole projects of a network with states: arrays and audio, step by step."""

from __future__ import annotations

import shutil
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest

from tests.support.host_run import project_of_plan
from tests.support.states import LISTENING, listening_network
from toolkit.emit import write_project
from toolkit.errors import InputError
from toolkit.features.audio import load_clip
from toolkit.features.extract import extract
from toolkit.features.front_end import FrontEnd
from toolkit.features.quantise import quantise_features
from toolkit.features.spec import WAV2SMALL_RUNNING, FeatureSpec, LevelSpec
from toolkit.ir import Graph
from toolkit.ir.tensor import Array
from toolkit.model.reference import output_bytes, steps_of
from toolkit.plan import plan_arena
from toolkit.resources import data_dir as toolkit_data_dir
from toolkit.simulate.protocol import decode_output, encode_audio
from toolkit.toolchain import find_toolchain, host_sources

#: That of continuous mode: the calls are the same.
DRIVER = Path(__file__).with_name("continuous_audio_driver.c")
HARNESS = {"harness/main.c", "harness/tk_io_host.c"}
GRAPH = listening_network()


def write(folder: Path, spec: FeatureSpec = LISTENING, graph: Graph = GRAPH) -> Path:
    front_end = FrontEnd.feeding(graph.tensors[graph.inputs[0]], spec)
    write_project(project_of_plan(plan_arena(graph), front_end), folder)
    return folder


def speech() -> Array:
    clip = load_clip(toolkit_data_dir("models") / "wav2small" / "demo_clip.wav", 16000)
    return clip.samples


def expected(clip: Array) -> bytes:
    """The outputs of every step of a clip, by the reference, on the reference features."""
    entry = GRAPH.tensors[GRAPH.inputs[0]]
    rows = quantise_features(extract(clip, LISTENING), entry.scale, entry.zero_point)
    (outputs,) = output_bytes(GRAPH, [steps_of(rows, entry)])
    return outputs


@pytest.mark.skipif(shutil.which("gcc") is None, reason="gcc is not installed")
def test_any_chunks_of_audio_give_the_same_steps(tmp_path: Path) -> None:
    project = write(tmp_path / "project")
    shutil.copy(DRIVER, project)
    sources = [name for name in host_sources(project) if name not in HARNESS]
    program = find_toolchain("gcc").compile_host(project, sources, tmp_path, {})
    clip = speech()[:9000]
    results = {
        chunk: subprocess.run(
            [program, str(chunk)], input=clip.tobytes(), capture_output=True, check=True
        ).stdout
        for chunk in (0, 1, 7, 160, 16000)
    }
    wanted = expected(clip)
    assert len(set(wanted)) > 8
    assert set(results.values()) == {2 * wanted}, "chunks, and a second run after a reset"


@pytest.mark.parametrize("toolchain", ["gcc", "zig"])
def test_the_harness_takes_clips_of_audio(tmp_path: Path, toolchain: str) -> None:
    project = write(tmp_path / "project")
    program = find_toolchain(toolchain).compile_host(
        project, host_sources(project), tmp_path, {"HARNESS_FEATURES": 1}
    )
    clips = [speech()[:9000], speech()[:300], speech()[3000:7000]]
    (tmp_path / "input.bin").write_bytes(encode_audio(clips))
    subprocess.run([program], cwd=tmp_path, check=True)
    data, bands = (tmp_path / "output.bin").read_bytes(), LISTENING.n_mels
    first, none, last = decode_output(data, [4], bands, hops="steps").cases
    for clip, case in ((clips[0], first), (clips[2], last)):
        assert case.outputs == (expected(clip),) and case.last == case.hops[-1]
    assert none.hops == () and none.rows is not None and not none.rows.size


def test_the_level_of_a_whole_clip_is_refused(tmp_path: Path) -> None:
    spec = replace(
        WAV2SMALL_RUNNING, hop_samples=160, n_mels=LISTENING.n_mels, level=LevelSpec("clip")
    )
    with pytest.raises(InputError, match="continuous mode: "):
        write(tmp_path / "project", spec)


def test_rows_that_are_no_step_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"features of 19 values a row do not fit"):
        write(tmp_path / "project", replace(LISTENING, n_mels=19))
