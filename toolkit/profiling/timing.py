"""Counts of a simulated run, and the cycles that the core's timing table makes of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

from toolkit.profiling.cycles import CycleEstimate, CycleModel, load_cycle_table
from toolkit.simulate import SimulationResult
from toolkit.simulate.counts import INTERVALS_APART
from toolkit.targets import Target
from toolkit.toolchain.elf import ElfImage


@dataclass(frozen=True, eq=False)
class Timing:
    """A run of the firmware ``elf`` on ``target``; of a run on the workstation nothing is known
    (``is_counted`` is False)."""

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
        return self._model.basis(self.result.simulator)

    @cached_property
    def phases(self) -> Mapping[str, CycleEstimate]:
        """All that ran in the phases ``features`` and ``model``."""
        return {
            name: self._model.estimate(self.result.phase(name)) for name in ("features", "model")
        }

    @cached_property
    def layers(self) -> Mapping[str, tuple[int, int]]:
        """Instructions and cycles of each layer, what it calls included, by its name."""
        return {
            name: (part.instructions, self._model.cycles(part))
            for name, part in self.result.layers.items()
        }

    def frames(self, frames_per_clip: int) -> tuple[tuple[int, ...], tuple[int, ...]]:
        """Cycles of each frame pushed to a streamed model, features included, and of each clip's
        end; of the intervals that were counted one by one."""
        pushes: list[int] = []
        waiting = 0
        for interval in self.result.intervals[:INTERVALS_APART]:
            if interval.phase in ("features", "model"):
                waiting += self._model.cycles(interval)
            if interval.phase == "model":
                pushes.append(waiting)
                waiting = 0
        every = frames_per_clip + 1
        frames = tuple(cycles for i, cycles in enumerate(pushes) if (i + 1) % every)
        return frames, tuple(pushes[frames_per_clip::every])
