"""Audio in, in all its forms: types of samples, blocks, rates and schedules, from C++.

Every way in must give the bytes of int16 samples in one block; those are checked against the
harness and the reference here and in test_stream_c.py and test_continuous_c.py.
"""

from __future__ import annotations

import re
import shutil
import subprocess
from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np
import pytest

from tests.support.compilers import compile_c
from tests.support.host_run import build_host, project_of_plan
from tests.support.kernel import FLAGS
from toolkit.emit import write_project
from toolkit.emit.naming import untagged
from toolkit.errors import InputError
from toolkit.features.audio import load_clip
from toolkit.features.decimate import OUTPUT_HZ, RATES_HZ, decimate
from toolkit.features.front_end import FrontEnd
from toolkit.features.metadata import feature_spec
from toolkit.ir import Graph
from toolkit.model.load import load_source
from toolkit.plan import Plan, plan_arena, plan_continuous, plan_stream
from toolkit.plan.time_axis import find_time_axis, retime
from toolkit.quantize.convert import convert
from toolkit.resources import data_dir
from toolkit.simulate.protocol import decode_output, encode_audio
from toolkit.tflite.read import read_tflite
from toolkit.tflite.write import write_tflite
from toolkit.toolchain import host_sources
from toolkit.toolchain.base import include_flags

pytestmark = pytest.mark.skipif(
    shutil.which("g++") is None or shutil.which("gcc") is None, reason="g++ is not installed"
)

HERE = Path(__file__).parent
SANITIZE = ("-fsanitize=undefined", "-fno-sanitize-recover=all")
CPP = ("g++", "-std=c++17", "-Wall", "-Wextra", "-Wpedantic", "-Wconversion", "-Wshadow", "-Werror")
SCHEDULES = ("batch", "stream", "continuous")
TYPES = ("s16", "q31", "f32")


#: A fifth of a second.
SAMPLES, ROWS = 3_200, 99


@cache
def wav2small() -> Graph:
    """The zoo's network for a clip of `ROWS` frames."""
    source = load_source("wav2small")
    assert source.float_graph is not None and source.ranges is not None
    graph = convert(source.float_graph, source.ranges, "fused")
    graph = read_tflite(write_tflite(graph), "wav2small")
    return replace(retime(find_time_axis(graph), ROWS), metadata=graph.metadata)


def front_end(graph: Graph) -> FrontEnd:
    spec = feature_spec(graph)
    assert spec is not None
    return FrontEnd.feeding(graph.tensors[graph.inputs[0]], spec)


def plan(schedule: str) -> Plan:
    graph = wav2small()
    if schedule == "batch":
        return plan_arena(graph)
    stream = plan_stream(graph)
    return stream if schedule == "stream" else plan_continuous(stream, 12, 36)


def compile_driver(project: Path, driver: Path) -> Path:
    """The library of a project and a C++ program that includes its public headers alone."""
    sources = [name for name in host_sources(project) if not name.startswith("harness/")]
    options = [*FLAGS, "-O1", "-ffp-contract=off", *SANITIZE, *include_flags(project)]
    objects = []
    for source in sources:
        objects.append(f"{Path(source).stem}.o")
        compile_c(["gcc", *options, "-c", source, "-o", objects[-1]], project)
    program = project / driver.stem
    public = f"-I{project / 'network' / 'include'}"
    command = [*CPP, *SANITIZE, public, str(driver), *objects, "-o", str(program)]
    subprocess.run(command, cwd=project, check=True)
    return program


@pytest.fixture(scope="module", params=SCHEDULES)
def driver(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    project = tmp_path_factory.mktemp(request.param) / "project"
    write_project(project_of_plan(plan(request.param), front_end(wav2small())), project)
    return compile_driver(project, HERE / "audio_driver.cpp")


@cache
def speech(samples: int) -> np.ndarray:
    clip = load_clip(data_dir("models") / "wav2small" / "demo_clip.wav", 16_000).samples
    return np.resize(clip, samples)


def run(driver: Path, samples: np.ndarray, rate_hz: int, kind: str, seed: int) -> bytes:
    """What the driver writes of a clip; the second time it is the same."""
    done = subprocess.run(
        [driver, str(rate_hz), kind, str(seed)],
        input=samples.astype("<i2").tobytes(),
        capture_output=True,
        check=False,
    )
    assert done.returncode == 0, (done.returncode, done.stderr)
    half = len(done.stdout) // 2
    assert done.stdout[:half] == done.stdout[half:], "the second clip starts afresh"
    assert len(set(done.stdout[:half])) > 1
    return done.stdout[:half]


def test_types_and_blocks_do_not_matter(driver: Path) -> None:
    clip = speech(SAMPLES)
    expected = run(driver, clip, 0, "s16", 0)
    for seed, kind in enumerate(TYPES, 1):
        assert run(driver, clip, 0, kind, seed) == expected, kind


@pytest.mark.parametrize("driver", ["stream", "continuous"], indirect=True)
def test_steps_give_the_same_bytes(driver: Path) -> None:
    clip = speech(SAMPLES)
    assert run(driver, clip, 0, "steps", 1) == run(driver, clip, 0, "s16", 0)


@pytest.mark.parametrize("rate_hz", RATES_HZ)
def test_other_rates_are_decimated_first(driver: Path, rate_hz: int) -> None:
    clip = speech(SAMPLES * rate_hz // OUTPUT_HZ)
    expected = run(driver, decimate(clip, rate_hz), 0, "s16", 0)
    assert run(driver, clip, rate_hz, "s16", 0) == expected
    for seed, kind in enumerate(TYPES, 1):
        assert run(driver, clip, rate_hz, kind, seed) == expected, kind


@pytest.mark.parametrize("driver", ["batch"], indirect=True)
def test_a_clip_gives_the_bytes_of_the_harness(driver: Path, tmp_path: Path) -> None:
    """Features of the whole clip, then one call of the model."""
    project = project_of_plan(plan("batch"), front_end(wav2small()))
    program = build_host(project, tmp_path, defines={"HARNESS_FEATURES": 1})
    (tmp_path / "input.bin").write_bytes(encode_audio([speech(SAMPLES)]))
    subprocess.run([program], cwd=tmp_path, check=True)
    output = decode_output((tmp_path / "output.bin").read_bytes(), [3], 26)
    assert output.cases[0].outputs == (run(driver, speech(SAMPLES), 0, "s16", 0),)


_USES = {
    "nothing": "",
    "its rate": "network_audio_init(&n.audio); network_push_audio(&n.audio, block, 64);",
    "48 kHz": "network_resampled_init_48000(&n); network_resampled_push_q31(&n, wide, 64);",
}


def linked_symbols(project: Path, use: str) -> set[str]:
    """What is linked of a library by a program that makes these calls, kernels without tags."""
    main = f"""#include "network_resampled.h"
        network_resampled n;
        int16_t block[64];
        int32_t wide[64];
        int main(void) {{ {use} return 0; }}
    """
    (project / "main.c").write_text(main)
    sections = ("-ffunction-sections", "-fdata-sections", "-Wl,--gc-sections")
    sources = [name for name in host_sources(project) if not name.startswith("harness/")]
    command = ["gcc", *FLAGS, "-O1", *sections, *include_flags(project), *sources]
    compile_c([*command, "-o", "program"], project)
    done = subprocess.run(
        ["nm", "program"], cwd=project, capture_output=True, text=True, check=True
    )
    return {untagged(line.split()[-1]) for line in done.stdout.splitlines()}


def test_what_is_not_used_is_not_linked(tmp_path: Path) -> None:
    write_project(project_of_plan(plan("stream"), front_end(wav2small())), tmp_path)
    shutil.rmtree(tmp_path / "harness")
    found = {use: linked_symbols(tmp_path, text) for use, text in _USES.items()}
    assert not {name for name in found["nothing"] if "push" in name}
    assert not {name for name in found["its rate"] if re.search("decimate|samples_|_taps", name)}
    filters = {name for name in found["48 kHz"] if name.endswith("_taps")}
    assert filters == {"middle_of_48000_taps", "half_taps"}
    assert "tk_samples_q31" in found["48 kHz"] and "tk_samples_f32" not in found["48 kHz"]


def test_features_that_do_not_fit_are_refused() -> None:
    graph = wav2small()
    spec = replace(front_end(graph).spec, n_mels=25)
    other = FrontEnd.feeding(graph.tensors[graph.inputs[0]], spec)
    with pytest.raises(InputError, match="features of 25 values a row do not fit"):
        project_of_plan(plan("batch"), other)
