"""Which row is computed when, and how many rows each stage must keep, by playing the schedule.

A stage is a node that reads rows and makes ``group`` of them at a time, most stages one.  Once a
frame is in, every stage runs in graph order, as soon as the last input row that it needs is there
and at most as often as rows can come.  When the clip ends, passes follow in which rows behind the
last one count as padding, until nothing is left to compute.  Rows that are outputs are taken by the
caller before the next frame or pass.  The generated C does exactly this.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from toolkit.ir import Node
from toolkit.ops import OPERATORS
from toolkit.ops.kernels import PORTABLE, PORTABLE_ONLY, Variants, row_call
from toolkit.ops.parts.base import KernelCall, TimeBehaviour, view
from toolkit.ops.parts.rows import RowWindow, row_view
from toolkit.plan.time_axis import RowCount, TimeAxis

#: Rows of a clip that has not ended yet.
ENDLESS = 1 << 62


@dataclass(frozen=True, eq=False)
class Stage:
    """A node that reads rows.  Row counters are numbered: first the inputs', then the stages', in
    order.

    ``inputs`` are the counters whose rows it reads, ``count`` is how many rows it makes (a
    reduction: takes), ``macs`` what one of them costs.  It makes ``group`` rows at a time and runs
    at most ``runs`` times a pass.
    """

    number: int
    node: Node
    behaviour: TimeBehaviour
    window: RowWindow
    inputs: tuple[int, ...]
    count: RowCount
    call: KernelCall
    macs: int
    runs: int

    @property
    def group(self) -> int:
        return self.call.rows

    @property
    def taps(self) -> int:
        """Input rows that a group of output rows reads."""
        return self.window.taps + (self.group - 1) * self.window.stride

    @property
    def reduces(self) -> bool:
        return self.behaviour is TimeBehaviour.REDUCING

    @property
    def keeps(self) -> bool:
        """Whether what its kernel works in outlives a row: sums, or a state."""
        return self.behaviour in (TimeBehaviour.REDUCING, TimeBehaviour.RECURRENT)

    def first_needed(self, done: int) -> int:
        """Oldest input row still needed after ``done`` rows of output."""
        return max(0, done * self.window.stride - self.window.top)

    def is_ready(self, done: int, total: int, made: Sequence[int], totals: Sequence[int]) -> bool:
        """Whether the next rows can be computed."""
        seen = (done + self.group - 1) * self.window.stride + self.window.reach
        return done < total and all(made[i] >= min(seen, totals[i]) for i in self.inputs)


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


def find_stages(
    time: TimeAxis, variants: Variants = PORTABLE_ONLY
) -> tuple[tuple[Stage, ...], Mapping[str, int]]:
    """The stages in graph order, and the counter of every tensor with time; an alias shares its
    source's."""
    counters = {name: number for number, name in enumerate(time.inputs)}
    stages: list[Stage] = []
    rows_a_pass = [1 for _ in counters]
    for node in time.graph.nodes:
        behaviour = time.behaviours.get(node.name)
        if behaviour is None:
            continue
        reads = [name for name in node.inputs if name in counters]
        source = reads[0]
        assert source is not None
        operator, node_view = OPERATORS[node.op], view(time.graph, node)
        if operator.is_alias:
            counters[node.outputs[0]] = counters[source]
            continue
        reduces = behaviour is TimeBehaviour.REDUCING
        row = row_view(node_view, behaviour)
        number = len(rows_a_pass)
        window = time.window(node)
        call = row_call(row, behaviour, variants.get(node.name, PORTABLE))
        inputs = tuple(dict.fromkeys(counters[name] for name in reads if name is not None))
        runs = -(-max(rows_a_pass[i] for i in inputs) // (window.stride * call.rows))
        rows_a_pass.append(runs * call.rows)
        stages.append(
            Stage(
                number=number,
                node=node,
                behaviour=behaviour,
                window=window,
                inputs=inputs,
                count=time.counts[source if reduces else node.outputs[0]],
                call=call,
                macs=operator.work(row).macs,
                runs=runs,
            )
        )
        if not reduces:
            counters[node.outputs[0]] = number
    return tuple(stages), counters


def period_frames(stages: Sequence[Stage]) -> int:
    """Frames after which the same stages run again, in the long run."""
    return math.lcm(*(stage.count.step * stage.group for stage in stages))


def play(
    stages: Sequence[Stage], row_bytes: Sequence[int], min_frames: int, outputs: Sequence[int] = ()
) -> Trace:
    """Play the schedule until it repeats, ending the clip after every frame from ``min_frames`` on.

    ``row_bytes`` go by counter, ``outputs`` are the counters whose rows the caller takes.

    Readiness does not change when all counters move on by one period, so the first repetition
    proves that nothing new can follow.
    """
    player = _Player(stages, len(row_bytes), outputs)
    period = period_frames(stages)
    player.catch_up()
    history = [tuple(player.made)]
    bound, bound_bytes, delay = player.needed(), -1, 0
    delays = [0 for _ in outputs]
    runs: list[tuple[int, ...]] = []
    repeating_since: int | None = None
    while repeating_since is None or len(runs) < repeating_since + period:
        frame = len(runs) + 1
        player.take_frame()
        delay = max(delay, *(frame - player.made[s.number] * s.count.step for s in stages))
        runs.append(player.run_pass())
        delays = [max(d) for d in zip(delays, player.delays(), strict=True)]
        needed = player.needed()
        size = sum(n * b for n, b in zip(needed, row_bytes, strict=True))
        if size > bound_bytes:
            bound, bound_bytes = needed, size
        if frame >= min_frames:
            player.play_end(frame)
        history.append(tuple(player.made))
        if repeating_since is None and _repeats(stages, history, period):
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


def _repeats(stages: Sequence[Stage], history: list[tuple[int, ...]], period: int) -> bool:
    """Whether the last ``period`` frames moved every counter by a period, past front padding."""
    if len(history) <= period:
        return False
    before, now = history[-1 - period], history[-1]
    return all(
        now[s.number] - before[s.number] == period // s.count.step
        and before[s.number] * s.window.stride >= s.window.top
        for s in stages
    )


class _Player:
    """Counters of rows made, and the most rows ever needed at once; of ``outputs``, how many the
    caller has taken."""

    def __init__(self, stages: Sequence[Stage], counters: int, outputs: Sequence[int]) -> None:
        self._stages, self._outputs = stages, outputs
        self._inputs = range(counters - len(stages))
        self._steps = [1 for _ in self._inputs] + [s.count.step for s in stages]
        self._taken = dict.fromkeys(outputs, 0)
        self._readers = [[s for s in stages if i in s.inputs] for i in range(counters)]
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
        totals += [stage.count.rows(frames) for stage in self._stages]
        self._take_rows()
        while self.run_pass(totals):
            self._take_rows()
        assert self.made == totals, "every row is computed when a clip ends"
        self.made = made

    def run_pass(self, totals: Sequence[int] | None = None) -> tuple[int, ...]:
        """Let every stage run; return the counters that grew, once for every row."""
        totals = self._endless if totals is None else totals
        ran = []
        for stage in self._stages:
            number = stage.number
            for _ in range(stage.runs):
                if stage.is_ready(self.made[number], totals[number], self.made, totals):
                    rows = min(stage.group, totals[number] - self.made[number])
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
        return tuple(
            len(
                set(range(self._taken.get(number, made), made)).union(
                    *(
                        _rows_ahead(r, self.made[r.number], totals[r.number], made)
                        for r in self._readers[number]
                    )
                )
            )
            for number, made in enumerate(self.made)
        )


def _rows_ahead(stage: Stage, done: int, total: int, made: int) -> set[int]:
    """Rows made so far that output rows ``done`` .. ``total - 1`` read."""
    window = stage.window
    rows: set[int] = set()
    for out in range(done, total):
        first = out * window.stride - window.top
        if first >= made:
            break
        taps = (first + k * window.dilation for k in range(window.taps))
        rows.update(row for row in taps if 0 <= row < made)
    return rows
