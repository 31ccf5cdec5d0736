"""The fewest int16 activations with which a network keeps a stated signal-to-noise ratio."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from toolkit.errors import UnsupportedError
from toolkit.ir import Graph
from toolkit.quantize.convert import convert
from toolkit.quantize.outputs import Batch, real_outputs
from toolkit.quantize.ranges import Ranges
from toolkit.quantize.snr import int8_snr_db
from toolkit.quantize.wide import candidates, wide_tensors

#: Cases on which each choice is tried.
MAX_CASES = 24

#: What a choice must exceed the target by on those cases, for others to reach it as well.
MARGIN_DB = 1.0


@dataclass(frozen=True)
class MixedChoice:
    """Activations in int16, the ratio they gave on the cases tried, and whether it is enough."""

    wide: tuple[str, ...]
    snr_db: float
    int8_snr_db: float
    reached: bool
    cases: int


def fewest_wide(
    graph: Graph, ranges: Ranges, batches: Sequence[Batch], target_snr_db: float
) -> MixedChoice:
    """Int16 activations of ``graph`` (attention expanded where it is to be).

    An activation gains from 16 bits where what reads it works in 16 bits too, so the search first
    takes activations from the output backwards until the target is reached, then gives back the
    largest ones that it can do without.  Where no choice reaches the target: the best one tried.
    """
    search = _Search(graph, ranges, batches[:: -(-len(batches) // MAX_CASES)])
    backwards = tuple(reversed(candidates(graph)))
    wanted = target_snr_db + MARGIN_DB
    count = _first_count(search, backwards, wanted)
    chosen = backwards[:count]
    reached = search.snr_db(chosen) >= wanted
    if not reached:
        chosen = max((backwards[:n] for n in range(len(backwards) + 1)), key=search.tried_snr_db)
    for name in sorted(chosen, key=lambda n: graph.tensors[n].elements, reverse=True):
        without = tuple(other for other in chosen if other != name)
        if search.snr_db(without) >= (wanted if reached else search.snr_db(chosen)):
            chosen = without
    return MixedChoice(
        tuple(name for name in candidates(graph) if name in chosen),
        search.snr_db(chosen),
        search.snr_db(()),
        reached,
        len(search.batches),
    )


def _first_count(search: _Search, backwards: Sequence[str], wanted: float) -> int:
    """The fewest activations from the output backwards that suffice; all when none do.

    The ratio hardly ever falls as more are taken, so the number is bracketed by doubling first.
    """
    low, high = -1, 0
    while search.snr_db(backwards[:high]) < wanted:
        if high == len(backwards):
            return high
        low, high = high, min(max(1, 2 * high), len(backwards))
    while high - low > 1:
        middle = (low + high) // 2
        if search.snr_db(backwards[:middle]) >= wanted:
            high = middle
        else:
            low = middle
    return high


class _Search:
    """Ratios of the choices tried so far."""

    def __init__(self, graph: Graph, ranges: Ranges, batches: Sequence[Batch]) -> None:
        self.graph, self.ranges, self.batches = graph, ranges, batches
        self.reference = real_outputs(graph, batches)
        self.ratios: dict[frozenset[str], float] = {}

    def snr_db(self, chosen: Sequence[str]) -> float:
        """The ratio of one choice; minus infinity where an operator cannot run it."""
        key = wide_tensors(self.graph, chosen)
        if key not in self.ratios:
            try:
                quantized = convert(self.graph, self.ranges, wide=chosen)
            except UnsupportedError:
                self.ratios[key] = -math.inf
            else:
                outputs = real_outputs(quantized, self.batches)
                self.ratios[key] = int8_snr_db(self.reference, outputs)
        return self.ratios[key]

    def tried_snr_db(self, chosen: Sequence[str]) -> float:
        """The ratio of a choice, minus infinity where it was not tried."""
        return self.ratios.get(wide_tensors(self.graph, chosen), -math.inf)
