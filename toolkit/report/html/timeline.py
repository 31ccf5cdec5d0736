"""The memory timeline: a rectangle a block, across the steps that need it, at its bytes."""

from __future__ import annotations

from dataclasses import dataclass

from toolkit.measurement import MemoryMap, MemoryRow

#: Smallest share of the height and of the width, in percent, that a number fits into.
_LABEL_HEIGHT, _LABEL_WIDTH = 4.5, 4.0
#: Width of a step below which the chart scrolls, in pixels.
_STEP_PIXELS = 14
TICKS = 4


@dataclass(frozen=True)
class Block:
    """A rectangle, all in percent; ``y`` counts from the top, byte 0 is at the bottom."""

    number: int
    row: MemoryRow
    begins: str
    ends: str
    x: float
    y: float
    width: float
    height: float
    labelled: bool


@dataclass(frozen=True)
class Timeline:
    """The blocks, the bytes alive in each step, and ticks as (percent from the top, bytes)."""

    memory: MemoryMap
    blocks: tuple[Block, ...]
    kinds: tuple[str, ...]
    ticks: tuple[tuple[float, int], ...]
    live_bytes: tuple[int, ...]
    min_width_px: int

    @property
    def peak_step(self) -> int:
        return self.live_bytes.index(max(self.live_bytes))

    @property
    def peak_blocks(self) -> list[Block]:
        """What is alive at the peak, largest first."""
        step = self.peak_step
        alive = [b for b in self.blocks if b.row.alive(step)]
        return sorted(alive, key=lambda b: (-b.row.size_bytes, b.number))


def timeline(memory: MemoryMap | None) -> Timeline | None:
    """The chart of a memory map; None without one."""
    if memory is None or not memory.rows:
        return None
    steps = max(row.last_step for row in memory.rows) + 1
    names = [*memory.steps, *[""] * (steps - len(memory.steps))]
    size = max(memory.size_bytes, *(row.offset_bytes + row.size_bytes for row in memory.rows))
    blocks = []
    for number, row in enumerate(memory.rows, 1):
        width = 100 * (row.last_step - row.first_step + 1) / steps
        height = 100 * row.size_bytes / size
        blocks.append(
            Block(
                number=number,
                row=row,
                begins=names[row.first_step],
                ends=names[row.last_step],
                x=100 * row.first_step / steps,
                y=100 - 100 * (row.offset_bytes + row.size_bytes) / size,
                width=width,
                height=height,
                labelled=height >= _LABEL_HEIGHT and width >= _LABEL_WIDTH,
            )
        )
    live = memory.used_bytes
    kinds = tuple(dict.fromkeys(row.kind for row in memory.rows))
    ticks = tuple((100 - 100 * i / TICKS, size * i // TICKS) for i in range(TICKS + 1))
    return Timeline(memory, tuple(blocks), kinds, ticks, live, steps * _STEP_PIXELS)
