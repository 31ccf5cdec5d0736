"""Counts of a simulated run, and the cycles that the core's timing table and the part's memory make
of them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

from toolkit.measurement import Issue
from toolkit.profiling.cycles import CycleEstimate, CycleModel, Stalls, load_cycle_table
from toolkit.profiling.memory import memory_basis, memory_issue
from toolkit.simulate import SimulationResult
from toolkit.simulate.counts import INTERVALS_APART
from toolkit.targets import Target
from toolkit.toolchain.elf import ElfImage


class LayerCycles(NamedTuple):
    """What a layer cost, what it calls included; ``cycles`` include ``stalls``."""

    instructions: int
    cycles: int
    stalls: Stalls


@dataclass(frozen=True, eq=False)
class Timing:
    """A run of the firmware ``elf`` on ``target``; of a run on the workstation nothing is known
    (``is_counted`` is False).

    Cycles are those of the core, and of its memory where that was watched: under its slowest
    setting, for features and model together.
    """

    elf: ElfImage
    result: SimulationResult
    target: Target

    @property
    def is_counted(self) -> bool:
        return bool(self.result.intervals)

    @cached_property
    def _model(self) -> CycleModel:
        return CycleModel(self.elf, load_cycle_table(self.target))

    @property
    def basis(self) -> str:
        """How the cycles came about."""
        return f"{self.core_basis}; {memory_basis(self.result, self.target, self.setting)}"

    @property
    def core_basis(self) -> str:
        """How the cycles of the core alone came about."""
        return self._model.basis(self.result.simulator)

    @property
    def issues(self) -> tuple[Issue, ...]:
        """What the cycles rest on; nothing where there are none."""
        if not self.is_counted:
            return ()
        return (memory_issue(self.target, self.setting is not None),)

    @cached_property
    def setting(self) -> int | None:
        """The setting of the memory under which the core waits longest; None where none was
        watched."""
        waiting = self._waiting
        return waiting.index(max(waiting)) if waiting else None

    @property
    def spread(self) -> int:
        """Cycles that the fastest setting of the memory saves against the slowest."""
        return max(self._waiting) - min(self._waiting) if self._waiting else 0

    @property
    def fastest_basis(self) -> str:
        """How the cycles under the fastest setting came about."""
        waiting = self._waiting
        setting = waiting.index(min(waiting)) if waiting else None
        return f"{self.core_basis}; {memory_basis(self.result, self.target, setting)}"

    @cached_property
    def _waiting(self) -> list[int]:
        """Cycles waited by features and model, by setting."""
        phases = [self.result.phase(name) for name in ("features", "model")]
        return [
            sum(self._model.stalls(phase, setting).cycles for phase in phases)
            for setting in range(len(self.result.memory))
        ]

    @cached_property
    def phases(self) -> Mapping[str, CycleEstimate]:
        """All that ran in the phases ``features`` and ``model``."""
        return {
            name: self._model.estimate(self.result.phase(name), self.setting)
            for name in ("features", "model")
        }

    @cached_property
    def layers(self) -> Mapping[str, LayerCycles]:
        """What each layer cost, by its name."""
        model, setting = self._model, self.setting
        return {
            name: LayerCycles(
                part.instructions, model.cycles(part, setting), model.stalls(part, setting)
            )
            for name, part in self.result.layers.items()
        }

    def frames(
        self, frames_per_clip: int, ends: int = 1
    ) -> tuple[tuple[int, ...], tuple[int, ...]]:
        """Cycles of each frame pushed to a streamed model, features included, and of each clip's
        end, which took ``ends`` calls; of the intervals that were counted one by one."""
        pushes: list[int] = []
        waiting = 0
        for interval in self.result.intervals[:INTERVALS_APART]:
            if interval.phase in ("features", "model"):
                waiting += self._model.cycles(interval, self.setting)
            if interval.phase == "model":
                pushes.append(waiting)
                waiting = 0
        every = frames_per_clip + ends
        frames = tuple(cycles for i, cycles in enumerate(pushes) if i % every < frames_per_clip)
        last = range(frames_per_clip, len(pushes) - ends + 1, every)
        return frames, tuple(sum(pushes[i : i + ends]) for i in last)
