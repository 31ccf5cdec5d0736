"""``toolkit profile`` on one screen: what it says, how wide it gets, and its picture."""

from __future__ import annotations

import io
from dataclasses import replace
from pathlib import Path

import pytest
from rich.cells import cell_len
from rich.console import Console

from tests.support.cli import toolkit
from tests.support.profiled import profiled, profiled_beside
from toolkit.deploy.model import Model, load
from toolkit.measurement import Check, Measurement, MemoryMap, MemoryRow, Provenance, Symbol
from toolkit.plan.schedule import ScheduleRequest
from toolkit.report import Report
from toolkit.report.model import Alternative, LayerRow, Prediction, StackFrame
from toolkit.report.savings import savings
from toolkit.report.screen import print_build, print_profile, print_targets
from toolkit.report.screen.compare import saving_lines
from toolkit.report.screen.grid import bar, sparkline
from toolkit.report.screen.memory import peak_rows
from toolkit.report.verdict import verdict
from toolkit.targets import list_targets, load_target

#: A function of the model's second layer.
RELU_STAGE = "layer_2_model_vgg7_l2_Relu_output_0_stage"


@pytest.fixture(scope="module")
def wav2small() -> Model:
    return load("wav2small")


@pytest.fixture(scope="module")
def streamed(wav2small: Model) -> Report:
    return profiled_beside(wav2small, load_target("cortex-m4"))


def console(width: int) -> tuple[Console, io.StringIO]:
    text = io.StringIO()
    return Console(file=text, width=width, _environ={}), text


def shown(report: Report, width: int = 100, details: bool = False, target: str = "") -> list[str]:
    to, text = console(width)
    part = load_target(target or report.target)
    print_profile(report, part, "balanced", to, details)
    return [line.rstrip() for line in text.getvalue().splitlines()]


def one(lines: list[str], begins: str) -> str:
    (found,) = [line for line in lines if line.startswith(begins)]
    return found


def simulated(report: Report) -> Report:
    """The report as if it had run, every cycle figure 10 % and the stack 20 % below its estimate,
    flash and RAM as estimated."""

    def ran(m: Measurement, part: float, provenance: Provenance) -> Measurement:
        return replace(m, value=m.value * part, provenance=provenance, basis="run")

    parts = {
        "flash_bytes": (1.0, Provenance.MEASURED),
        "ram_static_bytes": (1.0, Provenance.MEASURED),
        "stack_bound_bytes": (1 / 1.25, Provenance.MEASURED),
        **dict.fromkeys(
            ("cycles_per_inference", "cycles_features", "realtime_factor"),
            (1 / 1.1, Provenance.SIMULATED),
        ),
    }
    return replace(
        report,
        toolchain="zig 1",
        simulator="unicorn",
        measurements=(
            *report.measurements,
            *(ran(m, *parts[m.name]) for m in report.measurements if m.name in parts),
        ),
        layers=tuple(
            replace(
                row,
                measurements=(
                    *row.measurements,
                    *(
                        ran(m, 1 / 1.1, Provenance.SIMULATED)
                        for m in row.measurements
                        if m.name == "cycles"
                    ),
                ),
            )
            for row in report.layers
        ),
        checks=(
            *report.checks,
            Check("bit_match", True, "0 of 3 output bytes differ"),
            Check("plan_linked", False, "the map has 3 B more"),
        ),
        stack=(StackFrame("main", 48), StackFrame(RELU_STAGE, 72)),
        predictions=(Prediction("arousal", 0.7589, 0.7618),),
        symbols={RELU_STAGE: Symbol("stage", ("/vgg7/l2/Relu_output_0",))},
    )


@pytest.mark.parametrize("schedule", ["stream", "batch"])
@pytest.mark.parametrize("target", ["cortex-m4", "hearing-aid", "apollo510"])
def test_it_is_one_screen_that_never_wraps_a_table(
    schedule: str, target: str, wav2small: Model
) -> None:
    report = profiled_beside(wav2small, load_target(target), ScheduleRequest(schedule))
    for given in (report, simulated(report)):
        for width in (80, 100, 160):
            lines = shown(given, width)
            assert max(map(cell_len, lines)) <= width
            assert not [line for line in lines if "…" in line]
            assert len([line for line in lines if line.startswith("vgg7/l2 ")]) == 1
            assert len([line for line in lines if line.startswith("size ")]) == 1
            for title in ("RAM", "flash", "stack", "time", "energy"):
                assert [line for line in lines if line.startswith(title)], title
    assert len(shown(report, 100)) <= 45


def test_verdicts(wav2small: Model, streamed: Report) -> None:
    lines = shown(streamed)
    ram = next(fit for fit in streamed.fits if fit.region == "ram")
    assert f"{ram.used_bytes:,} B of 256 KB" in one(lines, "RAM")
    assert "fits" in one(lines, "RAM") and "vgg7/l2" in one(lines, "RAM")
    assert "real time" in one(lines, "time") and "vgg7/l2" in one(lines, "time")
    assert "estimated: nothing was compiled" in lines[1] and "stream" in lines[1]
    second, power = (
        streamed.find(name) for name in ("energy_uj_per_audio_second", "average_power_uw")
    )
    assert second is not None and power is not None
    energy = f"{second.value:,.0f} uJ per second of audio, {power.value:,.0f} uW on average"
    assert energy in one(lines, "energy") and "[typical]" in one(lines, "energy")

    target = load_target("hearing-aid")
    slow = profiled_beside(wav2small, target, ScheduleRequest("batch"))
    lines = shown(slow)
    factor = slow.find("realtime_factor")
    assert factor is not None and factor.value > 1
    assert "DOES NOT FIT" in one(lines, "RAM") and "TOO SLOW" in one(lines, "time")
    (needs,) = [line for line in lines if "MHz or" in line]
    assert f"needs {factor.value * 40:,.0f} MHz" in needs
    assert f"{100 * (1 - 1 / factor.value):.0f} % fewer cycles" in needs


def test_no_energy_is_guessed(wav2small: Model) -> None:
    report = profiled_beside(wav2small, load_target("rsl10"))
    lines = shown(report)
    assert "no current known" in one(lines, "energy")
    assert not [line for line in lines if "no document at hand" in line]


def test_a_model_without_audio_has_a_latency(streamed: Report) -> None:
    audio = ("realtime_factor", "cycles_per_audio_second", "energy_uj_per_audio_second")
    plain = replace(
        streamed, measurements=tuple(m for m in streamed.measurements if m.name not in audio)
    )
    latency, energy = (streamed.find(n) for n in ("latency_ms", "energy_uj_per_inference"))
    assert latency is not None and energy is not None
    lines = shown(plain)
    assert f"{latency.value:.3g} ms" in one(lines, "time")
    assert "per inference" in one(lines, "time")
    assert f"{energy.value:,.0f} uJ per inference" in one(lines, "energy")


def test_every_estimate_has_its_error_where_the_model_ran(streamed: Report) -> None:
    lines = shown(simulated(streamed))
    assert "simulated: time" in lines[1]
    for title, error in (("RAM", "+0.0"), ("flash", "+0.0"), ("stack", "+25.0"), ("time", "+10.0")):
        (found,) = [line for line in lines if line.startswith(f"{title} ") and "est." in line]
        assert f"est. {error} %" in found
    table = [line for line in lines if line.startswith(("vgg7/", "features", "one inference"))]
    assert len(table) > 10 and all("+10.0 %" in line for line in table)
    assert [line for line in lines if "main 48 → vgg7/l2 stage 72" in line]
    assert "arousal 0.7618 (float 0.7589)" in one(lines, "output")
    assert one(lines, "pass") == "pass   bit match"
    assert "plan_linked: the map has 3 B more" in one(lines, "FAIL")


def test_details_add_every_figure_and_aliases(streamed: Report) -> None:
    brief, whole = shown(streamed), shown(streamed, details=True)
    assert not [line for line in brief if "@flat" in line or "memory plan, checked" in line]
    assert [line for line in whole if line.startswith("vgg7/ReduceSum@flat")]
    for basis in {m.basis for m in streamed.measurements}:
        assert [line for line in whole if line.endswith(f") {basis}")], basis


def test_alternatives_stand_side_by_side(streamed: Report) -> None:
    lines = shown(streamed)
    rows = {(a.schedule, a.optimize): a for a in streamed.alternatives}
    for way in ("size", "balanced", "speed"):
        line = one(lines, f"{way} ")
        for schedule in ("stream", "batch"):
            factor = rows[schedule, way].realtime_factor
            assert factor is not None
            assert f"{'! ' if factor > 1 else ''}{factor:.2f}" in line
        assert ("▸" in line) == rows["stream", way].chosen
        assert "! 3" in line  # batch needs more RAM than there is


def alternative(
    way: str, ram: int, flash: int, cycles: int, factor: float | None, chosen: bool = False
) -> Alternative:
    return Alternative("stream", way, chosen, ram, flash, cycles, factor)


def test_savings_that_one_way_brings_are_one_line() -> None:
    now = alternative("balanced", 20_000, 60_000, 50_000_000, 0.8, chosen=True)
    size = alternative("size", 10_000, 30_000, 100_000_000, 1.6)
    lines = [line.plain for line in saving_lines(savings([now, size]))]
    assert lines == [
        "RAM −10,000 B, flash −30,000 B: --optimize size (time +50M cycles), no longer real time"
    ]
    late = replace(now, realtime_factor=1.2)
    fast = alternative("speed", 20_500, 60_000, 40_000_000, 0.9)
    lines = [line.plain for line in saving_lines(savings([late, fast]))]
    assert lines == ["time −10M cycles: --optimize speed (RAM +500 B, flash +0 B), then real time"]


def test_memory_over_time() -> None:
    rows = (
        MemoryRow("a", "tensor", 0, 80, 0, 1),
        MemoryRow("b", "tensor", 80, 20, 1, 2),
        MemoryRow("b", "scratch", 100, 40, 1, 1),
    )
    memory = MemoryMap("arena", 144, ("a", "b", "c"), rows)
    assert memory.used_bytes == (80, 140, 20)
    assert [row.size_bytes for row in peak_rows(memory)] == [80, 40, 20]
    report = Report("m", "0" * 64, "cortex-m4", "", "", "batch", memory=memory)
    assert "▅█▂ peak 140 of 144 B at b: a 80, b scratch 40, b 20" in one(shown(report), "arena")


def test_what_a_stream_keeps_adds_up(streamed: Report) -> None:
    text = " ".join(" ".join(shown(streamed, 300)).split())
    state = streamed.memory
    assert state is not None
    kept = sum(row.size_bytes for row in state.rows if row.first_step == 0)
    assert f"state {state.size_bytes:,} B, the same for any clip length: {kept:,} B kept" in text
    assert f"{state.size_bytes - kept:,} B that layers share" in text


def test_bars() -> None:
    assert [bar(part, 4) for part in (0.0, 0.1, 0.5, 0.6, 1.0)] == ["", "╸", "━━", "━━╸", "━━━━"]
    assert sparkline([1, 8, 4, 0], 40) == "▂█▅▁"
    assert sparkline([1, 8, 4, 2], 2) == "█▅"
    assert sparkline([], 4) == ""
    assert sparkline([0, 0], 4) == "▁▁"


def test_targets_that_miss_are_seen(wav2small: Model) -> None:
    names = list_targets()
    reports = [profiled(wav2small, load_target(name)) for name in names]
    for width in (80, 100):
        to, text = console(width)
        print_targets(reports, "balanced", to)
        lines = text.getvalue().splitlines()
        assert max(map(cell_len, lines)) <= width
        for report in reports:
            factor = report.find("realtime_factor")
            assert factor is not None
            line = one(lines, f"{report.target} ")
            assert ("TOO SLOW" in line) == (factor.value > 1)
            assert ("fits, real time" in line) == (factor.value <= 1)
    assert f"on {len(names)} targets" in lines[0] and "nrf52840" not in lines[0]


def test_a_target_that_is_too_small_is_seen(wav2small: Model) -> None:
    report = profiled(wav2small, "hearing-aid", ScheduleRequest("batch"))
    to, text = console(100)
    print_targets([report, report], "balanced", to)
    assert text.getvalue().count("RAM TOO SMALL, TOO SLOW") == 2


def test_names_from_files_are_shown_as_they_are() -> None:
    hostile = "[red]x[/] \x1b[2J\u202e"
    cycles = Measurement("cycles", 1, "cycles", Provenance.ESTIMATED, "b")
    row = LayerRow(hostile, "conv_2d", "k", "portable", (1,), 0, 0, 0, 0, (cycles,))
    memory = MemoryMap("arena", 1, (hostile,), (MemoryRow(hostile, "tensor", 0, 1, 0, 0),))
    report = Report(
        hostile,
        "0" * 64,
        "cortex-m4",
        "",
        "",
        "batch",
        layers=(row,),
        memory=memory,
        predictions=(Prediction(hostile, 1.0, 1.0),),
    )
    text = "\n".join(shown(report))
    assert text.count("[red]x[") >= 3
    assert "\x1b" not in text and "\u202e" not in text


def test_the_verb_prints_the_screen(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    done = toolkit("profile", "wav2small", "--target", "rsl10", "--details", cwd=tmp_path)
    assert done.exit_code == 0
    lines = done.stdout.splitlines()
    assert "wav2small on rsl10: onsemi RSL10 class: Cortex-M3, 48 MHz" in lines[0]
    assert "TOO SLOW" in done.stdout and "x rsl10 feature rates" in done.stdout


@pytest.mark.parametrize("width", [80, 100, 140])
@pytest.mark.parametrize("factor", [0.9, 2.7])
def test_a_build_says_its_verdict_first_and_the_next_step_last(
    streamed: Report, width: int, factor: float
) -> None:
    rows = [
        replace(m, value=factor) if m.name == "realtime_factor" else m
        for m in simulated(streamed).measurements
    ]
    report = replace(streamed, measurements=tuple(rows), library="wav2small")
    to, text = console(width)
    print_build(report, load_target("cortex-m4"), "balanced", to, "out/wav2small-cortex-m4")
    lines = [line.rstrip() for line in text.getvalue().splitlines()]
    assert lines[0].startswith("fits and keeps up: 90 %" if factor < 1 else "TOO SLOW on cortex-m4")
    assert lines[-1].startswith("next   ") or lines[-2].startswith("next   ")
    assert max(map(cell_len, lines)) <= width
    assert "…" not in text.getvalue(), "a name is cut"
    assert sum("cycles per s of audio" in line for line in lines) == 1


def test_a_verdict_is_red_whoever_asks_for_it(streamed: Report) -> None:
    """A target that promises no real time passes its checks, and is too slow all the same."""
    rows = [
        replace(m, value=2.6) if m.name == "realtime_factor" else m for m in streamed.measurements
    ]
    report = replace(streamed, measurements=tuple(rows))
    assert report.passed
    assert not verdict(report).good
    assert verdict(report).text.startswith("TOO SLOW on cortex-m4: 2.6× the time, needs ")
    assert verdict(streamed).good
    wrong = Check("bit_match", False, "3 of 3 output bytes differ")
    assert verdict(replace(streamed, checks=(wrong,))).text.startswith("WRONG BITS: 3 of 3")


@pytest.mark.parametrize("columns", [80, 100, 140])
@pytest.mark.parametrize("words", ["targets", "boards", "doctor", "inspect wav2small"])
def test_no_list_cuts_what_a_person_copies(
    words: str, columns: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", str(columns))
    done = toolkit(*words.split(), cwd=tmp_path)
    assert done.exit_code == 0, done.stderr
    assert "…" not in done.stdout
    assert max(map(cell_len, done.stdout.splitlines())) <= columns
