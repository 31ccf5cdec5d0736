"""What a profile says from data alone: energy, fit, real time, advice; and that it is quick."""

from __future__ import annotations

import time
from dataclasses import replace
from pathlib import Path

import pytest

from tests.support.cli import toolkit
from tests.support.profiled import profiled, profiled_beside
from toolkit.deploy.model import Model, load
from toolkit.measurement import Provenance
from toolkit.ops.kernels import kernel_call
from toolkit.ops.parts.base import view
from toolkit.plan.choose import executed_work
from toolkit.plan.schedule import ScheduleRequest
from toolkit.profiling.alternatives import advice
from toolkit.profiling.energy import energy_of
from toolkit.report import Report
from toolkit.report.json_format import report_dict
from toolkit.report.model import Alternative
from toolkit.targets import list_targets, load_target


@pytest.fixture(scope="module")
def wav2small() -> Model:
    return load("wav2small")


def value(report: Report, name: str) -> float:
    found = report.find(name)
    assert found is not None, name
    return found.value


def test_energy_is_power_while_awake_and_asleep() -> None:
    target = load_target("hearing-aid")  # 1 mW at 40 MHz and 1 V, 20 uW asleep
    awake = energy_of(target, 0.25, 1.0)
    assert awake is not None
    assert awake.energy_uj == pytest.approx(1000 * 0.25 + 20 * 0.75)
    assert awake.average_power_uw == pytest.approx(awake.energy_uj)
    late = energy_of(target, 2.0, 1.0)  # never sleeps, and takes two seconds
    assert late is not None
    assert (late.energy_uj, late.average_power_uw) == pytest.approx((2000, 1000))
    assert energy_of(load_target("rsl10"), 0.25, 1.0) is None


def test_wav2small_does_not_make_real_time_in_a_hearing_aid(wav2small: Model) -> None:
    report = profiled_beside(wav2small, load_target("hearing-aid"))
    check = next(c for c in report.checks if c.name == "real_time")
    factor = value(report, "realtime_factor")
    assert factor > 1 and not check.passed and not check.required
    assert (
        f"{factor:.2f} s of work for 1 s of audio at 40 MHz on hearing-aid, estimated"
        in check.detail
    )
    assert f"{factor * 40:.0f} MHz" in check.detail
    assert value(report, "energy_uj_per_audio_second") == pytest.approx(1000 * factor)
    assert all(c.passed for c in report.checks if c.name.startswith("fits_"))


@pytest.mark.parametrize("name", list_targets())
def test_every_target_has_a_whole_profile(name: str, wav2small: Model) -> None:
    target = load_target(name)
    report = profiled(wav2small, target)
    assert {fit.region for fit in report.fits} == {"flash", "ram", "stack"}
    flash, ram, stack = (
        next(f for f in report.fits if f.region == r) for r in ("flash", "ram", "stack")
    )
    assert flash.used_bytes == value(report, "flash_bytes")
    interrupts = target.policy.interrupt_bytes
    assert stack.used_bytes == value(report, "stack_bound_bytes") + interrupts
    assert ram.used_bytes == value(report, "ram_static_bytes") + stack.used_bytes
    for fit in report.fits:
        assert sum(part.size_bytes for part in fit.parts) == fit.used_bytes
    cycles = value(report, "cycles_model") + value(report, "cycles_features")
    assert value(report, "cycles_per_inference") == cycles
    assert value(report, "cycles_per_frame_worst") >= value(report, "cycles_per_frame_mean") > 0
    assert all(m.provenance is Provenance.ESTIMATED for m in report.measurements)
    has_energy = report.find("energy_uj_per_audio_second") is not None
    assert has_energy == (target.power is not None)
    assert not [i for i in report.issues if i.code in ("estimate.code", "estimate.rates")]


def test_what_was_never_measured_is_said(wav2small: Model) -> None:
    target = load_target("cortex-m4")
    core = replace(target.core, rates={"portable": target.core.rates["portable"]}, code={})
    issues = {i.code: i.message for i in profiled(wav2small, replace(target, core=core)).issues}
    assert "cycles of kernels without rates on cortex-m4 are a guess" in issues["estimate.rates"]
    assert "tk_attention_pool_s8" in issues["estimate.rates"]
    assert "tk_attention_pool_s8" in issues["estimate.code"]


def test_fits_and_alternatives_say_that_they_are_estimated(wav2small: Model) -> None:
    rows = report_dict(profiled_beside(wav2small, load_target("cortex-m4")))
    for group in ("fits", "alternatives"):
        assert rows[group]
        assert {row["provenance"] for row in rows[group]} == {"estimated"}
        assert all(row["basis"] for row in rows[group])
    assert rows["roof"]["provenance"] == "estimated"


def test_the_roof_and_the_ideal_are_the_cores(wav2small: Model) -> None:
    reports = {
        core: profiled(wav2small, load_target(core), ScheduleRequest("batch"))
        for core in ("cortex-m0plus", "cortex-m4")
    }
    for core, macs_per_cycle in (("cortex-m0plus", 0.5), ("cortex-m4", 2.0)):
        roof, row = reports[core].roof, reports[core].layers[0]
        assert roof is not None and roof.macs_per_cycle == macs_per_cycle
        ideal = next(m for m in row.measurements if m.name == "cycles_ideal")
        assert f"{1 / macs_per_cycle:g} cycles per multiplication" in ideal.basis
    row, graph = reports["cortex-m0plus"].layers[0], wav2small.int8.graph
    first = view(graph, graph.nodes[0])
    executed = executed_work(first, kernel_call(first, row.variant))
    ideal = next(m for m in row.measurements if m.name == "cycles_ideal")
    assert (row.name, ideal.value) == (first.node.name, 2 * executed.macs)


@pytest.mark.parametrize("core", ["cortex-m4", "cortex-m0plus"])
def test_the_arithmetic_asked_for_is_estimated(core: str, wav2small: Model) -> None:
    auto, fixed = (
        profiled(wav2small, load_target(core), None, arithmetic) for arithmetic in ("auto", "fixed")
    )
    names = ("cycles_features", "feature_flash_bytes", "stack_bound_bytes", "cycles_per_inference")
    if core == "cortex-m0plus":  # what auto is there
        assert fixed.measurements == auto.measurements
    else:
        assert value(fixed, "cycles_features") > 2 * value(auto, "cycles_features")
        assert all(value(fixed, name) > value(auto, name) for name in names)


def test_features_that_were_never_measured_are_said_to_be_left_out(wav2small: Model) -> None:
    target = load_target("cortex-m0plus")
    report = profiled(wav2small, target, None, "float32")
    assert [i for i in report.issues if i.code == "estimate.features"]
    assert report.find("cycles_features") is None


def test_batch_and_stream_stand_side_by_side(wav2small: Model) -> None:
    report = profiled_beside(wav2small, load_target("cortex-m4"), ScheduleRequest("batch"))
    rows = {(a.schedule, a.optimize): a for a in report.alternatives}
    assert len(rows) == 6
    chosen = next(a for a in report.alternatives if a.chosen)
    assert (chosen.schedule, chosen.optimize) == ("batch", "balanced")
    assert chosen.ram_bytes == value(report, "ram_static_bytes")
    saved = chosen.ram_bytes - rows["stream", "size"].ram_bytes
    assert saved > 300_000
    lines = [i.message for i in report.issues if i.code == "advice.ram"]
    assert lines and f"--schedule stream --optimize size takes -{saved:,} B" in lines[0]


def test_advice_is_silent_where_little_is_to_be_had() -> None:
    def row(optimize: str, ram: int, cycles: int, chosen: bool = False) -> Alternative:
        return Alternative("stream", optimize, chosen, ram, 50_000, cycles, None)

    now = row("balanced", 10_000, 1_000_000, chosen=True)
    assert advice([now, row("size", 9_700, 3_000_000), row("speed", 12_000, 990_000)]) == ()
    found = advice([now, row("size", 9_700, 3_000_000), row("speed", 12_000, 500_000)])
    assert [i.code for i in found] == ["advice.time"]
    assert "-500,000 cycles (+2,000 B RAM; +0 B flash)" in found[0].message


def test_the_interrupt_allowance_counts(wav2small: Model) -> None:
    own, shared = (profiled(wav2small, load_target("nrf52840", p)) for p in ("default", "shared"))
    parts = [
        {p.name: p.size_bytes for f in r.fits if f.region == "stack" for p in f.parts}
        for r in (own, shared)
    ]
    assert [p["interrupts"] for p in parts] == [512, 1024]
    assert parts[0]["stack"] == parts[1]["stack"]


def test_several_targets_are_a_list_of_reports(tmp_path: Path) -> None:
    names = ("--target", "rsl10", "--target", "apollo4")
    done = toolkit("profile", "wav2small", *names, "--json", cwd=tmp_path)
    assert [report["target"] for report in done.json] == ["rsl10", "apollo4"]


def test_a_profile_is_quick() -> None:
    started = time.process_time()
    profiled_beside(load("wav2small"), load_target("cortex-m4"))
    assert time.process_time() - started < 2.0
