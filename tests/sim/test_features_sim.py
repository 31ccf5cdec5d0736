"""Device features on the simulated core against the same C on this workstation, bit for bit."""

from __future__ import annotations

import shutil

import numpy as np
import pytest

from benchmarks.features import CASES, DEMO_CLIP, TOOLCHAINS, on_host, simulated
from tests.support.hard_signals import signals
from toolkit.features.audio import load_clip
from toolkit.features.presets import PRESETS
from toolkit.targets import load_target

SECONDS = 1


@pytest.mark.parametrize("toolchain", TOOLCHAINS)
@pytest.mark.parametrize("name", CASES)
def test_core_and_host_give_the_same_bits(name: str, toolchain: str) -> None:
    if toolchain == "gcc" and not (shutil.which("arm-none-eabi-gcc") and shutil.which("gcc")):
        pytest.skip("arm-none-eabi-gcc or gcc is not installed")
    spec, arithmetic = CASES[name]
    clip = load_clip(DEMO_CLIP, spec.sample_rate_hz).samples[: SECONDS * spec.sample_rate_hz]
    cost = simulated(spec, arithmetic, clip, load_target("cortex-m4"), toolchain)
    assert cost.rows.std() > 1
    for other in ("zig", toolchain):
        np.testing.assert_array_equal(cost.rows, on_host(spec, arithmetic, clip, other))


@pytest.mark.parametrize("toolchain", TOOLCHAINS)
@pytest.mark.parametrize("core", ["cortex-m0plus", "cortex-m3"])
def test_cores_without_floating_point_give_the_same_bits(core: str, toolchain: str) -> None:
    if toolchain == "gcc" and not shutil.which("arm-none-eabi-gcc"):
        pytest.skip("arm-none-eabi-gcc is not installed")
    target = load_target(core)
    assert target.arithmetic() == "fixed"
    for spec, arithmetic in CASES.values():
        if arithmetic == "fixed":
            clip = load_clip(DEMO_CLIP, spec.sample_rate_hz).samples[: spec.sample_rate_hz // 2]
            cost = simulated(spec, arithmetic, clip, target, toolchain)
            np.testing.assert_array_equal(cost.rows, on_host(spec, arithmetic, clip, "zig"))


QUICK = {"nemo"}


@pytest.mark.parametrize(
    ("core", "arithmetic"),
    [("cortex-m4", "float32"), ("cortex-m4", "fixed"), ("cortex-m0plus", "fixed")],
)
@pytest.mark.parametrize(
    "name",
    [pytest.param(n, marks=() if n in QUICK else pytest.mark.exhaustive) for n in PRESETS],
)
def test_presets_have_the_host_s_bits_on_cores(name: str, core: str, arithmetic: str) -> None:
    """On a part of every hard signal; the host's are held to the libraries elsewhere."""
    parts = [samples[6000:10_000] for samples in signals().values()]
    spec, clip = PRESETS[name].spec, np.concatenate(parts)
    cost = simulated(spec, arithmetic, clip, load_target(core), "zig")
    np.testing.assert_array_equal(cost.rows, on_host(spec, arithmetic, clip, "zig"))


def test_wav2small_features_take_at_most_two_and_a_half_million_cycles_a_second() -> None:
    spec, arithmetic = CASES["Wav2Small, running level"]
    clip = load_clip(DEMO_CLIP, spec.sample_rate_hz).samples[: spec.sample_rate_hz]
    cost = simulated(spec, arithmetic, clip, load_target("cortex-m4"), "zig")
    assert cost.estimate.cycles <= 2.5e6
