"""Firmware for every core equals the integer reference; estimates and stack bounds hold there."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks.small_models import mobile_net
from tests.support.tiny import simulator_or_skip, toolchain_or_skip
from toolkit.measurement import Provenance
from toolkit.plan.schedule import ScheduleRequest
from toolkit.report import Report
from toolkit.targets import list_cores, load_target
from toolkit.tflite.write import write_tflite
from toolkit.verbs.build import BuildRequest, build
from toolkit.verbs.stages import silent

# A core each with zig, and gcc where its code generation is most its own.
RUNS = [*((core, "zig") for core in list_cores()), ("cortex-m0plus", "gcc"), ("cortex-m55", "gcc")]


def _value(report: Report, name: str, provenance: Provenance) -> float:
    found = report.find(name, provenance)
    assert found is not None
    return found.value


@pytest.mark.parametrize(("target", "toolchain"), RUNS)
def test_an_image_model_on_every_core(target: str, toolchain: str, tmp_path: Path) -> None:
    toolchain_or_skip(toolchain)
    simulator_or_skip(load_target(target).default_simulator)
    model = tmp_path / "model.tflite"
    model.write_bytes(write_tflite(mobile_net()))
    request = BuildRequest(str(model), target, tmp_path / "out", toolchain=toolchain)
    report = build(request, silent)
    assert report.passed, [c for c in report.checks if not c.passed]
    bound = _value(report, "stack_bound_bytes", Provenance.MEASURED)
    assert 0 < _value(report, "stack_painted_bytes", Provenance.SIMULATED) <= bound
    if toolchain == "zig":  # what the tables of the core were made with
        for name, provenance, limit in (
            ("ram_static_bytes", Provenance.MEASURED, 0),
            ("flash_bytes", Provenance.MEASURED, 0.10),
            ("cycles_per_inference", Provenance.SIMULATED, 0.10),
        ):
            actual = _value(report, name, provenance)
            assert abs(_value(report, name, Provenance.ESTIMATED) / actual - 1) <= limit, name


@pytest.mark.parametrize("target", ["cortex-m0plus", "cortex-m3", "cortex-m33"])
def test_streamed_speech_with_its_features(target: str, tmp_path: Path) -> None:
    request = BuildRequest(
        "wav2small",
        target,
        tmp_path / "out",
        clip_seconds=0.06,
        schedule=ScheduleRequest("stream", optimize="size"),
    )
    report = build(request, silent)
    assert report.passed, [c for c in report.checks if not c.passed]
    assert _value(report, "feature_identical_fraction", Provenance.SIMULATED) == 1
    ram = [
        _value(report, "ram_static_bytes", p) for p in (Provenance.MEASURED, Provenance.ESTIMATED)
    ]
    assert ram[0] == ram[1]
