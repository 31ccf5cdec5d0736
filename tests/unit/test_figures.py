"""Report rows from sizes, counts and stack bounds."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest

from toolkit.ir import Graph
from toolkit.measurement import Provenance, Symbol
from toolkit.plan import ArenaPlan
from toolkit.profiling import simulated as figures
from toolkit.profiling.cycles import CycleEstimate, FunctionCycles
from toolkit.profiling.energy import audio_measurements, inference_measurements
from toolkit.profiling.linked_fit import firmware_fits
from toolkit.profiling.planned_fit import fit_checks
from toolkit.profiling.size import SymbolSize
from toolkit.profiling.stack import StackBound
from toolkit.profiling.timing import Timing
from toolkit.simulate.result import SimulationResult
from toolkit.targets import Power, load_target

TARGET = load_target("cortex-m4")
ACTIVE_UW, ASLEEP_UW = 3.0 * 60.0 * 64, 3.0 * 3.0  # 60 uA/MHz at 64 MHz, 3 uA; 3 V
CHAIN = ("Reset_Handler", "main", "model_invoke", "kernel")
BOUND = StackBound(400, CHAIN, (), (), (), (8, 92, 100, 200))
BATCH = ArenaPlan(
    graph=Graph("none", {}, (), (), ()),
    buffers=(),
    arena_bytes=100,
    live_bytes=(0,),
    alignment_bytes=16,
    variants={},
)
SYMBOLS = {"instance": Symbol("state")}
FOUR_CASES: Any = SimpleNamespace(cases=(None,) * 4, stack_painted_bytes=320)
PHASES = {
    "features": CycleEstimate("features", 400, 800, (FunctionCycles("push", 400, 800),)),
    "model": CycleEstimate(
        "model", 4000, 6000, (FunctionCycles("conv", 3600, 5600), FunctionCycles("inv", 400, 400))
    ),
}
#: Four cases: 400 instructions of features, 4,000 of the model.
SIMULATED: Any = SimpleNamespace(
    is_counted=True,
    phases=PHASES,
    basis="table",
    setting=None,
    result=SimpleNamespace(simulator="unicorn"),
    target=TARGET,
)


def facts(flash_bytes: int = 1000, ram_bytes: int = 200, stack: StackBound = BOUND) -> Any:
    symbols = (SymbolSize("instance", ".bss", 100), SymbolSize("other", ".data", 8))
    size = SimpleNamespace(
        flash_bytes=flash_bytes, ram_static_bytes=ram_bytes, symbols=symbols, sections={}
    )
    return SimpleNamespace(size=size, stack=stack, toolchain="zig 1")


def test_counts_are_per_inference() -> None:
    half_second: Any = SimpleNamespace(seconds=0.5)
    busy = 3400 / TARGET.clock_hz
    mean_uw = ACTIVE_UW * busy + ASLEEP_UW * (1 - busy)
    rows = figures.run_measurements(SIMULATED, FOUR_CASES, BATCH, half_second)
    found = {row.name: (row.value, row.provenance.value) for row in rows}
    assert found == {
        "stack_painted_bytes": (320, "simulated"),
        "instructions_per_inference": (1100, "simulated"),
        "cycles_features": (200, "simulated"),
        "cycles_model": (1500, "simulated"),
        "cycles_per_inference": (1700, "simulated"),
        "latency_ms": (pytest.approx(1e3 * 1700 / TARGET.clock_hz), "simulated"),
        "cycles_per_audio_second": (3400, "simulated"),
        "realtime_factor": (pytest.approx(1700 / TARGET.clock_hz / 0.5), "simulated"),
        "latency_ms_per_audio_second": (pytest.approx(3400e3 / TARGET.clock_hz), "simulated"),
        "duty_cycle": (pytest.approx(3400 / TARGET.clock_hz), "simulated"),
        "energy_uj_per_inference": (pytest.approx(ACTIVE_UW * 1700 / TARGET.clock_hz), "estimated"),
        "energy_uj_per_audio_second": (pytest.approx(mean_uw), "estimated"),
        "average_power_uw": (pytest.approx(mean_uw), "estimated"),
    }
    without_audio = figures.run_measurements(SIMULATED, FOUR_CASES, BATCH, None)
    assert {row.name for row in without_audio} == found.keys() - {
        "average_power_uw",
        "cycles_per_audio_second",
        "duty_cycle",
        "energy_uj_per_audio_second",
        "latency_ms_per_audio_second",
        "realtime_factor",
    }


@pytest.mark.parametrize("counted", Provenance)
@pytest.mark.parametrize("active", [True, False])
@pytest.mark.parametrize("sleep", [True, False])
def test_energy_is_no_better_known_than_cycles_and_current(
    counted: Provenance, active: bool, sleep: bool
) -> None:
    power = Power(3.0, 60.0, 3.0, active, sleep, "somewhere")
    target = replace(TARGET, power=power)
    busy = TARGET.clock_hz // 2
    rows = [
        *audio_measurements(target, busy, 1.0, counted, "table"),
        *inference_measurements(target, busy, counted),
    ]
    found = {row.name: row.provenance for row in rows}
    estimated = Provenance.ESTIMATED
    assert found["realtime_factor"] == found["latency_ms"] == counted
    assert found["energy_uj_per_inference"] == (counted if active else estimated)
    second = counted if active and sleep else estimated  # it sleeps half of it
    assert found["energy_uj_per_audio_second"] == found["average_power_uw"] == second


def test_who_never_sleeps_needs_no_current_of_sleep() -> None:
    target = replace(TARGET, power=Power(3.0, 60.0, 3.0, True, False, "somewhere"))
    rows = audio_measurements(target, 2 * TARGET.clock_hz, 1.0, Provenance.SIMULATED, "table")
    assert {row.provenance for row in rows} == {Provenance.SIMULATED}


@pytest.mark.parametrize(
    ("simulator", "provenance"),
    [("unicorn", "simulated"), ("qemu", "simulated"), ("host", "measured")],
)
def test_what_a_run_puts_out_is_known_as_the_run_is(simulator: str, provenance: str) -> None:
    result = SimulationResult(simulator, b"", "", 0, (), {})
    assert result.provenance.value == provenance


def test_the_host_counts_nothing() -> None:
    empty: Any = SimpleNamespace()
    host = Timing(empty, SimulationResult("host", b"", "", 0, (), {}), TARGET)
    assert figures.run_measurements(host, FOUR_CASES, BATCH, None) == []
    assert figures.function_rows(host, 4) == ()


def test_functions_are_sorted_by_cost() -> None:
    rows = figures.function_rows(SIMULATED, 4)
    found = [(row.name, row.phase, [m.value for m in row.measurements]) for row in rows]
    assert found == [
        ("conv", "model", [900, 1400]),
        ("push", "features", [100, 200]),
        ("inv", "model", [100, 100]),
    ]


def test_a_stack_that_is_no_bound_says_so() -> None:
    (bound,) = [m for m in figures.size_measurements(facts()) if m.name == "stack_bound_bytes"]
    assert bound.value == 400
    assert bound.basis == "ELF: deepest call chain, ending main → model_invoke → kernel"
    loose = replace(BOUND, recursive=("walk",), indirect=("jump",))
    (bound,) = [
        m for m in figures.size_measurements(facts(stack=loose)) if m.name == "stack_bound_bytes"
    ]
    assert bound.basis.endswith("; NOT a bound, left out: walk, jump")


@pytest.mark.parametrize(("spare", "fits"), [(0, True), (-1, False)])
def test_fit_is_exact_and_informs_only(spare: int, fits: bool) -> None:
    stack = replace(BOUND, bound_bytes=TARGET.stack_bytes - TARGET.policy.interrupt_bytes - spare)
    ram = TARGET.ram_bytes - TARGET.stack_bytes
    fits_found = firmware_fits(facts(TARGET.flash_bytes - spare, ram, stack), TARGET, SYMBOLS)
    checks = fit_checks(fits_found, TARGET)
    assert [check.name for check in checks] == ["fits_flash", "fits_ram", "fits_stack"]
    for check in checks:
        assert check.passed is fits
        assert not check.required
        assert (": fits; most: " if fits else ": does not fit; most: ") in check.detail


def test_the_models_constants_are_those_that_it_generates() -> None:
    """Whatever others are called."""
    constants = (SymbolSize("model_x", ".rodata", 8), SymbolSize("model_y", ".rodata", 8))
    given = facts()
    given.size.symbols += constants
    flash, *_ = firmware_fits(given, TARGET, {"model_x": Symbol("weights", ("x",))})
    kinds = {part.name: part.kind for part in flash.parts}
    assert (kinds["model_x"], kinds["model_y"]) == ("model constants", "constants")


@pytest.mark.parametrize(("arena_bytes", "linked"), [(100, True), (96, False)])
def test_planned_sizes_are_the_linkers(arena_bytes: int, linked: bool) -> None:
    plan = replace(BATCH, arena_bytes=arena_bytes)
    check = figures.plan_check(facts(ram_bytes=108), SYMBOLS, plan, None)
    assert (check.name, check.passed, check.required) == ("plan_linked", linked, True)
    assert check.detail.endswith("remainder 8 B: other 8 B")
    if not linked:
        assert "instance planned 96 B, linked 100 B" in check.detail


@pytest.mark.parametrize(
    ("cycles", "buffer"),
    [
        ([10, 10, 10, 10], 1),
        ([90, 90, 90], 1),
        ([10, 150, 10, 10], 2),  # the third frame arrives before the second is done
        ([300, 10, 10, 10], 4),
        ([101, 101], None),  # slower than real time
    ],
)
def test_input_buffer(cycles: list[int], buffer: int | None) -> None:
    assert figures.input_buffer_frames(cycles, 100.0) == buffer


def test_the_end_of_a_clip_may_take_several_calls(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two clips of three frames that end in two calls, cut off before the last."""
    cycles = iter(range(1, 100))
    model = SimpleNamespace(cycles=lambda *_: next(cycles))
    monkeypatch.setattr(Timing, "_model", model)
    monkeypatch.setattr(Timing, "setting", None)
    pushes = [SimpleNamespace(phase="model")] * 9
    result = SimpleNamespace(intervals=pushes)
    timing = Timing(None, result, TARGET)  # type: ignore[arg-type]
    assert timing.frames(3, ends=2) == ((1, 2, 3, 6, 7, 8), (4 + 5,))
