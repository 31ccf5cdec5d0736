"""A few int16 activations with which a network keeps a stated signal-to-noise ratio."""

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
from toolkit.quantize.wide import candidates, head_tensors, wide_tensors

#: Cases on which each choice is tried, and those on which noise is traced to its tensors.
MAX_CASES = 24
TRACED_CASES = 8
#: Steps of a model with states on which each choice is tried.
MAX_STEPS = 64

#: What a choice must exceed the target by on those cases, for others to reach it as well.
MARGIN_DB = 2.0

#: What a choice that does not reach the target must gain over attention's head on those cases:
#: less may be a loss on others.
LEAST_GAIN_DB = 1.0

#: Choices that are tried at most before the whole network is.
MAX_TRIALS = 8

#: Part of the noise that predictions leave at least: errors do not quite add up.
_LEAST_NOISE = 0.02


@dataclass(frozen=True, eq=False)
class Trial:
    """What choices are made from and judged by: ``ranges``, which nothing of ``held_out`` has
    shaped, the cases ``fitted`` that correct biases (none: they stay as they are), and what is
    int16 in any case because it is ``growing`` with the clip."""

    ranges: Ranges
    fitted: Sequence[Batch]
    held_out: Sequence[Batch]
    growing: frozenset[str] = frozenset()


@dataclass(frozen=True)
class MixedChoice:
    """Activations in int16, and whether they are enough.

    Of the ``cases`` tried: the ratio they gave, that of attention's head alone, that without any.
    """

    wide: tuple[str, ...]
    snr_db: float
    head_snr_db: float
    int8_snr_db: float
    reached: bool
    cases: int


def choose_wide(graph: Graph, trial: Trial, target_snr_db: float) -> MixedChoice:
    """Int16 activations of ``graph`` (attention expanded where it is to be).

    It starts from attention's head (`head_tensors`), which always is among them: nothing chosen is
    worse than it on the cases held out.  An activation gains from 16 bits where all that reads it
    works in 16 bits too, so the choices are stretches of the network, in its order of execution.
    The noise that each activation's rounding makes at the output predicts what a stretch gains; the
    shortest ones that should reach the target are tried, the whole network last; then every
    activation that the one chosen can do without, the largest first, is given back.  Where no
    choice reaches the target: the best tried, if it is `LEAST_GAIN_DB` better than the head.
    """
    search = _Search(graph, trial)
    wanted = target_snr_db + MARGIN_DB
    chosen, reached = search.first(wanted)
    least = wanted if reached else search.snr_db(chosen)
    for name in sorted(chosen, key=lambda n: graph.tensors[n].elements, reverse=True):
        without = tuple(other for other in chosen if other != name)
        if name not in search.head and search.snr_db(without) >= least:
            chosen = without
    return MixedChoice(
        chosen,
        search.snr_db(chosen),
        search.snr_db(search.head),
        search.snr_db(()),
        reached,
        len(search.cases),
    )


class _Search:
    """Ratios of the choices tried so far."""

    def __init__(self, graph: Graph, trial: Trial) -> None:
        self.graph, self.trial = graph, trial
        if graph.states:  # their error shows from step to step
            self.cases = trial.held_out[:MAX_STEPS]
        else:
            self.cases = trial.held_out[:: -(-len(trial.held_out) // MAX_CASES)]
        self.reference = real_outputs(graph, self.cases)
        self.head = tuple(sorted(head_tensors(graph) | trial.growing))
        self.ratios: dict[frozenset[str], float] = {}

    def first(self, wanted: float) -> tuple[tuple[str, ...], bool]:
        """A choice, and whether it reaches ``wanted``."""
        if self.snr_db(self.head) >= wanted:
            return self.head, True
        tried: list[tuple[str, ...]] = [self.head]
        needed = wanted
        for expected, choice in self._choices():
            if expected < needed or len(tried) > MAX_TRIALS:
                continue
            tried.append(choice)
            if self.snr_db(choice) >= wanted:
                return choice, True
            needed = max(needed, expected) + 0.25
        tried.append(self._with_head(candidates(self.graph)))
        best = max(tried, key=self.snr_db)
        ratio = self.snr_db(best)
        gains = ratio >= min(wanted, self.snr_db(self.head) + LEAST_GAIN_DB)
        return best if gains else self.head, ratio >= wanted

    def snr_db(self, chosen: Sequence[str]) -> float:
        """The ratio of one choice; minus infinity where an operator cannot run it, or the outputs
        of the cases held out are all alike."""
        key = wide_tensors(self.graph, chosen)
        if key not in self.ratios:
            try:
                outputs = real_outputs(self._quantized(chosen), self.cases)
            except UnsupportedError:
                self.ratios[key] = -math.inf
            else:
                ratio = int8_snr_db(self.reference, outputs)
                self.ratios[key] = -math.inf if math.isnan(ratio) else ratio
        return self.ratios[key]

    def _quantized(self, chosen: Sequence[str]) -> Graph:
        quantized = convert(self.graph, self.trial.ranges, wide=chosen)
        if self.trial.fitted:
            quantized = correct_bias(self.graph, quantized, self.trial.fitted)
        return quantized

    def _choices(self) -> list[tuple[float, tuple[str, ...]]]:
        """The head with every stretch of the network, with the ratio expected of them, the shortest
        first."""
        traced = self.cases[:: -(-len(self.cases) // TRACED_CASES)]
        noise = rounding_noise(self.graph, self._quantized(self.head), traced)
        signal, total = self.snr_db(self.head), sum(noise.values()) or 1.0
        possible = candidates(self.graph)
        count = len(possible)
        result = []
        for length in range(1, count + 1):
            for start in range(count - length + 1):
                choice = self._with_head(possible[start : start + length])
                gained = sum(noise[name] for name in self._relieved(choice)) / total
                left = max(1.0 - gained, _LEAST_NOISE)
                result.append((signal - 10.0 * math.log10(left), choice))
        return result

    def _with_head(self, chosen: Sequence[str]) -> tuple[str, ...]:
        return (*self.head, *(name for name in chosen if name not in self.head))

    def _relieved(self, chosen: Sequence[str]) -> list[str]:
        """Activations that are kept in 16 bits and read in 16 bits; a state is what it becomes."""
        graph, wide = self.graph, wide_tensors(self.graph, chosen)
        later = {state.write: state.read for state in graph.states}
        narrow = {
            name
            for name in wide
            if not all(reader.outputs[0] in wide for reader in graph.consumers(name))
        }
        computed = wide - {state.read for state in graph.states} - narrow
        return [name for name in computed if later.get(name) not in narrow]
