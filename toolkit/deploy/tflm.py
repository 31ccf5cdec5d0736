"""The application for TFLM of a finished run: the same model, front-end and harness, with TFLM's
interpreter in the place of the generated C, and what that costs."""

from __future__ import annotations

import re
import tempfile
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from toolkit.compare.outputs import find_mismatches
from toolkit.deploy.harness import Execution
from toolkit.deploy.run import Run
from toolkit.emit import FirmwareProject, Library, write_files
from toolkit.emit.c_text import comment_text
from toolkit.emit.naming import named
from toolkit.emit.tflm import FOLDER, Arena, TflmModel
from toolkit.errors import InputError, ToolFailedError
from toolkit.measurement import Check, Measurement, Provenance
from toolkit.profiling.linked import Linked, read_linked
from toolkit.profiling.simulated import inferences, tflm_arena
from toolkit.profiling.timing import Timing
from toolkit.toolchain import find_toolchain
from toolkit.toolchain.tflm import Checkout, TflmToolchain

NAME = "tflm_application"
#: Simulators that run the application: the target core's.
_SIMULATOR = "qemu"
_REPORTED = re.compile(r"^tflm: arena (\d+) bytes$", re.MULTILINE)
#: Room for the first run, which tells what is needed, beyond twice the planned arena.
_ROOM_BYTES = 64 << 10
#: What `AllocateTensors` may need for a moment beyond what it keeps: the first that suffices.
_SPARE_BYTES = (0, 512, 2048, 8192, 32768)
_ALIGNMENT = 16


@dataclass(frozen=True, eq=False)
class TflmApplication:
    """TFLM's application for the model of a ``run`` in batch or step by step, in its ``project``.

    Raises InputError for a run that streams, UnsupportedError for operators without a TFLM kernel.
    """

    run: Run
    project: FirmwareProject

    def __post_init__(self) -> None:
        _ = self.model

    @cached_property
    def model(self) -> TflmModel:
        run = self.run
        library = Library(self.project.name, run.plan, run.harness.model_tflite, run.front_end)
        return TflmModel.of(library, run.target.name)

    @property
    def room(self) -> Arena:
        """An arena that should suffice, where nothing ran on the core: what TFLM took on the
        workstation, or a guess."""
        if not self.model.custom:
            for found in tflm_arena(self.model.data):
                what = "measured by TFLM on x86-64, whose pointers are longer"
                return Arena(_aligned(int(found.value)), comment_text(what))
        return self._guess

    @property
    def _guess(self) -> Arena:
        size = 2 * self.run.plan.ram_bytes + _ROOM_BYTES
        return Arena(_aligned(size), comment_text("estimated, not measured"))

    def write(self, folder: Path, checkout: Checkout | None) -> tuple[list[Measurement], Check]:
        """Write the application below ``folder``; with a checkout compile it, run it in QEMU on the
        run's input, and compare its outputs.

        Raises ToolMissingError without ``arm-none-eabi-g++`` or QEMU, ToolFailedError where TFLM
        refuses the model.
        """
        if checkout is None:
            write_files(FirmwareProject(self.model.files(self.room)), folder)
            return [], Check.not_checked(NAME, "no --tflm-dir", required=False)
        with tempfile.TemporaryDirectory(prefix="toolkit-tflm-") as scratch:
            built = _Built(self, checkout, Path(scratch))
            linked, execution, arena = built.measured(folder / FOLDER)
        write_files(FirmwareProject(self.model.files(arena)), folder)
        return self._findings(linked, execution, arena), self._check(execution)

    def _check(self, execution: Execution) -> Check:
        """Whether the outputs are the integer reference's for what the model was given: the device
        computes the same features."""
        run, found = self.run, [case.outputs for case in execution.output.cases]
        mismatches = find_mismatches(run.graph.free_outputs, run.expected, found)
        differing = sum(one.differing_bytes for one in mismatches)
        total = sum(len(data) for case in found for data in case)
        detail = f"{differing} of {total} output bytes differ from the integer reference in QEMU"
        return Check(NAME, not differing, "; ".join([detail, *map(str, mismatches[:3])]))

    def _findings(self, linked: Linked, ran: Execution, arena: Arena) -> list[Measurement]:
        timing = Timing(linked.elf, ran.result, self.run.target)
        measured, simulated = Provenance.MEASURED, Provenance.SIMULATED
        what = f"linker map, {linked.toolchain}, TFLM's reference kernels"
        cases = inferences(ran.output, self.run.plan)
        cycles = sum(phase.cycles for phase in timing.phases.values()) // cases
        rows = (
            ("tflm_flash_bytes", linked.size.flash_bytes, "B", measured, what),
            ("tflm_ram_static_bytes", linked.size.ram_static_bytes, "B", measured, what),
            ("tflm_core_arena_bytes", arena.size_bytes, "B", measured, arena.basis),
            ("tflm_stack_painted_bytes", ran.output.stack_painted_bytes, "B", simulated, "qemu"),
            ("tflm_cycles_per_inference", cycles, "cycles", simulated, timing.basis),
        )
        return [Measurement(*row) for row in rows]


@dataclass(frozen=True, eq=False)
class _Built:
    """An application whose objects lie in ``scratch``, so that it is linked with several arenas."""

    application: TflmApplication
    checkout: Checkout
    scratch: Path

    def measured(self, home: Path) -> tuple[Linked, Execution, Arena]:
        """Linked into ``home`` with the smallest arena tried in which it runs."""
        _, ran = self._run(self.application._guess, home, report=True)
        reported = _REPORTED.search(ran.result.console)
        if reported is None:
            raise ToolFailedError("TFLM did not report its arena on the core.")
        used = _aligned(int(reported[1]))
        for spare in _SPARE_BYTES:
            needed = f" and {spare} B while it plans" if spare else ""
            what = f"measured on the core, {used} B used{needed}"
            arena = Arena(used + spare, comment_text(what))
            try:
                linked, ran = self._run(arena, home, report=False)
            except ToolFailedError:
                continue
            return linked, ran, arena
        raise ToolFailedError("TFLM does not run in the arena that it reported.")

    def _run(self, arena: Arena, home: Path, report: bool) -> tuple[Linked, Execution]:
        run = self.application.run
        write_files(FirmwareProject(self.application.model.files(arena)), self.project)
        own = f"{FOLDER}/{self.application.project.name}.cc"
        (application,) = self.tools.sources(self.project, [own], {"TFLM_REPORT": int(report)})
        home.mkdir(exist_ok=True)
        binaries = self.tools.link(self.project, [application, *self._objects], home)
        linked = read_linked(binaries, find_toolchain("gcc"))
        try:
            ran = run.harness.run(binaries.elf, run.stimulus.encode(run.plan), _SIMULATOR)
        except ToolFailedError as error:
            raise ToolFailedError(
                f"TFLM's application: {error.message}",
                hint="Run the .tflite in tflite-micro's Python interpreter, which says why.",
            ) from error
        return linked, ran

    @cached_property
    def tools(self) -> TflmToolchain:
        run, scratch = self.application.run, self.scratch / "objects"
        if _SIMULATOR not in run.target.simulation.simulators:
            raise InputError(
                f"--tflm-dir: target '{run.target.name}' is not simulated in QEMU.",
                hint="Leave --tflm-dir out.",
            )
        scratch.mkdir()
        return TflmToolchain.find(self.checkout, run.target, scratch)

    @property
    def project(self) -> Path:
        return self.scratch / "project"

    @cached_property
    def _objects(self) -> tuple[Path, ...]:
        """Objects of TFLM, harness, front-end and custom kernels: all but the application's own."""
        application = self.application
        shared = self._shared
        files = {
            path: data
            for path, data in application.project.files.items()
            if path in shared or path.startswith("harness/")
        }
        write_files(FirmwareProject(files), self.project)
        own = f"{FOLDER}/{application.project.name}.cc"
        paths = [path.relative_to(self.project) for path in self.project.rglob("*.c*")]
        sources = [p.as_posix() for p in paths if p.suffix in (".c", ".cc")]
        sources = [p for p in sources if p != own and not p.endswith("tk_io_host.c")]
        defines = {"HARNESS_FEATURES": int(application.run.front_end is not None)}
        library = self.tools.library(application.model.builtins)
        return (*self.tools.sources(self.project, sorted(sources), defines), *library)

    @property
    def _shared(self) -> frozenset[str]:
        """Paths of the front-end in the project."""
        front_end, name = self.application.run.front_end, self.application.project.name
        if front_end is None:
            return frozenset()
        files = (*front_end.files(), *front_end.kernel_files)
        return frozenset(f"{name}/src/{named(file, name, features=True)}" for file in files)


def _aligned(size_bytes: int) -> int:
    return -(-size_bytes // _ALIGNMENT) * _ALIGNMENT
