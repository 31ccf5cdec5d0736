"""Audio in, rows out: the generated library in every way to push it, against its test harness."""

from __future__ import annotations

import subprocess
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from tests.host_c.test_end_of_clip import compile_driver, noise
from tests.support.row_models import hearing
from toolkit.deploy.deployment import Deployment
from toolkit.deploy.model import load
from toolkit.features.decimate import decimate
from toolkit.features.spec import WAV2SMALL_RUNNING, FeatureSpec
from toolkit.plan import StreamPlan
from toolkit.simulate.protocol import encode_audio

SPECS = {
    "running": WAV2SMALL_RUNNING,
    "centred": replace(WAV2SMALL_RUNNING, center=True),
}
SHORT_HOP = replace(WAV2SMALL_RUNNING, frame_samples=128, hop_samples=20, center=True)


def deployed(folder: Path, spec: FeatureSpec) -> Deployment:
    path = folder / "network.onnx"
    path.write_bytes(hearing(spec).SerializeToString())
    return load(path).deploy("cortex-m4", name="network")


def rows_of(plan: StreamPlan, said: bytes) -> tuple[bytes, ...]:
    """The bytes of every output of what a driver wrote."""
    sizes = [tensor.size_bytes for tensor in plan.output_tensors]
    found = [b"" for _ in sizes]
    at = 0
    while said[at] != 0xFF:
        index = said[at]
        found[index] += said[at + 1 : at + 1 + sizes[index]]
        at += 1 + sizes[index]
    at += 1
    for index, size in enumerate(sizes):
        if index not in plan.outputs_in_rows:
            found[index] = said[at : at + size]
            at += size
    assert at == len(said)
    return plan.laid_out(found)


@pytest.mark.parametrize("name", SPECS)
def test_every_way_to_push(name: str, tmp_path: Path) -> None:
    check_every_way(SPECS[name], tmp_path)


@pytest.mark.exhaustive
def test_every_way_to_push_hops_of_a_few_samples(tmp_path: Path) -> None:
    check_every_way(SHORT_HOP, tmp_path)


def check_every_way(spec: FeatureSpec, tmp_path: Path) -> None:
    deployment = deployed(tmp_path, spec)
    plan, front_end = deployment.plan, deployment.front_end
    assert isinstance(plan, StreamPlan) and front_end is not None
    compile_driver(plan, front_end, tmp_path / "driver", "rows_audio_driver.c")
    samples = noise(9 * spec.hop_samples + spec.frame_samples + 7)
    fast = np.repeat(samples, 3)
    given = [samples, decimate(fast, 48_000)]
    heard = deployment.harness.run_once_on_host(encode_audio(given), "zig").output.cases
    ways = [("s16", 1), ("s16", 4096), ("lazy", 33), ("q31", 50), ("f32", 4096), ("put", 4096)]
    for form, block in [*ways, ("48000", 1), ("48000", 4096)]:
        resampled = form == "48000"
        done = subprocess.run(
            [tmp_path / "driver" / "driver", form, str(block)],
            input=(fast if resampled else samples).tobytes(),
            capture_output=True,
            check=False,
            timeout=60,
        )
        assert done.returncode == 0, f"{form}: {done.returncode} in rows_audio_driver.c"
        assert rows_of(plan, done.stdout) == heard[resampled].outputs, f"{form}, blocks of {block}"
