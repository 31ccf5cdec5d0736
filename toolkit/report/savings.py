"""What another way to run a model would save, and its price, from the alternatives of a report."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from toolkit.report.model import Alternative

#: A saving below this part of what is used now is not worth a line.
WORTH_SAYING = 0.05

#: What a way to run costs, with its unit.
COSTS: Mapping[str, tuple[Callable[[Alternative], int], str]] = {
    "RAM": (lambda a: a.ram_bytes, "B"),
    "flash": (lambda a: a.flash_bytes, "B"),
    "time": (lambda a: a.cycles, "cycles"),
}


@dataclass(frozen=True)
class Saving:
    """Of ``what`` (a key of COSTS) ``other`` takes ``saved`` less than ``now``."""

    what: str
    now: Alternative
    other: Alternative

    @property
    def saved(self) -> int:
        return -self.change(self.what)

    @property
    def real_time(self) -> str:
        """What becomes of real time, where anything does."""
        before, after = self.now.realtime_factor or 0, self.other.realtime_factor or 0
        if before <= 1 < after:
            return "no longer real time"
        return "then real time" if after <= 1 < before else ""

    def change(self, what: str) -> int:
        """How much more the other way takes of something."""
        cost, _ = COSTS[what]
        return cost(self.other) - cost(self.now)


def savings(found: Sequence[Alternative]) -> tuple[Saving, ...]:
    """The best way for each cost, where it is worth a line."""
    now = next((a for a in found if a.chosen), None)
    if now is None:
        return ()
    best = []
    for what, (cost, _) in COSTS.items():
        # Another schedule is only worth its price in RAM where RAM is what is wanted.
        among = found if what == "RAM" else [a for a in found if a.schedule == now.schedule]
        other = min(among, key=lambda a: (cost(a), a.ram_bytes, a.flash_bytes))
        if cost(now) - cost(other) > WORTH_SAYING * cost(now):
            best.append(Saving(what, now, other))
    return tuple(best)
