"""A firmware that hears audio as it arrives: what its double buffer loses at which clock.

The model: blocks arrive at equal times; the buffer holds two, the one in work among them; a block
that finds both halves taken is lost (boards/shared/application_realtime.c does the same).  Service
times are the cycles of the pushes in a block, from a simulation, divided by the clock.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass

HALVES = 2
#: How near the least clock is found, and what it is looked for up to, as a multiple of the mean.
_NEAR, _MOST = 1e-4, 64.0


@dataclass(frozen=True)
class Queue:
    """Blocks lost, and the least time that was left when a block was done before its half was
    needed again, as a part of a block's length (0 or less where blocks were lost)."""

    overruns: int
    margin: float


@dataclass(frozen=True)
class Trace:
    """What every hop of a clip costs, features included, in cycles; ``hop_s`` is its length in
    seconds and ``block_hops`` are handed over at once."""

    hops: tuple[int, ...]
    hop_s: float
    block_hops: int

    @property
    def blocks(self) -> tuple[int, ...]:
        """Cycles of every block."""
        step = self.block_hops
        return tuple(sum(self.hops[at : at + step]) for at in range(0, len(self.hops), step))

    @property
    def mean_clock_hz(self) -> float:
        """The clock at which the core is busy all the time, on average."""
        return sum(self.hops) / (len(self.hops) * self.hop_s)

    def at_clock(self, clock_hz: float) -> Queue:
        """What the double buffer loses at a clock."""
        return queue(self.blocks, clock_hz * self.hop_s * self.block_hops)

    def clock_needed_hz(self) -> float:
        """The least clock at which no block is lost, and at which none would be of endless audio
        of the same kind."""
        low, high = 0.0, _MOST * self.mean_clock_hz
        while high - low > _NEAR * high:
            middle = (low + high) / 2
            low, high = (middle, high) if self.at_clock(middle).overruns else (low, middle)
        return max(high, self.mean_clock_hz)


def queue(services: Sequence[float], period: float) -> Queue:
    """Blocks that take ``services`` to push, one arriving every ``period``, of the same unit."""
    ends: deque[float] = deque()
    overruns, margin, free_at = 0, float(HALVES), 0.0
    for number, service in enumerate(services, start=1):
        now = number * period
        while ends and ends[0] <= now:
            ends.popleft()
        if len(ends) == HALVES:
            overruns += 1
            continue
        free_at = max(free_at, now) + service
        ends.append(free_at)
        margin = min(margin, (now + HALVES * period - free_at) / period)
    return Queue(overruns, min(margin, 0.0) if overruns else margin)
