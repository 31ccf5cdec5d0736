"""Sums over time on the device against the float network, which onnxruntime runs: streamed and in
batch, at half, once and three times the model's own clip length."""

from __future__ import annotations

import shutil
import wave
from pathlib import Path

import numpy as np
import pytest

from tests.support.stream_host import (
    OK,
    TOO_MANY_FRAMES,
    Streamed,
    assert_streams_like_batch,
    batch_outputs,
    random_frames,
)
from tests.support.sums import SPEC, outside, pooled_model, sum_over_time
from toolkit.deploy.deployment import Firmware
from toolkit.deploy.model import load
from toolkit.deploy.run import Run
from toolkit.errors import InputError
from toolkit.features.audio import load_clip
from toolkit.ir import DType
from toolkit.model.source import demo_clip
from toolkit.plan.schedule import ScheduleRequest

OWN, LONGEST = 0.5, 1.5
SECONDS = (OWN / 2, OWN, LONGEST)


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return pooled_model(sum_over_time, tmp_path_factory.mktemp("model"))


@pytest.fixture(scope="module")
def streamed(model: Path) -> Firmware:
    deployment = load(model, OWN, LONGEST).deploy("cortex-m4")
    assert deployment.plan.schedule == "stream"
    return deployment.compile()


def clip_of(seconds: float, folder: Path) -> Path:
    """The demo clip over and over, as a file."""
    samples = load_clip(demo_clip(), SPEC.sample_rate_hz).samples
    path = folder / "clip.wav"
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(SPEC.sample_rate_hz)
        file.writeframes(np.resize(samples, round(seconds * SPEC.sample_rate_hz)).tobytes())
    return path


def assert_right(run: Run, model: Path) -> None:
    """The reference's bits, and the float network's values but for a step of the output."""
    assert run.clip is not None and not run.clip.notes
    assert run.outputs == list(run.expected)
    step = run.graph.tensors[run.graph.outputs[0]].scale
    np.testing.assert_allclose(run.values, outside(model)(run.clip.features), atol=step, rtol=0)


SIMULATORS = ("unicorn", "host")


@pytest.mark.parametrize("seconds", SECONDS)
def test_streamed(streamed: Firmware, model: Path, seconds: float, tmp_path: Path) -> None:
    for simulator in SIMULATORS:
        assert_right(streamed.run(clip_of(seconds, tmp_path), simulator), model)


@pytest.mark.parametrize("seconds", SECONDS)
def test_batch(model: Path, seconds: float, tmp_path: Path) -> None:
    """Each length has a model of its own, whose ranges are those of that length."""
    firmware = load(model, seconds).deploy("cortex-m4").compile()
    assert firmware.deployment.plan.schedule == "batch"
    for simulator in SIMULATORS:
        assert_right(firmware.run(clip_of(seconds, tmp_path), simulator), model)


def test_a_longer_clip_is_refused(streamed: Firmware, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="larger --max-seconds"):
        streamed.run(clip_of(LONGEST + 0.1, tmp_path), "host")


@pytest.mark.skipif(shutil.which("gcc") is None, reason="gcc is not installed")
def test_every_length_up_to_the_longest_has_the_batch_models_bits(
    model: Path, tmp_path: Path
) -> None:
    deployment = load(model, OWN, LONGEST).deploy("cortex-m4", ScheduleRequest("stream"))
    plan = deployment.plan.stream
    assert plan is not None
    kinds = [plan.graph.tensors[n.outputs[0]].dtype for n in plan.graph.nodes if n.op == "sum"]
    assert kinds == [DType.INT16], "its scale for the longest clip leaves short ones few steps"
    device = Streamed(plan.graph, plan, tmp_path)
    assert_streams_like_batch(device, [*range(plan.min_frames, 65), plan.max_frames])
    instance, rows = device.instance(), random_frames(plan.graph, plan.max_frames + 1, 0)
    instance.push(rows[:-1])
    assert instance.finish() == OK
    assert (instance.outputs()[0] == batch_outputs(plan, rows[:-1])[0]).all()
    instance.reset()
    instance.push(rows)
    assert instance.finish() == TOO_MANY_FRAMES
