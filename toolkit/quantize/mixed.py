"""The fewest int16 activations with which a network keeps a stated signal-to-noise ratio."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from toolkit.errors import UnsupportedError
from toolkit.ir import Graph
from toolkit.quantize.bias import correct_bias
from toolkit.quantize.convert import convert
from toolkit.quantize.layers import rounding_noise
from toolkit.quantize.outputs import Batch, real_outputs
from toolkit.quantize.ranges import Ranges
from toolkit.quantize.snr import int8_snr_db
from toolkit.quantize.wide import candidates, wide_tensors

#: Cases on which each choice is tried, and those on which noise is traced to its tensors.
MAX_CASES = 24
TRACED_CASES = 8

#: What a choice must exceed the target by on those cases, for others to reach it as well.
MARGIN_DB = 1.0

#: Choices that are tried at most before the whole network is.
MAX_TRIALS = 8

#: Part of the noise that predictions leave at least: errors do not quite add up.
_LEAST_NOISE = 0.02


@dataclass(frozen=True)
class MixedChoice:
    """Activations in int16, the ratio they gave on the cases tried, and whether it is enough."""

    wide: tuple[str, ...]
    snr_db: float
    int8_snr_db: float
    reached: bool
    cases: int


def fewest_wide(
    graph: Graph,
    ranges: Ranges,
    batches: Sequence[Batch],
    target_snr_db: float,
    bias_correction: bool,
) -> MixedChoice:
    """Int16 activations of ``graph`` (attention expanded where it is to be).

    An activation gains from 16 bits where all that reads it works in 16 bits too, so the choices
    are stretches of the network, in its order of execution.  The noise that each activation's
    rounding makes at the output predicts what a stretch gains; the shortest ones that should reach
    the target are tried, the whole network last; then every activation that the one chosen can do
    without, the largest first, is given back.  Where no choice reaches the target: the best tried.
    """
    search = _Search(graph, ranges, batches, bias_correction)
    wanted = target_snr_db + MARGIN_DB
    chosen, reached = search.first(wanted)
    least = wanted if reached else search.snr_db(chosen)
    for name in sorted(chosen, key=lambda n: graph.tensors[n].elements, reverse=True):
        without = tuple(other for other in chosen if other != name)
        if search.snr_db(without) >= least:
            chosen = without
    return MixedChoice(
        chosen, search.snr_db(chosen), search.snr_db(()), reached, len(search.batches)
    )


class _Search:
    """Ratios of the choices tried so far."""

    def __init__(
        self, graph: Graph, ranges: Ranges, batches: Sequence[Batch], bias_correction: bool
    ) -> None:
        self.graph, self.ranges, self.bias_correction = graph, ranges, bias_correction
        self.batches = batches[:: -(-len(batches) // MAX_CASES)]
        self.reference = real_outputs(graph, self.batches)
        self.candidates = candidates(graph)
        self.ratios: dict[frozenset[str], float] = {}

    def first(self, wanted: float) -> tuple[tuple[str, ...], bool]:
        """A choice, and whether it reaches ``wanted``."""
        if self.snr_db(()) >= wanted:
            return (), True
        tried: list[tuple[str, ...]] = [()]
        needed = wanted
        for expected, stretch in self._stretches():
            if expected < needed or len(tried) > MAX_TRIALS:
                continue
            tried.append(stretch)
            if self.snr_db(stretch) >= wanted:
                return stretch, True
            needed = max(needed, expected) + 0.25
        tried.append(self.candidates)
        best = max(tried, key=self.snr_db)
        return best, self.snr_db(best) >= wanted

    def snr_db(self, chosen: Sequence[str]) -> float:
        """The ratio of one choice; minus infinity where an operator cannot run it."""
        key = wide_tensors(self.graph, chosen)
        if key not in self.ratios:
            try:
                outputs = real_outputs(self._quantized(chosen), self.batches)
            except UnsupportedError:
                self.ratios[key] = -math.inf
            else:
                self.ratios[key] = int8_snr_db(self.reference, outputs)
        return self.ratios[key]

    def _quantized(self, chosen: Sequence[str]) -> Graph:
        quantized = convert(self.graph, self.ranges, wide=chosen)
        if self.bias_correction:
            quantized = correct_bias(self.graph, quantized, self.batches)
        return quantized

    def _stretches(self) -> list[tuple[float, tuple[str, ...]]]:
        """Every stretch of the network with the ratio expected of it, the shortest first."""
        traced = self.batches[:: -(-len(self.batches) // TRACED_CASES)]
        noise = rounding_noise(self.graph, self._quantized(()), traced)
        signal, total = self.snr_db(()), sum(noise.values()) or 1.0
        count = len(self.candidates)
        result = []
        for length in range(1, count + 1):
            for start in range(count - length + 1):
                stretch = self.candidates[start : start + length]
                gained = sum(noise[name] for name in self._relieved(stretch)) / total
                left = max(1.0 - gained, _LEAST_NOISE)
                result.append((signal - 10.0 * math.log10(left), stretch))
        return result

    def _relieved(self, chosen: Sequence[str]) -> list[str]:
        """Activations that are kept in 16 bits and read in 16 bits."""
        wide = wide_tensors(self.graph, chosen)
        return [
            name
            for name in wide
            if all(reader.outputs[0] in wide for reader in self.graph.consumers(name))
        ]
