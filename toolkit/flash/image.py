"""What `toolkit build --board` leaves for flashing: a linked image, its note, and what to expect.

The note in the ELF (``.note.toolkit``, boards/shared/board_note.c.jinja) says which board the image
is for and how its part is told from others.
"""

from __future__ import annotations

import hashlib
import json
import struct
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from toolkit.boards import Board, Identity, load_board
from toolkit.errors import InputError, ToolFailedError
from toolkit.toolchain.base import BOARD_FOLDER
from toolkit.toolchain.elf import ElfImage, read_elf

FACTS = "board.json"
ELF = "firmware.elf"
NOTE_SECTION = ".note.toolkit"
_NOTE_HEADER = struct.Struct("<3I8s32s32s")
_NOTE_NAME = b"TOOLKIT\0"


@dataclass(frozen=True)
class OutputFacts:
    """An output of the model: a value q of ``element_bytes`` stands for
    ``scale * (q - zero_point)``."""

    elements: int
    element_bytes: int
    scale: float
    zero_point: int
    labels: tuple[str, ...]

    def values(self, data: bytes) -> list[float]:
        """Real values of the bytes of this output."""
        size = self.element_bytes
        parts = (data[at : at + size] for at in range(0, len(data), size))
        found = (int.from_bytes(part, "little", signed=True) for part in parts)
        return [self.scale * (q - self.zero_point) for q in found]


@dataclass(frozen=True)
class ImageFacts:
    """What a build knows of its image.

    ``expected`` are the bytes of all outputs by the integer reference, in hexadecimal; ``cycles``
    those of the clip by the build's simulator (None: it counted none), and how they came about.
    """

    board: str
    model: str
    application: str
    elf_sha256: str
    clip: str
    audio_seconds: float
    expected: str
    outputs: tuple[OutputFacts, ...]
    cycles: int | None
    cycles_basis: str

    def to_json(self) -> str:
        """The text of board.json."""
        return json.dumps(asdict(self), indent=2) + "\n"

    @classmethod
    def from_json(cls, text: str) -> ImageFacts:
        """Read board.json; raises ValueError, KeyError or TypeError where it is none."""
        table: dict[str, Any] = json.loads(text)
        outputs = tuple(
            OutputFacts(**{**row, "labels": tuple(row["labels"])}) for row in table.pop("outputs")
        )
        return cls(outputs=outputs, **table)

    def predictions(self, data: bytes) -> Sequence[tuple[str, float]]:
        """Label and real value of all outputs, from their bytes."""
        rows: list[tuple[str, float]] = []
        for output in self.outputs:
            size = output.elements * output.element_bytes
            rows += zip(output.labels, output.values(data[:size]), strict=True)
            data = data[size:]
        return rows


@dataclass(frozen=True)
class Note:
    """Which board and part an image says it is for."""

    board: str
    part: str
    identities: tuple[tuple[int, int, int], ...]


@dataclass(frozen=True, eq=False)
class Image:
    """An image as it lies on disk, for ``board``."""

    path: Path
    facts: ImageFacts
    elf: ElfImage
    note: Note
    board: Board

    @property
    def identities(self) -> tuple[Identity, ...]:
        """What the part must answer: what the note says, in the board's words."""
        words: Mapping[tuple[int, int, int], str] = {
            (one.address, one.mask, one.value): one.what for one in self.board.identities
        }
        return tuple(
            Identity(words.get(key, f"word at 0x{key[0]:08x}"), *key)
            for key in self.note.identities
        )

    def symbol(self, name: str) -> tuple[int, int]:
        """Address and bytes of a function or an object; raises InputError where there is none."""
        for symbol in (*self.elf.functions, *self.elf.objects):
            if symbol.name == name:
                return symbol.address, symbol.size_bytes
        raise InputError(
            f"{self.path}: has no symbol '{name}'.",
            hint="Build the image again with `toolkit build --board`.",
        )


def read_image(folder: Path) -> Image:
    """The image that a build left in ``folder``.

    Raises InputError where there is none, where it is not the one that was linked there, where it
    is for another board than the folder says, or lies outside that board's flash.
    """
    home = folder / BOARD_FOLDER
    facts_path, path = home / FACTS, home / ELF
    if not facts_path.is_file():
        raise InputError(
            f"'{folder}' holds no image for a board.",
            hint="Build one: toolkit build MODEL --board BOARD --out DIR.",
        )
    try:
        facts = ImageFacts.from_json(facts_path.read_text(encoding="utf-8"))
        data = path.read_bytes()
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise InputError(
            f"{facts_path}: cannot be used: {error}.",
            hint="Build the image again with `toolkit build --board`.",
        ) from error
    if hashlib.sha256(data).hexdigest() != facts.elf_sha256:
        raise InputError(
            f"{path}: is not the image that was linked there; it is damaged or replaced.",
            hint="Build it again.",
        )
    board = load_board(facts.board)
    try:
        elf = read_elf(path)
        note = read_note(elf)
    except (ToolFailedError, ValueError) as error:
        raise InputError(
            f"{path}: {error}", hint="Build the image again with `toolkit build --board`."
        ) from error
    if note.board != board.name:
        raise InputError(
            f"{path}: is for board '{note.board}', not for '{board.name}'.",
            hint="Build it for that board, or flash the other one.",
        )
    require_inside(elf, board, path)
    return Image(path, facts, elf, note, board)


def read_note(elf: ElfImage) -> Note:
    """The note of an image; raises ValueError where it has none."""
    section = next((one for one in elf.sections if one.name == NOTE_SECTION), None)
    if section is None:
        raise ValueError(f"no {NOTE_SECTION}: this is no image for a board.")
    data = elf.read(section.address, section.size_bytes)
    _, content, _, name, board, part = _NOTE_HEADER.unpack_from(data)
    if name != _NOTE_NAME or content + 20 > len(data):
        raise ValueError(f"{NOTE_SECTION} is not the toolkit's.")
    rows = tuple(struct.iter_unpack("<3I", data[_NOTE_HEADER.size : content + 20]))
    identities = tuple((row[0], row[1], row[2]) for row in rows if row[1])
    return Note(_text(board), _text(part), identities)


def _text(data: bytes) -> str:
    return data.split(b"\0")[0].decode("ascii", "replace")


def require_inside(elf: ElfImage, board: Board, path: Path) -> None:
    """Raise InputError where an image would lie outside the board's memories."""
    for section in elf.sections:
        over = section.address + section.size_bytes - board.ram.end
        if section.address >= board.ram.origin and 0 < over < board.ram.size_bytes:
            raise InputError(
                f"{path}: does not fit the RAM of board '{board.name}', {over} B over.",
                hint="A misfit can be built and studied, not flashed.",
            )
    for load in elf.loads:
        over = load.load_address + len(load.data) - board.flash.end
        if load.load_address < board.flash.origin or over > 0:
            raise InputError(
                f"{path}: does not fit the flash of board '{board.name}', {over} B over."
                if over > 0
                else f"{path}: lies before the flash of board '{board.name}'.",
                hint="A misfit can be built and studied, not flashed.",
            )
