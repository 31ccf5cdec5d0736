"""Proves a stream plan by playing clips through it.

Every byte of the state carries the mark of the value last written to it.  Frames come in one at a
time, stages run when the generated C would run them, and each must find the very rows that its
operator reads in the batch model of that length, under their own marks.  The caller, who takes the
rows of outputs before the next frame, must find each intact, too.  At the end every layer must have
made exactly the batch model's rows, and the outputs must be intact.  Which rows those are it
finds by itself (`check_rows`); of the plan it takes the places, the order and what stages wait for,
and with the planner it shares what the operators say of their kernels' scratch.
"""

from __future__ import annotations

import itertools
import math

import numpy as np

from toolkit.errors import ToolkitError
from toolkit.ir import Graph, Node
from toolkit.ops import OPERATORS
from toolkit.ops.kernels import PORTABLE, kernel_call
from toolkit.ops.parts.base import TIME_AXIS, view
from toolkit.plan.check_rows import clip_graph, require_kept, rows_read
from toolkit.plan.stream import StreamPlan
from toolkit.plan.stream_schedule import Stage

#: Most lengths to play: the shortest clips, and clips long enough that everything repeats.
_SHORT, _LONG = 3, 4


def check_stream(graph: Graph, plan: StreamPlan) -> StreamPlan:
    """Return ``plan`` unchanged, or raise `ToolkitError` (internal) at its first violation."""
    if graph.outputs != plan.time.graph.outputs:
        raise ToolkitError("stream plan: it belongs to another graph.")
    period = math.lcm(*(stage.count.step * stage.group for stage in plan.stages))
    first = plan.min_frames
    looks_back = max(stage.window.span * stage.count.step for stage in plan.stages)
    steady = first + plan.delay_frames + looks_back + 2 * period
    lengths = {
        *range(first, first + _SHORT),
        *range(steady, steady + min(period, _LONG)),
    }
    for frames in sorted(lengths) if plan.any_length else [first]:
        ClipPlayer(plan, frames).play()
    return plan


class ClipPlayer:
    """One clip of ``frames`` frames; `continuous_check` has one without an end."""

    def __init__(self, plan: StreamPlan, frames: int) -> None:
        self._plan, self._frames = plan, frames
        streamed = {stage.node.name for stage in plan.stages} | plan.time.behaviours.keys()
        self._graph = clip_graph(plan.time.graph, streamed, frames)
        for stage in plan.reductions:
            require_kept(plan.time.graph, self._graph, stage.node.outputs[0])
        self._nodes = {node.name: node for node in self._graph.nodes}
        self._marks = np.zeros(plan.buffer_bytes, np.int64)
        self._fresh = itertools.count(1)
        self._mark_of: dict[tuple[str, int], int] = {}
        self._inputs = len(self._graph.inputs)
        self._reductions = {stage.node.name for stage in plan.reductions}
        self._made = [0] * (self._inputs + len(plan.stages))
        self._counter_of = self._counters()
        self._taken = [0 for _ in plan.time.row_outputs]

    def play(self) -> None:
        plan = self._plan
        for stage in plan.reductions:
            self._write(self._sums_key(stage), self._sums(stage))
        while self._pass(None):
            pass
        for frame in range(self._frames):
            self._take_rows()
            self._take_frame(frame)
            self._pass(None)
        self._take_rows()
        totals = [self._frames] * self._inputs + [self._total(stage) for stage in plan.stages]
        while self._pass(totals):
            self._take_rows()
        if self._made != totals:
            raise ToolkitError(
                f"stream plan: after {self._frames} frames its stages must have made {totals} "
                f"rows; got {self._made}."
            )
        wanted = [self._rows(output.rows) for output in plan.time.row_outputs]
        if self._taken != wanted:
            raise ToolkitError(
                f"stream plan: after {self._frames} frames its outputs must have given {wanted} "
                f"rows; got {self._taken}."
            )
        self._finish()

    def _take_frame(self, frame: int) -> None:
        for number, entry in enumerate(self._graph.inputs):
            self._write((self._owner(entry), frame), self._row(entry, frame))
            self._made[number] += 1

    def _take_rows(self) -> None:
        """The caller reads the rows of every output that came since it last did."""
        for place, output in enumerate(self._plan.time.row_outputs):
            made = self._made[self._counter_of[output.rows]]
            for row in range(self._taken[place], made):
                self._read(
                    (self._owner(output.rows), row), self._row(output.rows, row), "the caller"
                )
            self._taken[place] = made

    def _pass(self, totals: list[int] | None) -> int:
        """Every stage as often as it may run and is due; how often any did."""
        ran = 0
        for stage in self._plan.stages:
            for _ in range(stage.runs):
                if self._is_due(stage, totals):
                    done = self._made[stage.number]
                    end = done + stage.group
                    end = end if totals is None else min(end, totals[stage.number])
                    self._run(stage, range(done, end))
                    self._made[stage.number] = end
                    ran += 1
        return ran

    def _is_due(self, stage: Stage, totals: list[int] | None) -> bool:
        """What the generated condition says."""
        done, window = self._made[stage.number], stage.window
        if totals is not None and done == totals[stage.number]:
            return False
        span = (window.taps - 1) * window.dilation + 1 + (stage.group - 1) * window.stride
        needed = done * window.stride - window.top + span
        return all(
            needed <= self._made[i] or (totals is not None and self._made[i] == totals[i])
            for i in stage.inputs
        )

    def _run(self, stage: Stage, rows: range) -> None:
        node = self._nodes[stage.node.name]
        label = f"row {rows[0]} of {node.name!r}"
        reads = [name for name in node.inputs if name is not None and name in self._counter_of]
        if stage.reduces:
            self._read(self._sums_key(stage), self._sums(stage), label)
        elif stage.call.scratch_bytes:
            place = self._range(self._plan.offset("scratch", node.name), stage.call.scratch_bytes)
            self._write(("scratch", stage.number), place)
        if not stage.reduces:
            output = node.outputs[0]
            for made in rows:
                self._write((self._owner(output), made), self._row(output, made))
        for name in reads:
            for read in sorted({r for made in rows for r in self._rows_read(node, name, made)}):
                if read >= self._made[self._counter_of[name]]:
                    raise ToolkitError(f"stream plan: {label} needs row {read} of {name!r} early.")
                self._read((self._owner(name), read), self._row(name, read), label)
        if stage.call.scratch_bytes and not stage.reduces:
            self._read(("scratch", stage.number), place, label)

    def _rows_read(self, node: Node, name: str, row: int) -> list[int]:
        """Rows of ``name`` inside the clip that output row ``row`` of the batch model reads."""
        if node.name in self._reductions:
            return [row]
        return rows_read(node, row, self._rows(name))

    def _finish(self) -> None:
        for stage in self._plan.reductions:
            output = stage.node.outputs[0]
            self._write((output, 0), self._tensor(output))
            self._read(self._sums_key(stage), self._sums(stage), f"end of {stage.node.name!r}")
        for name in self._plan.time.collected:
            self._collect(name)
        self._run_tail()

    def _collect(self, name: str) -> None:
        """All rows of a tensor lie one behind the other, and become the tensor."""
        whole, rows = self._tensor(name), range(self._rows(name))
        size = _row_bytes(self._graph, name)
        for row, start in zip(rows, range(whole.start, whole.stop, size), strict=True):
            if self._row(name, row).start != start:
                raise ToolkitError(
                    f"stream plan: row {row} of {name!r} must lie at {start}; "
                    f"got {self._row(name, row).start}."
                )
            self._read((self._owner(name), row), self._row(name, row), "what cannot stream")
        self._write((name, 0), whole)

    def _run_tail(self) -> None:
        """The nodes behind the reductions."""
        plan, tail = self._plan, self._plan.finish_graph
        for node in tail.nodes:
            operator, label = OPERATORS[node.op], f"node {node.name!r}"
            reads = [n for n in node.inputs if n is not None and not tail.tensors[n].is_constant]
            if operator.is_alias:
                if self._tensor(reads[0]) != self._tensor(node.outputs[0]):
                    raise ToolkitError(f"stream plan: {label} must leave its input where it is.")
                self._mark_of[node.outputs[0], 0] = self._mark_of[reads[0], 0]
                continue
            scratch = kernel_call(
                view(tail, node), plan.variants.get(node.name, PORTABLE)
            ).scratch_bytes
            if scratch:
                place = self._range(plan.offset("scratch", node.name), scratch)
                self._write(("tail scratch", 0), place)
            for name in node.outputs:
                self._write((name, 0), self._tensor(name))
            for name in reads:
                self._read((name, 0), self._tensor(name), label)
        for name in tail.outputs:
            self._read((name, 0), self._tensor(name), "the caller")

    # --- places -----------------------------------------------------------------------------------
    def _counters(self) -> dict[str, int]:
        """Which counter's ring holds a tensor."""
        numbers = {stage.node.name: stage.number for stage in self._plan.stages}
        counters = {name: number for number, name in enumerate(self._graph.inputs)}
        for node in self._graph.nodes:
            if node.name in numbers:
                if node.name not in self._reductions:
                    counters[node.outputs[0]] = numbers[node.name]
            elif OPERATORS[node.op].is_alias and node.inputs[0] in counters:
                counters[node.outputs[0]] = counters[node.inputs[0]]
        return counters

    def _owner(self, tensor: str) -> str:
        """The same for a tensor and its aliases."""
        return f"counter {self._counter_of[tensor]}"

    def _total(self, stage: Stage) -> int:
        node = self._nodes[stage.node.name]
        tensor = node.inputs[0] if stage.reduces else node.outputs[0]
        assert tensor is not None
        return self._rows(tensor)

    def _rows(self, tensor: str) -> int:
        return self._graph.tensors[tensor].shape[TIME_AXIS]

    def _row(self, tensor: str, row: int) -> slice:
        ring = self._plan.rings[self._counter_of[tensor]]
        assert ring is not None
        size = _row_bytes(self._graph, tensor)
        if ring.row_bytes != size:
            raise ToolkitError(
                f"stream plan: a row of {tensor!r} has {size} B; got {ring.row_bytes}."
            )
        return self._range(ring.offset_bytes + row % ring.rows * size, size, ring.offset_bytes)

    def _sums_key(self, stage: Stage) -> tuple[str, int]:
        return "sums", stage.number

    def _sums(self, stage: Stage) -> slice:
        return self._range(self._plan.offset("sums", stage.node.name), stage.call.scratch_bytes)

    def _tensor(self, name: str) -> slice:
        size = self._plan.finish_graph.tensors[name].size_bytes
        return self._range(self._plan.tensor_offsets[name], size)

    def _range(self, offset: int, size: int, aligned: int | None = None) -> slice:
        start = offset if aligned is None else aligned
        if start % 8 or offset < 0 or offset + size > self._plan.buffer_bytes:
            raise ToolkitError(
                f"stream plan: a buffer must begin at a multiple of 8 in "
                f"0..{self._plan.buffer_bytes}; got {offset}..{offset + size}."
            )
        return slice(offset, offset + size)

    def _write(self, key: tuple[str, int], where: slice) -> None:
        self._mark_of[key] = mark = next(self._fresh)
        self._marks[where] = mark

    def _read(self, key: tuple[str, int], where: slice, reader: str) -> None:
        if (self._marks[where] != self._mark_of[key]).any():
            raise ToolkitError(
                f"stream plan: {key[0]} {key[1]} is overwritten before {reader} is done with it "
                f"({self._frames} frames)."
            )


def _row_bytes(graph: Graph, tensor: str) -> int:
    found = graph.tensors[tensor]
    return found.size_bytes // found.shape[TIME_AXIS]
