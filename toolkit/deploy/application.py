"""The application of a board: a library with what runs it on a compiled-in clip, linked for the
board's own memory map."""

from __future__ import annotations

import hashlib
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from toolkit.boards import Board, board_folder, shared_folder
from toolkit.deploy.run import Run
from toolkit.emit import FirmwareProject, write_files
from toolkit.emit.c_text import comment_text, float_literal
from toolkit.emit.naming import named
from toolkit.errors import InputError
from toolkit.flash.image import ELF, FACTS, NOTE_SECTION, ImageFacts, OutputFacts, read_note
from toolkit.ir.labels import output_labels
from toolkit.measurement import Check, Measurement, Provenance
from toolkit.profiling.linked import Linked, read_linked
from toolkit.resources import data_dir, read_text, render
from toolkit.toolchain import find_toolchain
from toolkit.toolchain.base import BOARD_FOLDER

#: Applications that there are, the default first.
APPLICATIONS = ("clip", "realtime")
#: Room that the linker has behind the board's memories, so that the verdict is ours.
_SLACK_BYTES = 1 << 24
_PLAIN = ("board_counter.c", "board_print.c", "board_results.c", "board_results.h",
          "board_startup.c")  # fmt: skip
_NAMED = ("board_outputs.c", "board_outputs.h")
_VALUES_A_LINE = 16


@dataclass(frozen=True)
class _Output:
    """An output in board_model.c."""

    elements: int
    element_bytes: int
    size_bytes: int
    scale: str
    zero_point: int


@dataclass(frozen=True)
class _Context:
    """Everything that the templates of a board's application use."""

    board: Board
    source: str
    whats: tuple[str, ...]
    systick: bool
    slack_bytes: int
    stack_bytes: int
    name: str
    feeds: str
    has_clip_level: bool
    outputs: tuple[_Output, ...]
    labels: tuple[str, ...]
    origin: str
    values: int
    c_type: str
    lines: tuple[str, ...]
    period_ticks: int
    blocks_hops: int


@dataclass(frozen=True, eq=False)
class Application:
    """An application around the library of a finished run, for a board.

    ``kind`` is one of `APPLICATIONS`; a real-time one hears a block of ``block_hops`` hops every
    ``period_ticks`` of the board's clock (0: as long as the audio lasts).
    """

    run: Run
    project: FirmwareProject
    board: Board
    kind: str = "clip"
    block_hops: int = 1
    period_ticks: int = 0

    def __post_init__(self) -> None:
        if self.run.plan.continuous is not None:
            raise InputError(
                "--board: a continuous model has no end of a clip to run an application to.",
                hint="Leave out --hop-out.",
            )
        if self.kind != "clip" and self._feeds != "audio":
            raise InputError(f"the application '{self.kind}' needs a model that takes audio.")

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
            made = compiler.compile(Path(scratch), sources, self.run.target, folder, {})
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
    def _context(self) -> _Context:
        board, run = self.board, self.run
        values, c_type, origin = self._clip_values
        facts = self._output_facts
        scores = len(facts) == 1 and not facts[0].labels[0].startswith("output[")
        front_end = run.front_end
        return _Context(
            board=board,
            source=comment_text(board.source, 2000),
            whats=tuple(comment_text(one.what) for one in board.identities),
            systick=board.counter == "systick" or self.kind == "realtime",
            slack_bytes=_SLACK_BYTES,
            stack_bytes=run.target.stack_bytes,
            name=self.project.name,
            feeds=self._feeds,
            has_clip_level=front_end is not None and front_end.spec.level.mode == "clip",
            outputs=tuple(
                _Output(
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
            period_ticks=self.period_ticks or self._period_ticks,
            blocks_hops=self.block_hops,
        )

    @property
    def _period_ticks(self) -> int:
        """Ticks of the board's clock in which a block of audio arrives."""
        front_end = self.run.front_end
        if front_end is None:
            return 0
        spec = front_end.spec
        return self.board.clock_hz * spec.hop_samples * self.block_hops // spec.sample_rate_hz


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
    board = application.board
    return image_measurements(linked, board), image_checks(linked, board)


def image_measurements(linked: Linked, board: Board) -> tuple[Measurement, ...]:
    """Sizes of a board's image."""
    basis = f"linker map, {linked.toolchain}, application for board {board.name}"
    sizes = {
        "board_flash_bytes": linked.size.flash_bytes,
        "board_ram_static_bytes": linked.size.ram_static_bytes,
    }
    return tuple(
        Measurement(name, value, "B", Provenance.MEASURED, basis) for name, value in sizes.items()
    )


def image_checks(linked: Linked, board: Board) -> tuple[Check, ...]:
    """Whether an image fits the board, and whether it is laid out as its core wants it."""
    size = linked.size
    ram = size.ram_static_bytes + size.stack_reserved_bytes
    return (
        _fits("board_flash", "flash;", size.flash_bytes, board.flash.size_bytes, board),
        _fits("board_ram", "RAM, stack included;", ram, board.ram.size_bytes, board),
        _layout(linked, board),
    )


def _fits(name: str, what: str, used: int, available: int, board: Board) -> Check:
    over = used - available
    verdict = f"{over} B over" if over > 0 else f"{-over} B left"
    detail = f"the image takes {used} B of {what} board {board.name} has {available} B: {verdict}"
    return Check(name, over <= 0, detail)


def _layout(linked: Linked, board: Board) -> Check:
    """Sections inside the map (apart from how much fits), vector table, stack top, entry, note."""
    faults = list(_layout_faults(linked, board))
    detail = "; ".join(faults) or (
        f"vector table at 0x{board.vectors:08x}, stack top, entry and note as board "
        f"{board.name} wants them"
    )
    return Check("board_image", not faults, detail)


def _layout_faults(linked: Linked, board: Board) -> list[str]:
    elf, faults = linked.elf, []
    for section in elf.sections:
        if not any(r.origin <= section.address < r.end for r in (board.flash, board.ram)):
            faults.append(f"section {section.name} at 0x{section.address:08x} is outside the map")
    stack = next(section for section in elf.sections if section.name == ".stack")
    table_bytes = 4 * (16 + board.interrupts)
    try:
        table = elf.read(board.vectors, table_bytes)
    except ValueError:
        return [*faults, f"no vector table at 0x{board.vectors:08x}"]
    top, entry = (int.from_bytes(table[at : at + 4], "little") for at in (0, 4))
    alignment = max(128, 1 << (table_bytes - 1).bit_length())
    if board.vectors % alignment:
        faults.append(f"the vector table is not aligned to {alignment} B")
    if top != stack.address + stack.size_bytes or top % 8:
        faults.append(f"the stack begins at 0x{top:08x}, not at the end of its reservation")
    if entry != elf.entry | 1 or elf.function_at(elf.entry) is None:
        faults.append(f"the reset vector 0x{entry:08x} is not the entry 0x{elf.entry:08x}")
    try:
        if read_note(elf).board != board.name:
            faults.append(f"{NOTE_SECTION} is for another board")
    except ValueError as error:
        faults.append(str(error))
    return faults
