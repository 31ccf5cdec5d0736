"""A planned graph in C with the test harness around it: written, compiled and run."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from toolkit.emit import FirmwareProject, InRam, Library, emit_project, write_files
from toolkit.emit.symbols import layer_functions
from toolkit.features.front_end import FrontEnd
from toolkit.measurement import Symbols
from toolkit.ops import OPERATORS
from toolkit.ops.parts.base import view
from toolkit.plan import Plan
from toolkit.profiling.hot_code import hot_layers
from toolkit.profiling.linked import Linked, read_linked
from toolkit.profiling.memory import memory_watch
from toolkit.simulate import EVERYTHING, TRACING, SimulationResult, Watch, simulate
from toolkit.simulate.protocol import HarnessOutput, Hops, decode_output
from toolkit.targets import Target
from toolkit.toolchain import device_sources, find_toolchain, host_sources
from toolkit.toolchain.elf import read_elf

#: No symbol is known.
UNKNOWN: Symbols = {}


def placement_defines(target: Target) -> dict[str, str | int]:
    """What a library is compiled with for where the target has its code."""
    return {} if target.policy.hot_code is None else {"TK_HOT_CODE": 1}


@dataclass(frozen=True, eq=False)
class Execution:
    """What a simulator counted, and what the harness wrote."""

    result: SimulationResult
    output: HarnessOutput


@dataclass(frozen=True, eq=False)
class Harness:
    """A plan for a target, the ``.tflite`` that its graph was read from, the features that feed it
    (None: the harness hands it arrays), and what its library is called."""

    plan: Plan
    target: Target
    model_tflite: bytes
    front_end: FrontEnd | None = None
    name: str = "network"

    def project(self) -> FirmwareProject:
        """Every file of the firmware; see `emit_project` for what it raises."""
        hot = hot_layers(self.plan, self.target)
        in_ram = InRam(hot, self.target.policy.ram_weights)
        library = Library(self.name, self.plan, self.model_tflite, self.front_end, in_ram)
        return emit_project(library, self.target)

    def compile(self, folder: Path, toolchain: str) -> Linked:
        """Compile the project in ``folder``; its folder ``firmware`` gets the ELF, its images and
        the linker's map."""
        compiler, out = find_toolchain(toolchain), folder / "firmware"
        out.mkdir(exist_ok=True)
        sources = device_sources(folder)
        return read_linked(
            compiler.compile(folder, sources, self.target, out, self._defines), compiler
        )

    def compile_host(self, folder: Path, toolchain: str, out: Path) -> Path:
        """Compile the project in ``folder`` for this workstation, into ``out``; the program."""
        compiler = find_toolchain(toolchain)
        return compiler.compile_host(folder, host_sources(folder), out, self._defines)

    def run(
        self,
        program: Path,
        input_bytes: bytes,
        simulator: str,
        symbols: Symbols = UNKNOWN,
        tell: Callable[[int], None] | None = None,
    ) -> Execution:
        """Run the firmware's ELF (or, on ``host``, the workstation's program) on an input.bin.

        Layers are counted apart where ``symbols``, those of the project, tell their functions; what
        the target's memory adds is, where the simulator can tell.  ``tell`` hears now and then how
        many instructions ran.
        """
        limit = (
            EVERYTHING.limit_instructions + self._runs(input_bytes) * self._generous_instructions()
        )
        traced = simulator in TRACING
        memory = memory_watch(read_elf(program), self.target) if traced else None
        watch = Watch(limit, layer_functions(symbols), memory, tell)
        result = simulate(program, input_bytes, simulator, self.target, watch)
        stream = self.plan.stream
        output = decode_output(
            data=result.output,
            output_bytes=[tensor.size_bytes for tensor in self.plan.output_tensors],
            row_values=None if self.front_end is None else self.front_end.spec.row_values,
            hops=self._hops,
            in_rows=self.plan.outputs_in_rows,
        )
        if stream is not None:
            placed = [replace(c, outputs=stream.laid_out(c.outputs)) for c in output.cases]
            output = replace(output, cases=tuple(placed))
        return Execution(result, output)

    def run_on_host(self, folder: Path, input_bytes: bytes, toolchain: str) -> Execution:
        """Compile the project in ``folder`` for this workstation, and run it."""
        with tempfile.TemporaryDirectory(prefix="toolkit-host-") as scratch:
            program = self.compile_host(folder, toolchain, Path(scratch))
            return self.run(program, input_bytes, "host")

    def run_once_on_host(self, input_bytes: bytes, toolchain: str) -> Execution:
        """The same for a project that nobody keeps."""
        with tempfile.TemporaryDirectory(prefix="toolkit-host-") as scratch:
            write_files(self.project(), Path(scratch))
            return self.run_on_host(Path(scratch), input_bytes, toolchain)

    @property
    def _hops(self) -> Hops:
        if self.plan.continuous is not None:
            return "hops"
        return "steps" if self.plan.graph.states else "none"

    def _runs(self, input_bytes: bytes) -> int:
        """How often the model runs at most: once a case, or once a step."""
        cases = int.from_bytes(input_bytes[8:12], "little")
        graph = self.plan.graph
        step_bytes = sum(graph.tensors[name].size_bytes for name in graph.free_inputs)
        return len(input_bytes) // step_bytes + cases if graph.states else cases

    @property
    def _defines(self) -> dict[str, str | int]:
        features = {"HARNESS_FEATURES": int(self.front_end is not None)}
        return {**features, **placement_defines(self.target)}

    def _generous_instructions(self) -> int:
        """Several times what any kernel takes; only a firmware that hangs needs more."""
        graph = self.plan.graph
        work = [OPERATORS[node.op].work(view(graph, node)) for node in graph.nodes]
        return sum(100 * w.macs + 1000 * (w.accumulators + w.elementwise) for w in work)
