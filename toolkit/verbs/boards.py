"""``toolkit boards``: the boards that images are built for, and the probes that are connected."""

from __future__ import annotations

from dataclasses import dataclass

from toolkit.boards import Board, list_boards, load_board
from toolkit.errors import ToolMissingError
from toolkit.flash.connected import Connected, connected_probes


@dataclass(frozen=True)
class BoardList:
    """All boards; the connected probes, or why none is known."""

    boards: tuple[Board, ...]
    probes: tuple[Connected, ...]
    unknown: str = ""


def boards() -> BoardList:
    """Look at the data, and through pyOCD at what is connected."""
    known = tuple(load_board(name) for name in list_boards())
    try:
        return BoardList(known, connected_probes())
    except ToolMissingError as error:
        return BoardList(known, (), str(error))
