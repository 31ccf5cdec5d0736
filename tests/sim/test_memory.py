"""What a part's memory adds to its core: counted natively, re-computed apart, and reported."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from benchmarks.small_models import mobile_net
from tests.support import tiny
from tests.support.graphs import conv_graph
from tests.support.slow_memory import SlowMemory, Step
from toolkit.deploy.harness import Harness
from toolkit.deploy.stimulus import Stimulus
from toolkit.emit import write_project
from toolkit.measurement import Provenance
from toolkit.model.inputs import random_inputs
from toolkit.plan import plan_arena
from toolkit.profiling.cycles import CycleModel, load_cycle_table
from toolkit.profiling.disassembly import Disassembler
from toolkit.profiling.memory import memory_watch
from toolkit.simulate import Watch, simulate, unicorn_core
from toolkit.simulate.counts import marker_addresses
from toolkit.targets import Access, Cache, load_target
from toolkit.tflite.write import write_tflite
from toolkit.toolchain.elf import read_elf
from toolkit.verbs.build import BuildRequest, build
from toolkit.verbs.stages import silent

PART, CORE = load_target("stm32l4r5"), load_target("cortex-m4")
SHARED = Cache("both", 512, 16, 2)
SETTINGS = (
    *PART.code_settings,
    Access("one small cache for both", 7, 16, True, (SHARED,)),
    Access("no cache, words", 2, 4, False),
    Access("no cache, prefetch", 3, 8, True),
)


@pytest.fixture(scope="module")
def firmware(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, bytes]:
    """A small convolutional network's firmware and its input."""
    graph = conv_graph(in_h=12, in_w=12, layers=3)
    plan = plan_arena(graph)
    folder = tmp_path_factory.mktemp("memory") / "project"
    harness = Harness(plan, PART, b"not looked at")
    write_project(harness.project(), folder)
    linked = harness.compile(folder, "zig")
    return linked.binaries.elf, Stimulus(cases=random_inputs(graph, 1)).encode(plan)


_Ran = list[tuple[int, int, list[tuple[int, int]]]]


def _with_skipped(ran: _Ran, code: Disassembler) -> _Ran:
    """The same with what IT instructions skipped, which no hook hears of."""
    whole: _Ran = []
    left = end = 0
    for address, size, loads in ran:
        while left and end < address:
            skipped = code.at(end).size
            whole.append((end, skipped, []))
            left, end = left - 1, end + skipped
        name = code.at(address).mnemonic
        left = len(name) - 1 if re.fullmatch("it[te]*", name) else max(left - 1, 0)
        whole.append((address, size, loads))
        end = address + size
    return whole


def traced(
    path: Path, data: bytes, most: int, monkeypatch: pytest.MonkeyPatch
) -> tuple[Any, list[Step]]:
    """A run under `SETTINGS`, and the first instructions of it seen by hooks of the test's own."""
    from unicorn import UC_HOOK_CODE, UC_HOOK_MEM_READ
    from unicorn.arm_const import UC_ARM_REG_XPSR

    elf = read_elf(path)
    watch = memory_watch(elf, PART)
    assert watch is not None
    ran: _Ran = []
    flash = PART.simulation.flash
    emulate = unicorn_core._emulate

    def with_hooks(engine: Any, entry: int, *rest: Any) -> None:
        def on_code(_: Any, address: int, size: int, __: Any) -> None:
            if len(ran) == most:
                engine.emu_stop()
            ran.append((address, size, []))

        def on_read(_: Any, __: int, address: int, size: int, ___: int, ____: Any) -> None:
            ran[-1][2].append((address, size))
            status = engine.reg_read(UC_ARM_REG_XPSR)
            engine.reg_write(UC_ARM_REG_XPSR, status & ~0x0600FC00)

        engine.hook_add(UC_HOOK_CODE, on_code)
        engine.hook_add(UC_HOOK_MEM_READ, on_read, begin=flash.origin, end=flash.end - 1)
        emulate(engine, entry, *rest)

    monkeypatch.setattr(unicorn_core, "_emulate", with_hooks)
    memory = replace(watch, settings=SETTINGS)
    result = simulate(path, data, "unicorn", PART, Watch(memory=memory))
    code = Disassembler(elf)
    steps, end, previous = [], -1, 0
    for address, size, loads in _with_skipped(ran, code):
        straight = address == end
        cycles = watch.core_cycles(address, previous if straight else None)
        cycles += watch.taken_branch if end >= 0 and not straight else 0
        steps.append(Step(address, size, cycles, tuple(loads)))
        previous, end = address, address + size
    return result, steps


def test_a_plain_model_finds_the_same_stalls(
    firmware: tuple[Path, bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Several hundred thousand fetches of a firmware, every setting, to the cycle."""
    result, steps = traced(*firmware, 10**9, monkeypatch)
    assert len(steps) == result.instructions > 300_000
    flash = PART.simulation.flash
    counted = sum(interval.stalls.sum(axis=0) for interval in result.intervals)
    for number, access in enumerate(SETTINGS):
        memory = SlowMemory(access, flash.origin, flash.end)
        memory.run(steps)
        found = counted[2 * number : 2 * number + 2].tolist()
        assert found == [memory.waited_for_instructions, memory.waited_for_data], str(access)
        assert memory.waited_for_instructions > 0 and memory.waited_for_data > 0
        assert memory.fetches >= len(steps)
    model = CycleModel(read_elf(firmware[0]), load_cycle_table(PART))
    assert sum(s.core_cycles for s in steps) == sum(model.cycles(i) for i in result.intervals)


def test_watching_memory_changes_no_count_and_no_output(firmware: tuple[Path, bytes]) -> None:
    path, data = firmware
    alone = simulate(path, data, "unicorn", CORE)
    with_memory = simulate(
        path, data, "unicorn", PART, Watch(memory=memory_watch(read_elf(path), PART))
    )
    assert with_memory.output == alone.output
    assert alone.memory == () and with_memory.memory == PART.code_settings
    for one, other in zip(alone.intervals, with_memory.intervals, strict=True):
        assert one.stalls.shape[1] == 0
        assert np.array_equal(one.addresses, other.addresses)
        assert np.array_equal(one.executions, other.executions)
        assert np.array_equal(one.taken, other.taken)


def test_conditional_loads_count_whether_they_run_or_not(tmp_path: Path) -> None:
    """Unicorn tells nothing of what an IT instruction skips, and may let the state of an IT block
    stand where a load in it is hooked."""
    body = """
    static const int table[4] = {5, 6, 7, 8};
    int sum = 0;
    for (int i = 0; i < 100; i++) {
        int value = 1, other = 2;
        __asm__ volatile(
            "cmp %[i], #50\\n itte lt\\n ldrlt %[v], [%[t]]\\n ldrlt %[o], [%[t], #4]\\n"
            "movge %[v], #3\\n cmp %[i], %[i]\\n b 1f\\n nop\\n"
            "1: add %[s], %[s], %[v]\\n add %[s], %[s], %[o]\\n"
            : [v] "+r"(value), [o] "+r"(other), [s] "+r"(sum) : [t] "r"(table), [i] "r"(i) : "cc");
    }
    m->arena[0] = (uint8_t)(sum & 127);
    m->arena[1] = (uint8_t)(sum >> 7);
    """
    elf = tiny.build_body(tmp_path / "tiny", body).elf
    alone = simulate(elf, tiny.tensor_input(1), "unicorn", tiny.TARGET)
    watch = Watch(memory=memory_watch(read_elf(elf), PART))
    watched = simulate(elf, tiny.tensor_input(1), "unicorn", PART, watch)
    assert watched.output == alone.output
    assert watched.instructions == alone.instructions


def test_an_error_while_counting_is_raised(firmware: tuple[Path, bytes]) -> None:
    path, data = firmware
    watch = memory_watch(read_elf(path), PART)
    assert watch is not None

    def broken(address: int, _: int | None) -> int:
        raise KeyError(address)

    with pytest.raises(KeyError):
        simulate(path, data, "unicorn", PART, Watch(memory=replace(watch, core_cycles=broken)))
    assert len(marker_addresses(read_elf(path))) == 3


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("model") / "model.tflite"
    path.write_bytes(write_tflite(mobile_net()))
    return path


def test_a_report_of_a_part_adds_its_memory(model: Path, tmp_path: Path) -> None:
    report = build(BuildRequest(str(model), "stm32l4r5", tmp_path / "out"), silent)

    def value(name: str) -> float:
        found = report.find(name, Provenance.SIMULATED)
        assert found is not None, name
        return found.value

    parts = [value(f"stall_cycles_{kind}") for kind in ("instruction", "data")]
    assert min(parts) > 0
    assert value("cycles_per_inference") == value("core_cycles_per_inference") + sum(parts)
    assert value("core_cycles_per_inference") < value("cycles_fastest_memory")
    assert value("cycles_fastest_memory") < value("cycles_per_inference")
    assert value("latency_ms") == pytest.approx(value("cycles_per_inference") / 120e3)
    for rows in (report.layers, report.functions):
        found = [
            {m.name: m.value for m in row.measurements if m.provenance is Provenance.SIMULATED}
            for row in rows
        ]
        for kind, total in zip(("instruction", "data"), parts, strict=True):
            own = sum(row.get(f"stall_cycles_{kind}", 0) for row in found)
            assert own == pytest.approx(total, rel=0.02)
    basis = report.find("cycles_per_inference", Provenance.SIMULATED)
    assert basis is not None and "memory model of stm32l4r5: dual bank, no prefetch" in basis.basis
    assert "time.memory" in {issue.code for issue in report.issues}


def test_a_bare_core_and_qemu_say_that_they_have_none(model: Path, tmp_path: Path) -> None:
    tiny.simulator_or_skip("qemu")
    for target, simulator, words in (
        ("cortex-m4", "unicorn", "zero-wait memory"),
        ("stm32l4r5", "qemu", "core alone: qemu does not trace the memory of stm32l4r5"),
    ):
        out = tmp_path / target
        request = BuildRequest(str(model), target, out, simulator=simulator)
        report = build(request, silent)
        cycles = report.find("cycles_per_inference", Provenance.SIMULATED)
        assert cycles is not None and words in cycles.basis
        assert report.find("stall_cycles_data", Provenance.SIMULATED) is None
        codes = {issue.code for issue in report.issues}
        assert codes & {"time.zero_wait", "time.core_alone"}
