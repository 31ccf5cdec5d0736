"""Boards: where an image goes, how its part is told from others, and what programs it.

Read from ``firmware_templates/boards/<name>/board.toml``: one folder adds a board, nothing else has
to know it.  A board names its part, a target of `toolkit.targets`.
"""

from toolkit.boards.load import board_folder, list_boards, load_board, shared_folder
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

__all__ = [
    "COUNTERS",
    "Board",
    "Console",
    "Emulation",
    "Identity",
    "OpenocdProbe",
    "PyocdProbe",
    "TeensyProbe",
    "board_folder",
    "list_boards",
    "load_board",
    "shared_folder",
]
