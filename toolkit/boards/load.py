"""Reads boards from their TOML files."""

from __future__ import annotations

import difflib
import tomllib
from functools import cache
from pathlib import Path
from typing import Any

from toolkit.boards.model import (
    COUNTERS,
    Board,
    Console,
    Emulation,
    Identity,
    OpenocdProbe,
    PyocdProbe,
    TeensyProbe,
)
from toolkit.errors import InputError
from toolkit.resources import data_dir
from toolkit.targets import Region, Target, load_target

_WORD = 1 << 32
#: Longest name of a board or part, with the zero behind it, in the note of an image.
_NAME_BYTES = 32


def boards_dir() -> Path:
    """Return the folder that holds one folder a board."""
    return data_dir("firmware_templates") / "boards"


def shared_folder() -> Path:
    """Return the folder of what all boards share."""
    return boards_dir() / "shared"


def board_folder(name: str) -> Path:
    """Return the folder of the board called ``name``."""
    return boards_dir() / name


def list_boards() -> tuple[str, ...]:
    """Return the names of all boards, sorted."""
    return tuple(sorted(path.parent.name for path in boards_dir().glob("*/board.toml")))


@cache
def load_board(name: str) -> Board:
    """Return the board called ``name``.

    Raises InputError, with the nearest names, when there is none or its file is wrong.
    """
    names = list_boards()
    if name not in names:
        near = difflib.get_close_matches(name, names, n=1, cutoff=0.4)
        meant = f"Did you mean '{near[0]}'? " if near else ""
        known = f"Known boards: {', '.join(names)}."
        raise InputError(f"unknown board '{name}'.", hint=f"{meant}{known}")
    path = board_folder(name) / "board.toml"
    try:
        board = parse_board(tomllib.loads(path.read_text(encoding="utf-8")))
        if board.name != name:
            raise ValueError(f"name must equal the folder '{name}', found '{board.name}'")
        require_sound(board, load_target(board.target))
    except (OSError, TypeError, KeyError, ValueError) as error:
        raise InputError(
            f"board '{name}': board.toml cannot be used: {_said(error)}.",
            hint="Correct the file; another board's is an example.",
        ) from error
    return board


def _said(error: Exception) -> str:
    return f"{error} is missing" if isinstance(error, KeyError) else str(error)


def parse_board(table: dict[str, Any]) -> Board:
    """Build a Board from a parsed ``board.toml``; unknown and missing keys raise TypeError or
    KeyError, wrong values ValueError."""
    rest = dict(table)
    memory = rest.pop("memory")
    sections: dict[str, Any] = {
        key: kind(**rest.pop(key))
        for key, kind in (
            ("console", Console),
            ("qemu", Emulation),
            ("pyocd", PyocdProbe),
            ("teensy", TeensyProbe),
        )
        if key in rest
    }
    if "openocd" in rest:
        row = rest.pop("openocd")
        sections["openocd"] = OpenocdProbe(**{**row, "configs": tuple(row["configs"])})
    identities = tuple(Identity(**row) for row in rest.pop("identify", ()))
    return Board(
        flash=Region(**memory.pop("flash")),
        ram=Region(**memory.pop("ram")),
        identities=identities,
        **memory,
        **sections,
        **rest,
    )


def require_sound(board: Board, target: Target) -> None:
    """Raise ValueError where a board contradicts itself or its part."""
    for text in (board.name, board.target):
        _require_plain(text)
    if board.counter not in COUNTERS:
        raise ValueError(f"counter must be one of {', '.join(COUNTERS)}, found '{board.counter}'")
    if not board.source:
        raise ValueError("source must name the documents")
    if not board.probes:
        raise ValueError("nothing programs it: give [qemu], [pyocd], [openocd] or [teensy]")
    if not (shared_folder() / "console" / f"console_{board.console.kind}.c").is_file():
        raise ValueError(f"there is no console '{board.console.kind}'")
    for one in board.identities:
        _require_masked_word(one)
    if not board.simulated:
        _require_the_part_s(board, target)
    elif board.qemu is None:
        raise ValueError("a simulated board needs [qemu]")


def _require_plain(name: str) -> None:
    if not name.isascii() or not 0 < len(name) < _NAME_BYTES or set('"\\\n') & set(name):
        raise ValueError(f"'{name}' is no name of 1 to {_NAME_BYTES - 1} plain characters")


def _require_masked_word(identity: Identity) -> None:
    value, mask = identity.value, identity.mask
    if identity.address % 4 or not 0 <= value & mask == value < _WORD:
        raise ValueError(f"identity '{identity.what}': no aligned word under its mask")


def _require_the_part_s(board: Board, target: Target) -> None:
    """Raise ValueError where the clock or a region is not what the part has."""
    if board.clock_hz != target.clock_hz:
        raise ValueError(f"clock_hz is {board.clock_hz}, that of {target.name} {target.clock_hz}")
    for region in (board.flash, board.ram):
        if not any(
            memory.origin <= region.origin and region.end <= memory.origin + memory.size_bytes
            for memory in target.memories
        ):
            raise ValueError(f"0x{region.origin:08x} lies outside the memories of {target.name}")
