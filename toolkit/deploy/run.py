"""Compile a firmware project, run it on inputs, and compare every output byte."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from toolkit.errors import ToolFailedError
from toolkit.ir import Graph
from toolkit.ir.tensor import Array
from toolkit.ops import OPERATORS
from toolkit.ops.execute import run_graph
from toolkit.ops.parts.base import view
from toolkit.profiling.cycles import CycleEstimate, CycleModel, load_cycle_table
from toolkit.profiling.size import SizeReport, measure_size
from toolkit.profiling.stack import StackBound, bound_stack
from toolkit.simulate import LIMIT_INSTRUCTIONS, SimulationResult, simulate
from toolkit.simulate.counts import INTERVALS_APART
from toolkit.simulate.protocol import HarnessOutput, decode_output
from toolkit.targets import Target
from toolkit.toolchain import Firmware, device_sources, find_toolchain, host_sources
from toolkit.toolchain.elf import ElfImage, read_elf

#: One case: an array a model input.
Case = Sequence[Array]


@dataclass(frozen=True, eq=False)
class FirmwareFacts:
    """A linked firmware and what its ELF and map say."""

    firmware: Firmware
    elf: ElfImage
    size: SizeReport
    stack: StackBound
    toolchain: str


@dataclass(frozen=True)
class Mismatch:
    """A case whose output differs: how many bytes, and the first of them."""

    case: int
    output: str
    differing_bytes: int
    total_bytes: int
    first_offset: int
    expected: int
    found: int

    def __str__(self) -> str:
        return (
            f"case {self.case}, output {self.output!r}: {self.differing_bytes} of "
            f"{self.total_bytes} bytes differ, the first at {self.first_offset}: "
            f"expected 0x{self.expected:02x}, found 0x{self.found:02x}"
        )


def compile_firmware(
    folder: Path, target: Target, toolchain: str, has_features: bool
) -> FirmwareFacts:
    """Compile the project in ``folder``; firmware.elf, .bin, .hex and .map are left there."""
    compiler = find_toolchain(toolchain)
    defines = {"HARNESS_FEATURES": int(has_features)}
    firmware = compiler.compile(folder, device_sources(folder), target, folder, defines)
    elf = read_elf(firmware.elf)
    size = measure_size(elf, firmware.map.read_text(encoding="utf-8"))
    name = f"{compiler.name} {compiler.version}"
    return FirmwareFacts(firmware, elf, size, bound_stack(elf), name)


def compile_host(folder: Path, toolchain: str, has_features: bool, out: Path) -> Path:
    """Compile the same project for this workstation; the program is left in ``out``."""
    defines = {"HARNESS_FEATURES": int(has_features)}
    return find_toolchain(toolchain).compile_host(folder, host_sources(folder), out, defines)


def run(
    program: Path,
    input_bytes: bytes,
    simulator: str,
    target: Target,
    graph: Graph,
    row_values: int | None,
    continuous: bool = False,
) -> tuple[SimulationResult, HarnessOutput]:
    """Run the firmware (or host program) on an input.bin and decode what it wrote.

    ``graph`` is the batch network of a case; it bounds how long the run may take.
    """
    cases = int.from_bytes(input_bytes[8:12], "little")
    limit = LIMIT_INSTRUCTIONS + cases * _generous_instructions(graph)
    result = simulate(program, input_bytes, simulator, target, limit)
    sizes = [graph.tensors[name].size_bytes for name in graph.outputs]
    return result, decode_output(result.output, sizes, row_values, continuous)


def run_on_host(
    folder: Path,
    input_bytes: bytes,
    toolchain: str,
    target: Target,
    graph: Graph,
    row_values: int | None,
    continuous: bool = False,
) -> tuple[SimulationResult, HarnessOutput]:
    """Compile the project in ``folder`` for this workstation, with features where ``row_values``
    says how long their rows are, and run it as `run` does."""
    with tempfile.TemporaryDirectory(prefix="toolkit-host-") as scratch:
        program = compile_host(folder, toolchain, row_values is not None, Path(scratch))
        return run(program, input_bytes, "host", target, graph, row_values, continuous)


def _generous_instructions(graph: Graph) -> int:
    """Several times what any kernel takes; only a firmware that hangs needs more."""
    work = [OPERATORS[node.op].work(view(graph, node)) for node in graph.nodes]
    return sum(100 * w.macs + 1000 * (w.accumulators + w.elementwise) for w in work)


def is_builtin(graph: Graph) -> bool:
    """Whether TFLM's stock operators suffice."""
    return not any(OPERATORS[node.op].custom for node in graph.nodes)


def reference_outputs(graph: Graph, cases: Sequence[Case]) -> list[tuple[bytes, ...]]:
    """Output bytes of the numpy integer reference, case by case."""
    outputs = []
    for case in cases:
        values = run_graph(graph, dict(zip(graph.inputs, case, strict=True)))
        outputs.append(tuple(np.ascontiguousarray(values[n]).tobytes() for n in graph.outputs))
    return outputs


def find_mismatches(
    graph: Graph, expected: Sequence[Sequence[bytes]], found: Sequence[Sequence[bytes]]
) -> tuple[Mismatch, ...]:
    """Every output of every case that differs.

    Raises ToolFailedError when the numbers of cases differ.
    """
    if len(expected) != len(found):
        raise ToolFailedError(f"the firmware ran {len(found)} of {len(expected)} cases.")
    mismatches = []
    for case, (wanted, got) in enumerate(zip(expected, found, strict=True)):
        for name, want, have in zip(graph.outputs, wanted, got, strict=True):
            a, b = np.frombuffer(want, np.uint8), np.frombuffer(have, np.uint8)
            where = np.flatnonzero(a != b)
            if where.size:
                first = int(where[0])
                mismatches.append(
                    Mismatch(case, name, where.size, a.size, first, int(a[first]), int(b[first]))
                )
    return tuple(mismatches)


def phase_cycles(
    facts: FirmwareFacts, result: SimulationResult, target: Target
) -> tuple[dict[str, CycleEstimate], str]:
    """Estimated cycles of the phases ``features`` and ``model``, and the basis of the estimate."""
    model = CycleModel(facts.elf, load_cycle_table(target))
    phases = {name: model.estimate(result.phase(name)) for name in ("features", "model")}
    return phases, model.basis(result.simulator)


def layer_cycles(
    facts: FirmwareFacts, result: SimulationResult, target: Target
) -> tuple[dict[int, tuple[int, int]], str]:
    """Instructions and cycles of each layer's functions, by its number, and the cycles' basis."""
    model = CycleModel(facts.elf, load_cycle_table(target))
    counts = {n: (part.instructions, model.cycles(part)) for n, part in result.layers.items()}
    return counts, model.basis(result.simulator)


def frame_cycles(
    facts: FirmwareFacts, result: SimulationResult, target: Target, frames_per_clip: int
) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Estimated cycles of each frame pushed to a streamed model, features included, and of each
    clip's end.

    Covers the intervals that were counted one by one.
    """
    model = CycleModel(facts.elf, load_cycle_table(target))
    pushes: list[int] = []
    waiting = 0
    for interval in result.intervals[:INTERVALS_APART]:
        if interval.phase in ("features", "model"):
            waiting += model.cycles(interval)
        if interval.phase == "model":
            pushes.append(waiting)
            waiting = 0
    every = frames_per_clip + 1
    frames = tuple(cycles for i, cycles in enumerate(pushes) if (i + 1) % every)
    return frames, tuple(pushes[frames_per_clip::every])
