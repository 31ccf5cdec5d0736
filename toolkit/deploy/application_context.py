"""What the templates of a board's application may say."""

from __future__ import annotations

from dataclasses import dataclass

from toolkit.boards import Board
from toolkit.targets import Memory


@dataclass(frozen=True)
class OutputText:
    """An output in board_model.c."""

    elements: int
    element_bytes: int
    size_bytes: int
    scale: str
    zero_point: int


@dataclass(frozen=True)
class ApplicationContext:
    """Everything that the templates of a board's application use."""

    board: Board
    source: str
    whats: tuple[str, ...]
    systick: bool
    slack_bytes: int
    hot_memory: Memory | None
    hot_in_ram: bool
    stack_bytes: int
    name: str
    kind: str
    core_flags: tuple[str, ...]
    feeds: str
    has_clip_level: bool
    outputs: tuple[OutputText, ...]
    labels: tuple[str, ...]
    origin: str
    values: int
    c_type: str
    lines: tuple[str, ...]
    realtime: bool
    ticks: int
    block_hops: int
