"""Which row is computed when, and how many rows each stage must keep, by playing the schedule of
`stream_schedule`."""

from __future__ import annotations

import math
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from functools import lru_cache

from toolkit.ops.parts.rows import RowWindow
from toolkit.plan.time_axis import RowCount

#: Rows of a clip that has not ended yet.
ENDLESS = 1 << 62


@dataclass(frozen=True)
class Move:
    """All of a stage that decides when it runs; its fields are the `Stage`'s."""

    number: int
    window: RowWindow
    inputs: tuple[int, ...]
    count: RowCount
    group: int
    runs: int

    def first_needed(self, done: int) -> int:
        """Oldest input row still needed after ``done`` rows of output."""
        return max(0, done * self.window.stride - self.window.top)

    def is_ready(self, done: int, total: int, made: Sequence[int], totals: Sequence[int]) -> bool:
        """Whether the next rows can be computed."""
        if done >= total:
            return False
        seen = (done + self.group - 1) * self.window.stride + self.window.reach
        return all(made[i] >= min(seen, totals[i]) for i in self.inputs)


@dataclass(frozen=True)
class Trace:
    """What playing the schedule showed.

    ``capacity`` is the rows each counter's ring must hold, ``remembered`` the most of them still
    needed when a pass ends; ``lower_bound_rows`` the rows needed between two frames, at the frame
    where their bytes are most.  ``rows_made`` are the counters that grow on each frame of one
    period, in the long run, once for every row; ``delay_frames`` is how many frames the last stage
    lags behind, at most.  ``output_delays`` says it for each output that has time: row r, one of
    every k frames, is there once frame r * k + delay is in.
    """

    capacity: tuple[int, ...]
    remembered: tuple[int, ...]
    lower_bound_rows: tuple[int, ...]
    rows_made: tuple[tuple[int, ...], ...]
    delay_frames: int
    output_delays: tuple[int, ...] = ()


def period_frames(moves: Sequence[Move]) -> int:
    """Frames after which the same stages run again, in the long run."""
    return math.lcm(*(move.count.step * move.group for move in moves))


@lru_cache(maxsize=64)
def play(
    moves: tuple[Move, ...],
    row_bytes: tuple[int, ...],
    min_frames: int,
    outputs: tuple[int, ...] = (),
) -> Trace:
    """Play the schedule until it repeats, ending the clip after every frame from ``min_frames`` on.

    ``row_bytes`` go by counter, ``outputs`` are the counters whose rows the caller takes.

    Readiness does not change when all counters move on by one period, so the first repetition
    proves that nothing new can follow.
    """
    player = _Player(moves, len(row_bytes), outputs)
    period = period_frames(moves)
    player.catch_up()
    history = [tuple(player.made)]
    bound, bound_bytes, delay = player.needed(), -1, 0
    delays = [0 for _ in outputs]
    runs: list[tuple[int, ...]] = []
    repeating_since: int | None = None
    while repeating_since is None or len(runs) < repeating_since + period:
        frame = len(runs) + 1
        player.take_frame()
        delay = max(delay, *(frame - player.made[s.number] * s.count.step for s in moves))
        runs.append(player.run_pass())
        delays = [max(d) for d in zip(delays, player.delays(), strict=True)]
        needed = player.needed()
        size = sum(n * b for n, b in zip(needed, row_bytes, strict=True))
        if size > bound_bytes:
            bound, bound_bytes = needed, size
        if frame >= min_frames:
            player.play_end(frame)
        history.append(tuple(player.made))
        if repeating_since is None and _repeats(moves, history, period):
            repeating_since = frame
            delay = 0
    return Trace(
        capacity=tuple(player.capacity),
        remembered=tuple(player.remembered),
        lower_bound_rows=bound,
        rows_made=tuple(runs[-period:]),
        delay_frames=delay,
        output_delays=tuple(delays),
    )


def _repeats(moves: Sequence[Move], history: list[tuple[int, ...]], period: int) -> bool:
    """Whether the last ``period`` frames moved every counter by a period, past front padding."""
    if len(history) <= period:
        return False
    before, now = history[-1 - period], history[-1]
    return all(
        now[s.number] - before[s.number] == period // s.count.step
        and before[s.number] * s.window.stride >= s.window.top
        for s in moves
    )


class _Player:
    """Counters of rows made, and the most rows ever needed at once; of ``outputs``, how many the
    caller has taken."""

    def __init__(self, moves: Sequence[Move], counters: int, outputs: Sequence[int]) -> None:
        self._moves, self._outputs = moves, outputs
        self._inputs = range(counters - len(moves))
        self._steps = [1 for _ in self._inputs] + [s.count.step for s in moves]
        self._taken = dict.fromkeys(outputs, 0)
        self._readers: list[list[Move]] = [[] for _ in range(counters)]
        for move in moves:
            for number in set(move.inputs):
                self._readers[number].append(move)
        self._endless = [ENDLESS] * counters
        self.made = [0] * counters
        self.capacity = [1] * counters
        self.remembered = [0] * counters

    def catch_up(self) -> None:
        """Passes before the first frame: padding that is a row of its own."""
        while self.run_pass():
            pass

    def take_frame(self) -> None:
        """The caller takes what rows there are, and gives a frame."""
        self._take_rows()
        for number in self._inputs:
            self.made[number] += 1
            self.note_write(number)

    def _take_rows(self) -> None:
        self._taken = {number: self.made[number] for number in self._outputs}

    def delays(self) -> list[int]:
        """By how many frames the first row of each output that has not been taken is late now that
        it is there; 0 where there is none."""
        frames = self.made[0]
        return [
            frames - 1 - self._taken[n] * self._steps[n] if self._taken[n] < self.made[n] else 0
            for n in self._outputs
        ]

    def play_end(self, frames: int) -> None:
        """End the clip here, note the rows that are needed, and return to this frame."""
        made = list(self.made)
        totals = [frames for _ in self._inputs]
        totals += [move.count.rows(frames) for move in self._moves]
        self._take_rows()
        while self.run_pass(totals):
            self._take_rows()
        assert self.made == totals, "every row is computed when a clip ends"
        self.made = made

    def run_pass(self, totals: Sequence[int] | None = None) -> tuple[int, ...]:
        """Let every stage run; return the counters that grew, once for every row."""
        totals = self._endless if totals is None else totals
        ran = []
        for move in self._moves:
            number = move.number
            for _ in range(move.runs):
                if move.is_ready(self.made[number], totals[number], self.made, totals):
                    rows = min(move.group, totals[number] - self.made[number])
                    self.made[number] += rows
                    self.note_write(number)
                    ran += [number] * rows
        for number, rows in enumerate(self.needed(totals)):
            self.remembered[number] = max(self.remembered[number], rows)
        return tuple(ran)

    def note_write(self, number: int) -> None:
        """A row was written: nobody may still need the one that lay there."""
        readers = self._readers[number]
        oldest = min((r.first_needed(self.made[r.number]) for r in readers), default=ENDLESS)
        oldest = min(oldest, self._taken.get(number, ENDLESS))
        self.capacity[number] = max(self.capacity[number], self.made[number] - oldest)

    def needed(self, totals: Sequence[int] | None = None) -> tuple[int, ...]:
        """Rows of each counter that a stage or the caller will still read."""
        totals = self._endless if totals is None else totals
        found = []
        for number, made in enumerate(self.made):
            parts: list[Collection[int]] = [
                _rows_ahead(r, self.made[r.number], totals[r.number], made)
                for r in self._readers[number]
            ]
            if number in self._taken:
                parts.append(range(self._taken[number], made))
            found.append(len(parts[0]) if len(parts) == 1 else len(set().union(*parts)))
        return tuple(found)


def _rows_ahead(move: Move, done: int, total: int, made: int) -> Collection[int]:
    """Rows made so far that output rows ``done`` .. ``total - 1`` read."""
    window = move.window
    last = min(total - 1, (made - 1 + window.top) // window.stride)  # the last that reads any
    first = done * window.stride - window.top
    if window.dilation == 1 and window.stride <= window.taps:
        end = last * window.stride - window.top + window.taps if last >= done else first
        return range(max(first, 0), min(end, made))
    taps = range(0, window.span, window.dilation)
    starts = range(first, last * window.stride - window.top + 1, window.stride)
    return {row for start in starts for row in (start + tap for tap in taps) if 0 <= row < made}
