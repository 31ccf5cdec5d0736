"""Clips that end early, go on, or have ended: compiled C against the batch network."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pytest

from tests.support.compilers import compile_c
from tests.support.host_run import project_of_plan
from tests.support.onnx_models import ModelMaker
from tests.support.stream_host import (
    COMPILE,
    OK,
    TOO_FEW_FRAMES,
    TOO_MANY_FRAMES,
    batch_outputs,
)
from toolkit.compare.features import BOUNDS, compare_features
from toolkit.emit import write_project
from toolkit.features.extract import extract
from toolkit.features.front_end import FrontEnd
from toolkit.features.quantise import quantise_features
from toolkit.features.spec import (
    KEYWORD_MFCC,
    MICRO_SPEECH,
    WAV2SMALL,
    WAV2SMALL_RUNNING,
    FeatureSpec,
    LevelSpec,
    Raw,
)
from toolkit.frontend.load import load_onnx
from toolkit.ir import Graph
from toolkit.passes.optimize import optimize
from toolkit.plan import Plan, StreamPlan, plan_arena, plan_stream
from toolkit.quantize.convert import convert
from toolkit.quantize.ranges import calibrate
from toolkit.toolchain import host_sources
from toolkit.toolchain.base import include_flags

HERE = Path(__file__).parent
LEAST_FRAMES = 5

SPECS = {
    "running": WAV2SMALL_RUNNING,
    "clip": WAV2SMALL,
    "centred_running": replace(WAV2SMALL_RUNNING, center=True),
    "centred_clip": replace(WAV2SMALL, center=True),
    "centred_fixed": replace(WAV2SMALL, center=True, level=LevelSpec("fixed", gain=4.0)),
    "centred_mfcc": replace(
        KEYWORD_MFCC, frame_samples=400, hop_samples=160, n_mels=26, n_mfcc=13, center=True
    ),
    "centred_short_hop": replace(WAV2SMALL_RUNNING, frame_samples=128, hop_samples=20, center=True),
    "centred_long_hop": replace(WAV2SMALL_RUNNING, frame_samples=64, hop_samples=150, center=True),
    "mirrored": replace(
        WAV2SMALL_RUNNING, frame_samples=80, n_fft=80, center=True, padding="reflect"
    ),
    "deltas": replace(WAV2SMALL_RUNNING, deltas=2, delta_width=1, center=True),
    "stacked": replace(WAV2SMALL_RUNNING, n_mels=13, stack=2, stack_step=2),
    "rows_of_the_clip": replace(
        WAV2SMALL_RUNNING, n_mels=9, deltas=1, normalise="clip", log="ln", stack=3, stack_step=2
    ),
    "emphasised": replace(
        WAV2SMALL, level=LevelSpec("fixed"), pre_emphasis=0.97, center=True, floor=1e-6
    ),
    "below_top": replace(WAV2SMALL_RUNNING, top_db=40.0, center=True),
    "raw": Raw(16_000, 40, 40, level=LevelSpec("running")),
    "micro": replace(MICRO_SPEECH, frame_samples=256, hop_samples=100, n_mels=16),
}
FIXED = [name for name, spec in SPECS.items() if spec.kind != "micro_frontend"]


def noise(samples: int) -> np.ndarray:
    """int16 [samples], louder and louder, off centre."""
    rng = np.random.default_rng(3)
    return (rng.standard_normal(samples) * np.linspace(300, 6000, samples) + 500).astype(np.int16)


def network(folder: Path, spec: FeatureSpec, padding: int) -> Graph:
    """Two convolutions over time, a mean, a dense layer; without padding five rows at least."""
    m = ModelMaker(1, 1, "rows", spec.row_values)
    pads = [padding, 1, padding, 1]
    x = m.op("Relu", m.conv("x", (1, 3), (3, 3), pads=pads))
    x = m.op("Relu", m.conv(x, (3, 3), (3, 3), pads=pads))
    x = m.op("Flatten", m.op("GlobalAveragePool", x), axis=1)
    path = folder / "net.onnx"
    path.write_bytes(m.model(m.dense(x, 3, 3)).SerializeToString())
    features = extract(noise(12 * spec.hop_samples + spec.frame_samples), spec)
    graph = optimize(load_onnx(path, rows=len(features)))
    (name,) = graph.inputs
    # The clip, and clips of one of its rows alone, which take the mean as far as it goes.
    clips = [features, *(np.broadcast_to(row, features.shape) for row in features)]
    shaped = (clip.reshape(graph.tensors[name].shape) for clip in clips)
    return convert(graph, calibrate(graph, ({name: clip} for clip in shaped)), "fused")


@dataclass(frozen=True)
class End:
    """What the driver saw of the clip that ends after ``samples``."""

    samples: int
    status: int
    rows: np.ndarray
    outputs: bytes


def compile_driver(plan: Plan, front_end: FrontEnd, folder: Path, driver: str) -> None:
    """A program of a library and one of the drivers here, in C."""
    write_project(project_of_plan(plan, front_end), folder)
    shutil.copy(HERE / driver, folder)
    sources = [name for name in host_sources(folder) if not name.startswith("harness/")]
    command = [*COMPILE, "-O1", "-ffp-contract=off", *include_flags(folder)]
    compile_c([*command, *sources, "-o", "driver"], folder)


class Ends:
    """The compiled project of a network behind the features of a specification."""

    def __init__(self, folder: Path, spec: FeatureSpec, arithmetic: str, padding: int) -> None:
        self.spec, graph = spec, network(folder, spec, padding)
        self.plan: StreamPlan = plan_stream(graph)
        self.entry = graph.tensors[graph.inputs[0]]
        front_end = FrontEnd.feeding(self.entry, spec, arithmetic)
        self.folder = folder / "project"
        compile_driver(self.plan, front_end, self.folder, "end_of_clip_driver.c")

    def run(self, samples: np.ndarray, step: int) -> Iterator[End]:
        done = subprocess.run(
            [self.folder / "driver", str(step)],
            input=samples.tobytes(),
            capture_output=True,
            check=False,
            timeout=60,
        )
        assert done.returncode == 0, f"{done.returncode} in end_of_clip_driver.c"
        data, at, values = done.stdout, 0, self.spec.row_values
        for count in range(0, len(samples) + 1, step):
            made = int.from_bytes(data[at : at + 4], "little")
            rows = np.frombuffer(data, np.int8, made * values, at + 5).reshape(made, values)
            end = at + 5 + rows.size
            yield End(count, data[at + 4], rows, data[end : end + 3])
            at = end + 3
        assert at == len(data)

    def batch(self, rows: np.ndarray) -> bytes:
        (outputs,) = batch_outputs(self.plan, rows.reshape(-1, *self.entry.shape[2:]))
        return outputs.tobytes()


def check_ends(folder: Path, spec: FeatureSpec, arithmetic: str, padding: int, step: int) -> None:
    """Every end from 0 samples on: status, outputs, and the outputs of what goes on after it."""
    ends = Ends(folder, spec, arithmetic, padding)
    least = 1 if padding else LEAST_FRAMES
    assert ends.plan.min_frames == least
    samples = noise(spec.samples_for_rows(least + 3) + spec.hop_samples // 2)
    seen = list(ends.run(samples, step))
    whole = features_of_whole(ends, samples)
    expected = {}
    statuses = set()
    for end in seen:
        rows = spec.rows_for_samples(end.samples)
        assert len(end.rows) == rows
        assert end.status == (OK if rows >= least else TOO_FEW_FRAMES), end.samples
        statuses.add(end.status)
        heard = end.rows if end.status == OK else whole
        key = heard.tobytes()
        if key not in expected:
            expected[key] = ends.batch(heard)
        assert end.outputs == expected[key], f"{end.samples} samples, status {end.status}"
        if end.status == OK:
            features = extract(samples[: end.samples], spec)
            want = quantise_features(features, ends.entry.scale, ends.entry.zero_point)
            assert compare_features(want, end.rows)[1] <= BOUNDS[arithmetic][1]
    assert statuses == {OK, TOO_FEW_FRAMES}
    assert len(set(expected.values())) > 1


def features_of_whole(ends: Ends, samples: np.ndarray) -> np.ndarray:
    """The device's rows of all samples."""
    return list(ends.run(samples, len(samples)))[-1].rows


@pytest.mark.parametrize(
    "name",
    ["running", "centred_running", "centred_clip", "centred_mfcc", "mirrored", "rows_of_the_clip"],
)
def test_every_early_end(name: str, tmp_path: Path) -> None:
    spec = SPECS[name]
    check_ends(tmp_path, spec, "float32", padding=0, step=max(1, spec.hop_samples // 9))


def test_every_early_end_in_fixed_point(tmp_path: Path) -> None:
    check_ends(tmp_path, SPECS["centred_running"], "fixed", padding=0, step=7)


def test_an_end_with_one_row_at_least(tmp_path: Path) -> None:
    """No sample at all is no clip; one sample and the centred frame's zeros are one."""
    check_ends(tmp_path, SPECS["centred_running"], "float32", padding=1, step=1)


@pytest.mark.exhaustive
@pytest.mark.parametrize("padding", [0, 1])
@pytest.mark.parametrize(
    ("name", "arithmetic"),
    [*((name, "float32") for name in SPECS), *((name, "fixed") for name in FIXED)],
)
def test_every_early_end_sample_by_sample(
    name: str, arithmetic: str, padding: int, tmp_path: Path
) -> None:
    check_ends(tmp_path, SPECS[name], arithmetic, padding, step=1)


# --- clips of one length, other rates ------------------------------------------------------------
def check_refusals(
    folder: Path, spec: FeatureSpec, rate_hz: int, plan_of: Callable[[Graph], Plan], least: int
) -> None:
    """Clips of any length in two blocks: what is refused changes nothing, what is not is right."""
    graph = network(folder, spec, 0)
    entry = graph.tensors[graph.inputs[0]]
    plan = plan_of(graph)
    compile_driver(plan, FrontEnd.feeding(entry, spec), folder / "project", "refused_driver.c")
    most = entry.elements // spec.row_values if plan.stream is None else 1_000
    fewest = most if plan.stream is None else least
    input_hz = rate_hz or spec.sample_rate_hz

    def rows(samples: int) -> int:
        return spec.rows_for_samples(-(-samples * spec.sample_rate_hz // input_hz))

    whole = spec.samples_for_rows(fewest) * input_hz // spec.sample_rate_hz + 1
    total = whole + 3 * spec.hop_samples * input_hz // spec.sample_rate_hz
    step = max(1, spec.hop_samples // 7)
    done = subprocess.run(
        [folder / "project" / "driver", str(rate_hz), str(step), str(whole)],
        input=noise(total).tobytes(),
        capture_output=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == 0, f"{done.returncode} in refused_driver.c"
    found = done.stdout.decode().split()
    expected = []
    for count in range(0, total + 1, step):
        accepted, statuses = 0, []
        for block in (count // 3, count - count // 3):
            fits = rows(accepted + block) <= most
            statuses.append(OK if fits else TOO_MANY_FRAMES)
            accepted += block if fits else 0
        statuses.append(OK if rows(accepted) >= fewest else TOO_FEW_FRAMES)
        expected.append("".join(map(str, statuses)))
    assert found == expected
    assert {"001", "000"} <= set(found)
    assert plan.stream is not None or "021" in found


@pytest.mark.parametrize("rate_hz", [0, 48_000, 44_100])
@pytest.mark.parametrize("name", ["running", "centred_running"])
def test_a_clip_of_one_length(name: str, rate_hz: int, tmp_path: Path) -> None:
    check_refusals(tmp_path, SPECS[name], rate_hz, plan_arena, 0)


@pytest.mark.parametrize("name", ["running", "centred_running"])
def test_clips_of_another_rate(name: str, tmp_path: Path) -> None:
    check_refusals(tmp_path, SPECS[name], 44_100, plan_stream, LEAST_FRAMES)
