"""The application of a board: a library with what runs it on a compiled-in clip, linked for the
board's own memory map."""

from __future__ import annotations

import hashlib
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np

from toolkit.boards import Board, board_folder, shared_folder
from toolkit.deploy.application_context import ApplicationContext, OutputText
from toolkit.deploy.board_image import (
    SLACK_BYTES,
    image_checks,
    image_measurements,
    real_time_findings,
)
from toolkit.deploy.harness import placement_defines
from toolkit.deploy.run import Run
from toolkit.emit import FirmwareProject, write_files
from toolkit.emit.c_text import comment_text, float_literal
from toolkit.emit.naming import named
from toolkit.errors import InputError
from toolkit.flash.image import ELF, FACTS, ImageFacts, OutputFacts
from toolkit.ir.labels import output_labels
from toolkit.measurement import Check, Measurement, Provenance
from toolkit.profiling.linked import Linked, read_linked
from toolkit.profiling.real_time import Trace
from toolkit.profiling.timing import Timing
from toolkit.resources import data_dir, read_text, render
from toolkit.toolchain import find_toolchain
from toolkit.toolchain.base import BOARD_FOLDER

#: Applications that there are, the default first.
APPLICATIONS = ("clip", "realtime")
_PLAIN = ("board_counter.c", "board_print.c", "board_results.c", "board_results.h",
          "board_startup.c")  # fmt: skip
_NAMED = ("board_outputs.c", "board_outputs.h")
_VALUES_A_LINE = 16
#: The longest period of SysTick, and about how long a block of audio is.
SYSTICK_TICKS, _BLOCK_S = 1 << 24, 0.016


@dataclass(frozen=True, eq=False)
class Application:
    """An application around the library of a finished run, for a board.

    ``kind`` is one of `APPLICATIONS`.  A real-time one hears a block of audio with every interrupt
    of SysTick; on a simulated board, which takes the same time for every instruction, the
    interrupts come as often as they would at ``clock_hz`` (None: the part's clock) for the mean
    cycles of an instruction.
    """

    run: Run
    project: FirmwareProject
    board: Board
    kind: str = "clip"
    clock_hz: float | None = None

    def __post_init__(self) -> None:
        if self.run.plan.continuous is not None:
            raise InputError(
                "--board: a continuous model has no end of a clip to run an application to.",
                hint="Leave out --hop-out.",
            )
        plan = self.run.plan
        if plan.graph.states:
            raise InputError(
                "--board: applications run clips at once; a model with states runs step by step.",
                hint="Leave out --board, and call the library from an application of your own.",
            )
        if plan.outputs_in_rows or (plan.stream is not None and len(plan.graph.inputs) > 1):
            raise InputError(
                "--board: the application gives frames of one input, and reads outputs at the end; "
                "this model gives rows on the way, or has several inputs.",
                hint="Leave out --board, and take the library into an application of your own.",
            )
        if self.kind == "realtime" and (self.run.front_end is None or self.run.plan.stream is None):
            raise InputError("the real-time application needs a streamed model that takes audio.")
        if self.kind == "realtime" and not self._timing.is_counted:
            raise InputError(
                "the real-time application needs a simulated run.", hint="Not --simulator host."
            )
        if not 0 < self._ticks <= SYSTICK_TICKS:
            raise InputError(
                f"a block of audio of {self._ticks} ticks is too long for SysTick.",
                hint="Use a model with a shorter hop.",
            )

    @cached_property
    def trace(self) -> Trace:
        """Cycles of every hop of the clip, as simulated; of a real-time application alone."""
        front_end, clip = self.run.front_end, self.run.clip
        assert front_end is not None and clip is not None
        frames, _ = self._timing.frames(clip.rows)
        spec = front_end.spec
        hop_s = spec.row_hop_samples / spec.sample_rate_hz
        return Trace(frames, hop_s, max(1, round(_BLOCK_S / hop_s)))

    @cached_property
    def _timing(self) -> Timing:
        return Timing(self.run.linked.elf, self.run.execution.result, self.run.target)

    @property
    def _ticks(self) -> int:
        """Ticks from an interrupt of SysTick to the next."""
        if self.kind != "realtime":
            return SYSTICK_TICKS
        trace = self.trace
        cycles = trace.hop_s * trace.block_hops * (self.clock_hz or self.run.target.clock_hz)
        if self.board.qemu is None:
            return round(trace.hop_s * trace.block_hops * self.board.clock_hz)
        phases = self._timing.phases.values()
        per_instruction = sum(p.cycles for p in phases) / sum(p.instructions for p in phases)
        instruction_s = (1 << self.board.qemu.icount_shift) * 1e-9
        return round(cycles / per_instruction * instruction_s * self.board.clock_hz)

    def files(self) -> Mapping[str, bytes]:
        """The application's files, by path in the project."""
        context, shared = self._context, shared_folder()
        text = {name: read_text(shared / name) for name in _PLAIN}
        for name in (*_NAMED, f"application_{self.kind}.c"):
            text[name] = named(read_text(shared / name), self.project.name)
        for name in ("board.h", "board_vectors.c", "board_note.c", "board_clip.h", "board_clip.c"):
            text[name] = render(name, context)
        text |= {name: render(name, context) for name in ("board_model.h", "board_model.c")}
        text["linker.ld"] = render("board_linker.ld", context)
        text["CMakeLists.txt"] = render("board_CMakeLists.txt", context)
        console = f"console_{self.board.console.kind}.c"
        text[console] = read_text(shared / "console" / console)
        memory = "tk_memory.c"
        text[memory] = read_text(data_dir("firmware_templates") / "harness" / memory)
        own = {path.name: read_text(path) for path in board_folder(self.board.name).glob("*.[ch]")}
        if not any(name.startswith("clock") for name in own):
            own["clock_none.c"] = read_text(shared / "clock_none.c")
        text |= own
        return {f"{BOARD_FOLDER}/{name}": text[name].encode() for name in sorted(text)}

    def link(self, toolchain: str, folder: Path) -> Linked:
        """Link library and application for the board's map; images and map go to ``folder``.

        Raises ToolMissingError without the compiler, ToolFailedError where it refuses.
        """
        library = f"{self.project.name}/"
        files = {p: d for p, d in self.project.files.items() if p.startswith(library)}
        files |= self.files()
        files["linker.ld"] = files.pop(f"{BOARD_FOLDER}/linker.ld")
        sources = tuple(sorted(path for path in files if path.endswith(".c")))
        compiler = find_toolchain(toolchain)
        with tempfile.TemporaryDirectory(prefix="toolkit-board-") as scratch:
            write_files(FirmwareProject(files), Path(scratch))
            defines = placement_defines(self.run.target)
            made = compiler.compile(Path(scratch), sources, self.run.target, folder, defines)
        return read_linked(made, compiler)

    def facts(self, linked: Linked) -> ImageFacts:
        """What is known of the linked image."""
        run, clip = self.run, self.run.clip
        counted = run.report.find("cycles_per_inference", Provenance.SIMULATED)
        return ImageFacts(
            board=self.board.name,
            model=run.model.name,
            application=self.kind,
            elf_sha256=hashlib.sha256(linked.binaries.elf.read_bytes()).hexdigest(),
            clip="" if clip is None else clip.path.name,
            audio_seconds=0.0 if clip is None else clip.seconds,
            expected=b"".join(run.expected[0]).hex(),
            outputs=self._output_facts,
            cycles=None if counted is None else round(counted.value),
            cycles_basis="" if counted is None else counted.basis,
        )

    @property
    def _feeds(self) -> str:
        if self.run.front_end is not None:
            return "audio"
        return "frames" if self.run.plan.stream is not None else "tensors"

    @property
    def _clip_values(self) -> tuple[np.ndarray, str, str]:
        """What is compiled in, its C type, and where it is from."""
        clip = self.run.clip
        if clip is not None:
            return clip.samples, "int16_t", f"{clip.path.name}, {clip.seconds:g} s"
        case = self.run.stimulus.cases[0]
        data = b"".join(np.ascontiguousarray(part).tobytes() for part in case)
        return np.frombuffer(data, np.uint8), "uint8_t", "the first case of the build's inputs"

    @property
    def _output_facts(self) -> tuple[OutputFacts, ...]:
        graph = self.run.graph
        tensors = [graph.tensors[name] for name in graph.outputs]
        labels = list(output_labels(graph))
        rows = []
        for tensor in tensors:
            own, labels = labels[: tensor.elements], labels[tensor.elements :]
            scale, zero = (1.0, 0) if tensor.quant is None else (tensor.scale, tensor.zero_point)
            size = tensor.dtype.size_bytes
            rows.append(OutputFacts(tensor.elements, size, scale, zero, tuple(own)))
        return tuple(rows)

    @property
    def _context(self) -> ApplicationContext:
        board, run = self.board, self.run
        values, c_type, origin = self._clip_values
        facts = self._output_facts
        scores = len(facts) == 1 and not facts[0].labels[0].startswith("output[")
        front_end, hot = run.front_end, run.target.hot_memory
        ram = board.ram
        return ApplicationContext(
            board=board,
            source=comment_text(board.source, 2000),
            whats=tuple(comment_text(one.what) for one in board.identities),
            systick=board.counter == "systick" or self.kind == "realtime",
            slack_bytes=SLACK_BYTES,
            hot_memory=hot,
            hot_in_ram=hot is not None and ram.origin <= hot.origin < ram.end,
            stack_bytes=run.target.stack_bytes,
            name=self.project.name,
            kind=self.kind,
            core_flags=tuple(run.target.compiler_flags("gcc")),
            feeds=self._feeds,
            has_clip_level=front_end is not None and front_end.spec.needs_clip,
            outputs=tuple(
                OutputText(
                    elements=one.elements,
                    element_bytes=one.element_bytes,
                    size_bytes=one.elements * one.element_bytes,
                    scale=float_literal(np.float32(one.scale)),
                    zero_point=one.zero_point,
                )
                for one in facts
            ),
            labels=tuple(comment_text(label) for label in facts[0].labels) if scores else (),
            origin=comment_text(f"The compiled-in clip: {origin}"),
            values=values.size,
            c_type=c_type,
            lines=_lines(values.tolist()),
            realtime=self.kind == "realtime",
            ticks=self._ticks,
            block_hops=self.trace.block_hops if self.kind == "realtime" else 1,
        )


def _lines(values: Sequence[int]) -> tuple[str, ...]:
    rows = (values[at : at + _VALUES_A_LINE] for at in range(0, len(values), _VALUES_A_LINE))
    return tuple(" ".join(f"{value}," for value in row) for row in rows)


def add_application(
    application: Application, toolchain: str, folder: Path
) -> tuple[tuple[Measurement, ...], tuple[Check, ...]]:
    """Write the application below ``folder``, with its image and board.json; what the image
    measures, and what was checked of it."""
    home = folder / BOARD_FOLDER
    write_files(FirmwareProject(application.files()), folder)
    linked = application.link(toolchain, home)
    assert linked.binaries.elf.name == ELF
    (home / FACTS).write_text(application.facts(linked).to_json(), encoding="utf-8")
    board, hot = application.board, application.run.target.hot_memory
    measurements, checks = image_measurements(linked, board), image_checks(linked, board, hot)
    if application.kind != "realtime":
        return measurements, checks
    run = application.run
    more, verdict = real_time_findings(application.trace, run.target, run.simulator)
    return (*measurements, *more), (*checks, verdict)
