"""Report rows from what planning, compiling and running gave."""

from __future__ import annotations

from collections.abc import Sequence

from toolkit.features.front_end import FrontEnd
from toolkit.measurement import (
    FEATURE_STATE,
    MODEL_STATE,
    Check,
    Measurement,
    Provenance,
    Symbols,
)
from toolkit.model.audio import Audio
from toolkit.model.inputs import random_cases
from toolkit.plan import Plan
from toolkit.profiling.cycles import FunctionCycles
from toolkit.profiling.energy import audio_measurements, inference_measurements
from toolkit.profiling.linked import Linked
from toolkit.profiling.timing import LayerCycles, Timing
from toolkit.report.model import FunctionRow
from toolkit.simulate.protocol import HarnessOutput
from toolkit.tflite.oracle import run_tflm, tflm_available
from toolkit.tflite.read import read_tflite
from toolkit.toolchain.elf import HOT_CODE


def size_measurements(linked: Linked) -> list[Measurement]:
    """Flash, static RAM and the static stack bound."""
    left_out = (*linked.stack.recursive, *linked.stack.indirect, *linked.stack.dynamic)
    basis = "ELF: deepest call chain, ending " + " → ".join(linked.stack.chain[-3:])
    if not linked.stack.holds:
        basis += f"; NOT a bound, left out: {', '.join(left_out)}"
    measured, linker_map = Provenance.MEASURED, f"linker map, {linked.toolchain}"
    return [
        Measurement("flash_bytes", linked.size.flash_bytes, "B", measured, linker_map),
        Measurement("ram_static_bytes", linked.size.ram_static_bytes, "B", measured, linker_map),
        Measurement("stack_bound_bytes", linked.stack.bound_bytes, "B", measured, basis),
    ]


def inferences(output: HarnessOutput, plan: Plan) -> int:
    """How often the model ran: once a case, of a model with states once a step."""
    cases = output.cases
    return sum(len(case.hops) for case in cases) if plan.graph.states else len(cases)


def run_measurements(
    timing: Timing, output: HarnessOutput, plan: Plan, clip: Audio | None
) -> list[Measurement]:
    """Counts of a simulated run, per inference; nothing for a run on the host.  ``plan`` is that of
    a case: its ``input_rows`` are the frames of the clip."""
    if not timing.is_counted:
        return []
    cases, target, simulated = inferences(output, plan), timing.target, Provenance.SIMULATED
    basis, simulator = timing.basis, timing.result.simulator
    instructions = sum(p.instructions for p in timing.phases.values()) // cases
    cycles = {name: p.cycles // cases for name, p in timing.phases.items()}
    total = sum(cycles.values())
    stalls = [p.stalls for p in timing.phases.values()]
    instruction = sum(waited.instruction for waited in stalls) // cases
    data = sum(waited.data for waited in stalls) // cases
    figures = [
        ("stack_painted_bytes", output.stack_painted_bytes, "B", simulator),
        ("instructions_per_inference", instructions, "instructions", simulator),
        ("cycles_per_inference", total, "cycles", basis),
        ("cycles_features", cycles["features"], "cycles", basis),
        ("cycles_model", cycles["model"], "cycles", basis),
    ]
    if timing.setting is not None:
        figures += [
            ("core_cycles_per_inference", total - instruction - data, "cycles", timing.core_basis),
            ("stall_cycles_instruction", instruction, "cycles", basis),
            ("stall_cycles_data", data, "cycles", basis),
            (
                "cycles_fastest_memory",
                total - timing.spread // cases,
                "cycles",
                timing.fastest_basis,
            ),
        ]
    rows = [Measurement(n, v, u, simulated, b) for n, v, u, b in figures]
    rows += inference_measurements(target, total, simulated)
    if plan.input_rows is not None:
        rows += _frame_measurements(timing, plan.input_rows, output.cases[0].ends, clip)
    if clip is not None:
        seconds = clip.seconds * len(output.cases) / cases  # of an inference
        rows += audio_measurements(target, total, seconds, simulated, basis)
    return rows


def _frame_measurements(
    timing: Timing, frames_per_clip: int, ends_per_clip: int, clip: Audio | None
) -> list[Measurement]:
    """Mean and worst cycles of a pushed frame, features included, and of the end of a clip; for
    audio the frames that the input must buffer, since some cost several frames' time."""
    frames, ends = timing.frames(frames_per_clip, ends_per_clip)
    clock_hz, mean = timing.target.clock_hz, round(sum(frames) / len(frames))
    clock = f"at {clock_hz / 1e6:g} MHz"
    of = f"{timing.basis}; the first {len(frames)} frames, features included"
    at_clock = f"cycles {clock}; features included"
    figures: list[tuple[str, float, str, str]] = [
        ("cycles_per_frame_mean", mean, "cycles", of),
        ("cycles_per_frame_worst", max(frames), "cycles", of),
    ]
    if ends:
        figures.append(("cycles_at_end_of_clip", max(ends), "cycles", timing.basis))
    figures += [
        ("frame_latency_ms_mean", 1e3 * mean / clock_hz, "ms", at_clock),
        ("frame_latency_ms_worst", 1e3 * max(frames) / clock_hz, "ms", at_clock),
    ]
    if clip is not None:
        hop_cycles = clock_hz * clip.spec.row_hop_samples / clip.spec.sample_rate_hz
        buffer = input_buffer_frames(frames, hop_cycles)
        if buffer is not None:
            arriving = f"frame by frame {clock}, one arriving every hop"
            figures.append(("input_buffer_frames", buffer, "frames", arriving))
    return [Measurement(n, v, u, Provenance.SIMULATED, b) for n, v, u, b in figures]


def input_buffer_frames(frame_cycles: Sequence[int], hop_cycles: float) -> int | None:
    """Most frames at once that have arrived, one every ``hop_cycles``, and are not done with.

    None where frames take longer than a hop on average: no buffer suffices.
    """
    if sum(frame_cycles) > hop_cycles * len(frame_cycles):
        return None
    finished, most = 0.0, 1
    for number, cycles in enumerate(frame_cycles):
        finished = max(finished, number * hop_cycles) + cycles
        arrived = int(finished // hop_cycles) + 1
        most = max(most, arrived - number)
    return most


def stack_check(linked: Linked, output: HarnessOutput, simulated: bool) -> list[Check]:
    """Whether the painted stack lies within the bound; nothing for a run on the host."""
    if not simulated or not linked.stack.holds:
        return []
    bound, painted = linked.stack.bound_bytes, output.stack_painted_bytes
    detail = f"static bound {bound:,} B, painted {painted:,} B"
    return [Check("stack_within_bound", painted <= bound, detail)]


def plan_check(linked: Linked, symbols: Symbols, plan: Plan, front_end: FrontEnd | None) -> Check:
    """Whether the linker gave every planned object the planned size; the remainder is listed."""
    sizes = {MODEL_STATE: plan.ram_bytes}
    if front_end is not None:
        sizes[FEATURE_STATE] = front_end.state_bytes
    planned = {name: sizes[s.role] for name, s in symbols.items() if s.role in sizes}
    in_ram = [s for s in linked.size.symbols if s.section in (".data", ".bss")]
    found = {s.name: s.size_bytes for s in in_ram}
    rest = [f"{s.name} {s.size_bytes} B" for s in in_ram if s.name not in planned]
    hot_bytes = linked.size.sections.get(HOT_CODE, 0)
    rest += [f"hot code {hot_bytes} B"] if hot_bytes else []
    wrong = [
        f"{name} planned {size:,} B, linked {found.get(name, 0):,} B"
        for name, size in planned.items()
        if found.get(name) != size
    ]
    detail = (
        "; ".join(wrong) or ", ".join(f"{n} {b:,} B" for n, b in planned.items()) + " as planned"
    )
    remainder = linked.size.ram_static_bytes - sum(found.get(name, 0) for name in planned)
    return Check(
        "plan_linked",
        not wrong,
        f"{detail}; remainder {remainder} B{': ' if rest else ''}{', '.join(rest)}",
    )


def layer_measurements(timing: Timing, cases: int) -> dict[str, tuple[Measurement, ...]]:
    """Instructions and cycles of each node per inference, what it calls included, by its name; and
    what of them it waited for memory, where that was watched."""
    return {name: _counted(timing, row, cases) for name, row in timing.layers.items()}


def function_rows(timing: Timing, cases: int) -> tuple[FunctionRow, ...]:
    """Instructions and cycles of each function per inference, costliest first."""
    if not timing.is_counted:
        return ()
    rows = [
        FunctionRow(
            function.function,
            phase,
            _counted(timing, function, cases),
        )
        for phase, estimate in timing.phases.items()
        for function in estimate.functions
    ]
    return tuple(sorted(rows, key=lambda row: -row.measurements[1].value))


def _counted(
    timing: Timing, row: FunctionCycles | LayerCycles, cases: int
) -> tuple[Measurement, ...]:
    simulated, simulator, basis = Provenance.SIMULATED, timing.result.simulator, timing.basis
    instructions, cycles = row.instructions // cases, row.cycles // cases
    rows = [
        Measurement("instructions", instructions, "instructions", simulated, simulator),
        Measurement("cycles", cycles, "cycles", simulated, basis),
    ]
    if timing.setting is not None:
        rows += [
            Measurement(f"stall_cycles_{kind}", waited // cases, "cycles", simulated, basis)
            for kind, waited in zip(("instruction", "data"), row.stalls, strict=True)
        ]
    return tuple(rows)


def tflm_arena(builtin: bytes | None) -> list[Measurement]:
    """Arena that TFLM's interpreter takes for the builtin form, where that is installed."""
    if builtin is None or not tflm_available():
        return []
    graph = read_tflite(builtin, "model_tflm")
    result = run_tflm(builtin, [random_cases(graph.tensors[n], 1) for n in graph.free_inputs])
    basis = "TFLM's interpreter, x86-64 host"
    return [Measurement("tflm_arena_bytes", result.arena_bytes, "B", Provenance.MEASURED, basis)]
