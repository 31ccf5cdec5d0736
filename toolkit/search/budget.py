"""Budgets of a search: what a genome may cost on each target, and by how much it is over."""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from toolkit.budget.amounts import parse_amount
from toolkit.search.cost import Cost
from toolkit.targets import Target, load_target

#: Figures of a cost that may be limited.
FIGURES = (
    "ram_static_bytes",
    "flash_bytes",
    "stack_bound_bytes",
    "cycles_per_inference",
    "cycles_per_audio_second",
    "cycles_per_frame_mean",
    "cycles_per_frame_worst",
    "frame_latency_ms_worst",
    "realtime_factor",
    "duty_cycle",
    "energy_uj_per_audio_second",
    "average_power_uw",
)
#: RAM with stack and what interrupts may take: what the part has to hold.
RAM_USED = "ram_used_bytes"


@dataclass(frozen=True)
class Excess:
    """A figure of a genome on a target and its limit; ``share`` over it (negative: room left)."""

    target: str
    figure: str
    value: float
    limit: float

    @property
    def share(self) -> float:
        return self.value / self.limit - 1.0 if self.limit else float(self.value > 0)

    @property
    def name(self) -> str:
        return f"{self.target} {self.figure}"

    def __str__(self) -> str:
        return f"{self.name} {self.value:,.6g} of {self.limit:,.6g} ({self.share:+.1%})"


@dataclass(frozen=True)
class Budget:
    """``limits`` on figures of a target, as in toolkit.toml, besides its own: its flash, its RAM
    and, where it promises it, real time."""

    target: str
    limits: Mapping[str, Any] = field(default_factory=dict)

    @cached_property
    def part(self) -> Target:
        """The target; InputError for an unknown one."""
        return load_target(self.target)

    @cached_property
    def amounts(self) -> Mapping[str, float]:
        """All limits, the part's own first."""
        own = {"flash_bytes": float(self.part.flash_bytes), RAM_USED: float(self.part.ram_bytes)}
        if self.part.real_time:
            own["realtime_factor"] = 1.0
        stated = {
            figure: parse_amount(value, figure, f"'budget.limits.{figure}'").value
            for figure, value in self.limits.items()
        }
        return {**own, **stated}

    def excesses(self, cost: Cost) -> tuple[Excess, ...]:
        """By how much each limit is passed; a figure that the cost lacks is not held against it."""
        found = {m.name: float(m.value) for m in cost.measurements}
        stack = found["stack_bound_bytes"] + self.part.policy.interrupt_bytes
        found[RAM_USED] = found["ram_static_bytes"] + stack
        return tuple(
            Excess(self.target, figure, found[figure], limit)
            for figure, limit in self.amounts.items()
            if figure in found
        )

    def violations(self) -> Iterator[str]:
        """Limits that cannot be, in words that name the key.  ValueError for no amount."""
        for figure, value in self.limits.items():
            if figure not in FIGURES:
                near = difflib.get_close_matches(figure, FIGURES, n=1)
                meant = f"; did you mean '{near[0]}'?" if near else ""
                yield f"'budget.limits.{figure}' is no figure of a genome{meant}"
            elif parse_amount(value, figure, f"'budget.limits.{figure}'").percent:
                yield f"'budget.limits.{figure}' must be an amount; got {value!r}"
