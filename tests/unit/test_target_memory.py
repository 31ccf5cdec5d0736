"""Memories of parts as data, what is said of them, and the programs that compare with silicon."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks.published import TOOLS, Time, best, read_times
from toolkit.measurement import Measurement, Provenance
from toolkit.profiling.memory import memory_issue, rates_words
from toolkit.report.memory import memory_words
from toolkit.targets import Access, Cache, list_cores, list_targets, load_target

PART = load_target("stm32l4r5")
ROOT = Path(__file__).resolve().parent.parent.parent


@pytest.mark.parametrize("name", list_targets())
def test_a_core_answers_at_once_and_a_part_has_settings(name: str) -> None:
    target = load_target(name)
    if name in (*list_cores(), "hearing-aid"):
        assert target.is_zero_wait and target.code_settings == ()
        assert memory_issue(target, traced=True).code == "time.zero_wait"
        return
    assert target.code_settings and not target.is_zero_wait
    names = [setting.name for setting in target.code_settings]
    assert len(names) == 1 or (all(names) and len(set(names)) == len(names))
    assert target.rates_know_memory or target.default_simulator == "qemu", (
        "no rates with its memory: docs/TARGETS.md, Adding one"
    )


def test_the_l4r5_is_what_its_manual_says() -> None:
    slowest, *_ = PART.code_settings
    assert (slowest.name, slowest.wait_states) == ("dual bank, no prefetch", 5)
    assert [setting.width_bytes for setting in PART.code_settings] == [8, 8, 16, 16]
    code, data = slowest.cache("instructions"), slowest.cache("data")
    assert code is not None and data is not None
    assert (code.size_bytes, data.size_bytes, code.line_bytes) == (32 * 32, 8 * 32, 32)
    assert "64-bit reads, 5 wait states, no prefetch" in str(slowest)


@pytest.mark.parametrize(
    ("make", "reason"),
    [
        (lambda: Cache("code", 64, 16, 2), "a cache serves"),
        (lambda: Cache("data", 72, 16, 2), "multiple"),
        (lambda: Cache("data", 96, 24, 2), "power of two"),
        (lambda: Access(wait_states=-1), "wait_states"),
        (lambda: Access(width_bytes=6), "width_bytes"),
        (lambda: Access(width_bytes=32, caches=(Cache("both", 64, 16, 2),)), "line_bytes"),
    ],
)
def test_an_impossible_memory_is_refused(make: object, reason: str) -> None:
    assert callable(make)
    with pytest.raises(ValueError, match=reason):
        make()


def test_words_say_whether_a_time_has_the_memory_in_it() -> None:
    simulated, estimated = Provenance.SIMULATED, Provenance.ESTIMATED
    rows = [
        Measurement("core_cycles_per_inference", 100, "cycles", simulated, ""),
        Measurement("stall_cycles_instruction", 20, "cycles", simulated, ""),
        Measurement("stall_cycles_data", 5, "cycles", simulated, ""),
    ]
    assert memory_words(rows, PART, simulated) == "memory included (+25 %)"
    assert memory_words(rows, PART, estimated) == "memory included"
    assert "left out" in memory_words([], PART, simulated)
    assert memory_words(rows, load_target("cortex-m4"), simulated) == "zero-wait memory"
    assert "with its memory" in rates_words(PART)
    assert rates_words(load_target("apollo510")) == "cortex-m55 rates, core alone"


def test_published_times_are_the_best_of_each() -> None:
    times = [
        Time("1.2", "ST Edge AI", "NUCLEO_L4R5ZI", "kws", 43.2),
        Time("1.0", "ST Edge AI", "NUCLEO_L4R5ZI", "kws", 75.1),
        Time("1.2", "Plumerai", "NUCLEO_L4R5ZI", "ic", 1.0),
        Time("1.3", "ST Edge AI", "NUCLEO_U575ZI_Q", "kws", 29.0),
    ]
    assert best(times, ("L4R5",), "kws") == {"ST Edge AI": 43.2}
    assert best(times, (), "kws") == best(times, ("L4R5",), None) == {}


def test_published_times_are_of_tools_that_the_tables_have() -> None:
    times = read_times()
    assert {time.tool for time in times} == set(TOOLS.values())
    assert not [time for time in times if "native" in time.system]


def test_validation_without_the_published_code_says_so() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.validation"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert done.stderr.startswith("skipped: --tvm and --cmsis name the published code")
