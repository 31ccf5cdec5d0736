"""Early exit: genomes that keep every budget, found before anything is trained."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from toolkit.errors import VerificationError
from toolkit.search.budget import Budget, Excess
from toolkit.search.cost import Cost, cost
from toolkit.search.genome import Genome
from toolkit.search.space import Space

#: Near misses that are told of.
_NEAREST = 3


@dataclass(frozen=True)
class Judged:
    """What a genome costs on each target, and how each limit stands."""

    genome: Genome
    costs: tuple[Cost, ...]
    excesses: tuple[Excess, ...]

    @property
    def broken(self) -> tuple[Excess, ...]:
        """The limits that it passes, the worst first."""
        over = (excess for excess in self.excesses if excess.share > 0)
        return tuple(sorted(over, key=lambda excess: -excess.share))


@dataclass(frozen=True)
class Screening:
    """``drawn`` genomes: the genes of those ``kept``, none twice; how many each budget ``rejected``
    (one that breaks several counts for each), and the nearest misses."""

    drawn: int
    kept: tuple[dict[str, int], ...]
    rejected: Mapping[str, int]
    nearest: tuple[Judged, ...]


def judge(genome: Genome, budgets: Sequence[Budget]) -> Judged:
    """A genome against budgets, from its shapes."""
    costs = tuple(cost(genome, budget.part) for budget in budgets)
    found = (budget.excesses(c) for budget, c in zip(budgets, costs, strict=True))
    return Judged(genome, costs, tuple(e for excesses in found for e in excesses))


def screen(
    space: Space,
    budgets: Sequence[Budget],
    wanted: int,
    most: int,
    rng: np.random.Generator,
    known: Callable[[str], bool] = lambda key: False,
) -> Screening:
    """Draw genomes until ``wanted`` keep every budget, ``most`` at most; those whose key is
    ``known`` are passed over."""
    kept: list[dict[str, int]] = []
    seen: set[str] = set()
    rejected: Counter[str] = Counter()
    missed: list[Judged] = []
    drawn = 0
    while drawn < most and len(kept) < wanted:
        genes = space.draw(rng)
        genome = space.genome(genes)
        drawn += 1
        if genome.key in seen or known(genome.key):
            continue
        seen.add(genome.key)
        judged = judge(genome, budgets)
        if not judged.broken:
            kept.append(genes)
            continue
        rejected.update(excess.name for excess in judged.broken)
        missed = sorted([*missed, judged], key=lambda m: m.broken[0].share)[:_NEAREST]
    return Screening(drawn, tuple(kept), dict(rejected.most_common()), tuple(missed))


def require_any(screening: Screening) -> None:
    """VerificationError where no genome keeps the budgets: the nearest misses, what to relax."""
    if screening.kept or not screening.nearest:
        return
    counts = ", ".join(f"{name} {count:,}" for name, count in screening.rejected.items())
    misses = "; ".join(
        f"{miss.genome.words}: {', '.join(map(str, miss.broken))}" for miss in screening.nearest
    )
    relaxed = " and ".join(
        f"{excess.name} to {excess.value:,.6g}" for excess in screening.nearest[0].broken
    )
    raise VerificationError(
        f"none of {screening.drawn:,} genomes drawn keeps the budgets. Rejected by {counts}. "
        f"Nearest misses: {misses}.",
        f"Relax {relaxed}, or give the space smaller choices.",
    )
