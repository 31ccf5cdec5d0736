"""Report rows from what planning, compiling and running gave."""

from __future__ import annotations

from collections.abc import Sequence

from toolkit.deploy.findings import Audio
from toolkit.deploy.run import FirmwareFacts, frame_cycles, layer_cycles, phase_cycles
from toolkit.features.spec import FeatureSpec
from toolkit.features.tables import state_bytes as feature_state_bytes
from toolkit.measurement import (
    FEATURE_STATE,
    MODEL_STATE,
    Check,
    Measurement,
    Provenance,
    Symbols,
)
from toolkit.model.inputs import random_cases
from toolkit.plan import ArenaPlan, Plan, stream_of
from toolkit.profiling.energy import audio_measurements, inference_measurements
from toolkit.report.model import FunctionRow
from toolkit.simulate import SimulationResult
from toolkit.simulate.protocol import HarnessOutput
from toolkit.targets import Target
from toolkit.tflite.oracle import run_tflm, tflm_available
from toolkit.tflite.read import read_tflite


def size_measurements(facts: FirmwareFacts) -> list[Measurement]:
    """Flash, static RAM and the static stack bound."""
    left_out = (*facts.stack.recursive, *facts.stack.indirect, *facts.stack.dynamic)
    basis = "ELF: deepest call chain, ending " + " → ".join(facts.stack.chain[-3:])
    if not facts.stack.holds:
        basis += f"; NOT a bound, left out: {', '.join(left_out)}"
    measured, linker_map = Provenance.MEASURED, f"linker map, {facts.toolchain}"
    return [
        Measurement("flash_bytes", facts.size.flash_bytes, "B", measured, linker_map),
        Measurement("ram_static_bytes", facts.size.ram_static_bytes, "B", measured, linker_map),
        Measurement("stack_bound_bytes", facts.stack.bound_bytes, "B", measured, basis),
    ]


def run_measurements(
    facts: FirmwareFacts,
    result: SimulationResult,
    target: Target,
    output: HarnessOutput,
    plan: Plan,
    audio: Audio | None,
) -> list[Measurement]:
    """Counts of a simulated run, per inference; nothing for a run on the host."""
    if not result.intervals:
        return []
    phases, basis = phase_cycles(facts, result, target)
    simulated = Provenance.SIMULATED
    cases, simulator = len(output.cases), result.simulator
    instructions = sum(p.instructions for p in phases.values()) // cases
    cycles = {name: p.cycles // cases for name, p in phases.items()}
    total = sum(cycles.values())
    painted = output.stack_painted_bytes
    rows = [
        Measurement("stack_painted_bytes", painted, "B", simulated, simulator),
        Measurement(
            "instructions_per_inference", instructions, "instructions", simulated, simulator
        ),
        Measurement("cycles_per_inference", total, "cycles", simulated, basis),
        Measurement("cycles_features", cycles["features"], "cycles", simulated, basis),
        Measurement("cycles_model", cycles["model"], "cycles", simulated, basis),
        *inference_measurements(target, total, simulated),
    ]
    stream = stream_of(plan)
    if stream is not None:
        frames = audio.rows if audio else stream.time.frames
        rows += _frame_measurements(facts, result, target, basis, frames, audio)
    if audio is not None:
        rows += audio_measurements(target, total, audio.seconds, simulated, basis)
    return rows


def _frame_measurements(
    facts: FirmwareFacts,
    result: SimulationResult,
    target: Target,
    basis: str,
    frames_per_clip: int,
    audio: Audio | None,
) -> list[Measurement]:
    """Mean and worst cycles of a pushed frame, features included, and of the end of a clip; for
    audio the frames that the input must buffer, since some cost several frames' time."""
    frames, ends = frame_cycles(facts, result, target, frames_per_clip)
    of = f"{basis}; the first {len(frames)} frames, features included"
    figures = [
        ("cycles_per_frame_mean", round(sum(frames) / len(frames)), of),
        ("cycles_per_frame_worst", max(frames), of),
    ]
    if ends:
        figures.append(("cycles_at_end_of_clip", max(ends), basis))
    rows = [Measurement(n, v, "cycles", Provenance.SIMULATED, b) for n, v, b in figures]
    clock = f"cycles at {target.clock_hz / 1e6:g} MHz; features included"
    rows += [
        Measurement(name, 1e3 * cycles / target.clock_hz, "ms", Provenance.SIMULATED, clock)
        for name, cycles in (
            ("frame_latency_ms_mean", round(sum(frames) / len(frames))),
            ("frame_latency_ms_worst", max(frames)),
        )
    ]
    if audio is not None:
        hop_cycles = target.clock_hz * audio.spec.hop_samples / audio.spec.sample_rate_hz
        buffer = input_buffer_frames(frames, hop_cycles)
        if buffer is not None:
            clock = f"frame by frame at {target.clock_hz / 1e6:g} MHz, one arriving every hop"
            rows.append(
                Measurement("input_buffer_frames", buffer, "frames", Provenance.SIMULATED, clock)
            )
    return rows


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


def stack_check(facts: FirmwareFacts, output: HarnessOutput, simulated: bool) -> list[Check]:
    """Whether the painted stack lies within the bound; nothing for a run on the host."""
    if not simulated or not facts.stack.holds:
        return []
    bound, painted = facts.stack.bound_bytes, output.stack_painted_bytes
    detail = f"static bound {bound:,} B, painted {painted:,} B"
    return [Check("stack_within_bound", painted <= bound, detail)]


def plan_check(
    facts: FirmwareFacts,
    symbols: Symbols,
    plan: Plan,
    spec: FeatureSpec | None,
    arithmetic: str = "float32",
) -> Check:
    """Whether the linker gave every planned object the planned size; the remainder is listed."""
    sizes = {MODEL_STATE: plan.arena_bytes if isinstance(plan, ArenaPlan) else plan.state_bytes}
    if spec is not None:
        sizes[FEATURE_STATE] = feature_state_bytes(spec, arithmetic)
    planned = {name: sizes[s.role] for name, s in symbols.items() if s.role in sizes}
    in_ram = [s for s in facts.size.symbols if s.section in (".data", ".bss")]
    linked = {s.name: s.size_bytes for s in in_ram}
    rest = [f"{s.name} {s.size_bytes} B" for s in in_ram if s.name not in planned]
    wrong = [
        f"{name} planned {size:,} B, linked {linked.get(name, 0):,} B"
        for name, size in planned.items()
        if linked.get(name) != size
    ]
    detail = (
        "; ".join(wrong) or ", ".join(f"{n} {b:,} B" for n, b in planned.items()) + " as planned"
    )
    remainder = facts.size.ram_static_bytes - sum(linked.get(name, 0) for name in planned)
    return Check(
        "plan_linked",
        not wrong,
        f"{detail}; remainder {remainder} B{': ' if rest else ''}{', '.join(rest)}",
    )


def layer_measurements(
    facts: FirmwareFacts,
    result: SimulationResult,
    target: Target,
    nodes: Sequence[str],
    cases: int,
) -> dict[str, tuple[Measurement, ...]]:
    """Instructions and cycles of each node per inference, what it calls included.

    ``nodes`` are the nodes behind the layer functions by number less 1 (`emit.model.layers`).
    """
    layers, basis = layer_cycles(facts, result, target)
    simulated = Provenance.SIMULATED
    return {
        nodes[number - 1]: (
            Measurement(
                "instructions",
                instructions // cases,
                "instructions",
                simulated,
                result.simulator,
            ),
            Measurement("cycles", cycles // cases, "cycles", simulated, basis),
        )
        for number, (instructions, cycles) in layers.items()
    }


def function_rows(
    facts: FirmwareFacts, result: SimulationResult, target: Target, cases: int
) -> tuple[FunctionRow, ...]:
    """Instructions and cycles of each function per inference, costliest first."""
    if not result.intervals:
        return ()
    phases, basis = phase_cycles(facts, result, target)
    rows = [
        FunctionRow(
            function.function,
            phase,
            (
                Measurement(
                    "instructions",
                    function.instructions // cases,
                    "instructions",
                    Provenance.SIMULATED,
                    result.simulator,
                ),
                Measurement(
                    "cycles", function.cycles // cases, "cycles", Provenance.SIMULATED, basis
                ),
            ),
        )
        for phase, estimate in phases.items()
        for function in estimate.functions
    ]
    return tuple(sorted(rows, key=lambda row: -row.measurements[1].value))


def tflm_arena(builtin: bytes | None) -> list[Measurement]:
    """Arena that TFLM's interpreter takes for the builtin form, where that is installed."""
    if builtin is None or not tflm_available():
        return []
    graph = read_tflite(builtin, "model_tflm")
    result = run_tflm(builtin, [random_cases(graph.tensors[n], 1) for n in graph.inputs])
    basis = "TFLM's interpreter, x86-64 host"
    return [Measurement("tflm_arena_bytes", result.arena_bytes, "B", Provenance.MEASURED, basis)]
