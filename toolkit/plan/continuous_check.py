"""Proves a continuous plan by playing it, as `stream_check` does for clips.

Marks follow every byte over a front, a whole window and more.  That row counters may go back is
proved by arithmetic: whether a row is due, and which rows it reads, depends on differences of
counters only, and the step back is a whole number of turns of every ring.
"""

from __future__ import annotations

import math

from toolkit.errors import ToolkitError
from toolkit.ir import Graph
from toolkit.plan.continuous import ContinuousPlan
from toolkit.plan.stream_check import ClipPlayer
from toolkit.plan.stream_schedule import Stage


def check_continuous(graph: Graph, plan: ContinuousPlan) -> ContinuousPlan:
    """Return ``plan`` unchanged, or raise `ToolkitError` (internal) at its first violation."""
    if graph.outputs != plan.stream.time.graph.outputs:
        raise ToolkitError("continuous plan: it belongs to another graph.")
    _check_turns(plan)
    # Nothing but where blocks end depends on the hop: the shortest one shows all there is.
    _EndlessPlayer(plan, math.lcm(*(stage.count.step for stage in plan.stream.stages))).play()
    return plan


def _check_turns(plan: ContinuousPlan) -> None:
    stages, rings = plan.stream.stages, plan.stream.rings
    steps = [1] * len(plan.graph.inputs) + [stage.count.step for stage in stages]
    blocks = {stage.number for stage in plan.stream.reductions}
    for number, (ring, step) in enumerate(zip(rings, steps, strict=True)):
        rows = 1 if ring is None or number in blocks else ring.rows
        if plan.period_frames % (step * rows):
            raise ToolkitError(
                f"continuous plan: {plan.period_frames} frames must be whole turns of ring "
                f"{number}, {rows} rows of {step} frames."
            )


class _EndlessPlayer(ClipPlayer):
    """Endless audio, with an output every ``hop_frames`` frames."""

    def __init__(self, plan: ContinuousPlan, hop_frames: int) -> None:
        frames = plan.settled_frames + plan.delay_frames + (plan.blocks + 2) * hop_frames
        super().__init__(plan.stream, max(frames, plan.stream.min_frames))
        self._continuous, self._hop_frames, self._hops = plan, hop_frames, 0
        self._history: list[list[int]] = []

    def play(self) -> None:
        plan = self._plan
        self._begin_block()
        self._begin_states()
        while self._pass(None):
            pass
        self._history = [list(self._made)]
        for frame in range(self._frames):
            self._take_frame(frame)
            self._pass(None)
            self._check_settled(frame + 1)
            if (frame + 1) % self._hop_frames == 0:
                self._conclude()
                self._begin_block()
            if self._hops:
                for name in plan.finish_graph.outputs:
                    self._read((name, 0), self._tensor(name), "the caller")

    def _check_settled(self, frames: int) -> None:
        """From ``settled_frames`` on no row reads front padding, and every counter grows evenly."""
        self._history.append(list(self._made))
        stages, settled = self._plan.stages, self._continuous.settled_frames
        turn = math.lcm(*(stage.count.step * stage.group for stage in stages))
        if frames < settled + turn:
            return
        before, now = self._history[frames - turn], self._made
        for stage in stages:
            done, label = before[stage.number], f"continuous plan: {stage.node.name!r}"
            if now[stage.number] - done != turn // stage.count.step:
                raise ToolkitError(f"{label} must make rows evenly after {settled} frames.")
            if done * stage.window.stride < stage.window.top:
                raise ToolkitError(f"{label} must be past its padding after {settled} frames.")

    def _begin_block(self) -> None:
        for stage in self._plan.reductions:
            self._write(self._sums_key(stage), self._sums(stage))

    def _conclude(self) -> None:
        """Merge the blocks of the window and run what lies behind the reductions."""
        hops = range(max(0, self._hops + 1 - self._continuous.blocks), self._hops + 1)
        for stage in self._plan.reductions:
            merged = self._range(
                self._plan.offset("sums", stage.node.name), stage.call.scratch_bytes
            )
            self._write(("sums", stage.number), merged)
            for hop in hops:
                self._read(self._key(stage, hop), self._block(stage, hop), "its merging")
            output = stage.node.outputs[0]
            self._write((output, 0), self._tensor(output))
            self._read(("sums", stage.number), merged, f"end of {stage.node.name!r}")
        self._run_tail()
        self._hops += 1

    def _sums_key(self, stage: Stage) -> tuple[str, int]:
        return self._key(stage, self._hops)

    @staticmethod
    def _key(stage: Stage, hop: int) -> tuple[str, int]:
        return f"block of {stage.node.name!r}", hop

    def _sums(self, stage: Stage) -> slice:
        """Where rows are added: the block being filled."""
        return self._block(stage, self._hops)

    def _block(self, stage: Stage, hop: int) -> slice:
        ring = self._plan.rings[stage.number]
        assert ring is not None
        if ring.rows != self._continuous.blocks or ring.row_bytes < stage.call.scratch_bytes:
            raise ToolkitError(f"continuous plan: {stage.node.name!r} lacks room for its blocks.")
        offset = ring.offset_bytes + hop % ring.rows * ring.row_bytes
        return self._range(offset, stage.call.scratch_bytes)
