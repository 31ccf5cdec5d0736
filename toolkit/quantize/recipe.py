"""How a float model becomes integers, and the conversion that follows from it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal, TypeAlias

import numpy as np

from toolkit.errors import InputError
from toolkit.ir import Graph
from toolkit.ir.tensor import Array
from toolkit.ops.execute import run_graph
from toolkit.passes.equalize import equalize
from toolkit.passes.expand_attention_builtin import expand_attention_builtin
from toolkit.quantize.bias import correct_bias
from toolkit.quantize.convert import Attention, convert
from toolkit.quantize.given import is_given
from toolkit.quantize.holdout import held_out
from toolkit.quantize.lengths import Longest, calibrate_lengths, growing_head
from toolkit.quantize.mixed import MixedChoice, Trial, choose_wide
from toolkit.quantize.outputs import Batch
from toolkit.quantize.ranges import Method, Ranges, calibrate
from toolkit.quantize.wide import head_tensors, named_tensors

Mixed: TypeAlias = Literal["auto", "head", "none"] | tuple[str, ...]

DEFAULT_TARGET_SNR_DB = 28.0


@dataclass(frozen=True)
class Recipe:
    """``bias_correction`` and ``equalize`` None mean: where the user gave calibration data, unless
    the model brings scales of its own.

    ``mixed`` is auto (head, and a few further int16 activations that reach ``target_snr_db``),
    head (attention's result and what follows), none, or the names of the activations to keep in
    int16."""

    attention: Attention = "fused"
    calibration: Method = "minmax"
    bias_correction: bool | None = None
    equalize: bool | None = None
    mixed: Mixed = "head"
    target_snr_db: float = DEFAULT_TARGET_SNR_DB

    @property
    def needs_data(self) -> bool:
        """Whether stored ranges are not enough."""
        return (
            self.calibration != "minmax"
            or bool(self.bias_correction)
            or bool(self.equalize)
            or self.mixed == "auto"
        )


@dataclass(frozen=True, eq=False)
class Conversion:
    """The integer graph, the float graph it stands for tensor by tensor, and the choices made.

    ``search`` is what ``mixed`` auto found; None without it, or where there were too few cases to
    hold some out."""

    float_graph: Graph
    quantized: Graph
    ranges: Ranges
    wide: frozenset[str]
    search: MixedChoice | None = None


@dataclass(frozen=True, eq=False)
class Data:
    """Calibration cases: ``batches``, the number of the recording that each comes from (none: each
    is its own), and with ``longest`` clips of up to another length that ranges must hold for."""

    batches: Sequence[Batch] = ()
    recordings: Sequence[int] = ()
    longest: Longest | None = None

    def held_out(self) -> tuple[Data, Sequence[Batch]]:
        """What is left for calibration, and the batches held out; none where there are too few."""
        judges = set(held_out(self.recordings or range(len(self.batches))))
        rest = [batch for index, batch in enumerate(self.batches) if index not in judges]
        return replace(self, batches=rest), [self.batches[index] for index in sorted(judges)]

    def ranges(self, graph: Graph, method: Method) -> Ranges:
        """The ranges that they give; InputError as `calibrate`."""
        ranges = calibrate(graph, self.batches, method)
        if self.longest is None:
            return ranges
        return ranges.merged(calibrate_lengths(graph, self.batches, self.longest, method))


def apply_recipe(graph: Graph, recipe: Recipe, ranges: Ranges | None, data: Data) -> Conversion:
    """Quantise an optimised float graph.

    ``ranges`` are stored ones, which come before calibration on ``data``.  Raises InputError when
    neither is given, or a tensor named in ``mixed`` cannot be int16; UnsupportedError when an
    operator has no integer form.
    """
    if recipe.equalize:
        _require_own_ranges(graph, ranges)
        graph = equalize(graph, channel_peaks(graph, data.batches))
    trial = None
    if recipe.mixed == "auto":
        trial = _trial(graph, recipe, ranges, data)
    if ranges is None:
        ranges = data.ranges(graph, recipe.calibration)
    longest = data.longest
    growing = frozenset() if longest is None else growing_head(graph, longest.frames)
    if recipe.attention == "builtin":
        graph = expand_attention_builtin(graph)
    search = None
    if trial is not None:
        search = choose_wide(graph, replace(trial, growing=growing), recipe.target_snr_db)
    if search is not None:
        wide = frozenset(search.wide)
    elif recipe.mixed in ("auto", "head"):
        wide = head_tensors(graph) | growing
    else:
        wide = named_tensors(graph, () if recipe.mixed == "none" else recipe.mixed)
    quantized = convert(graph, ranges, wide=wide)
    if recipe.bias_correction:
        quantized = correct_bias(graph, quantized, data.batches)
    return Conversion(graph, quantized, ranges, wide, search)


def _require_own_ranges(graph: Graph, ranges: Ranges | None) -> None:
    """Raise InputError where equalising would move scales that came with the model."""
    if is_given(graph):
        raise InputError(
            f"--equalize: {graph.name} brings scales of its own, which it would move.",
            hint="Leave --equalize out, or convert the float model that it was made from.",
        )
    if ranges is not None:  # stored or given
        raise InputError("--equalize changes what stored ranges describe.", hint="Give --calib.")


def _trial(graph: Graph, recipe: Recipe, ranges: Ranges | None, data: Data) -> Trial | None:
    """What the search for int16 works with; None where there are too few cases to hold some out.

    Where nothing is taken from the cases, neither ranges nor biases, all of them judge.
    """
    if ranges is not None and not recipe.bias_correction:
        return Trial(ranges, (), data.batches)
    rest, judges = data.held_out()
    if not judges:
        return None
    if ranges is None:
        ranges = rest.ranges(graph, recipe.calibration)
    return Trial(ranges, rest.batches if recipe.bias_correction else (), judges)


def channel_peaks(graph: Graph, batches: Sequence[Batch]) -> dict[str, Array]:
    """Largest magnitude of each activation by channel, its last axis."""
    peaks: dict[str, Array] = {}
    for batch in batches:
        for name, values in run_graph(graph, batch).items():
            peak = np.abs(values).reshape(-1, values.shape[-1]).max(axis=0)
            peaks[name] = np.maximum(peaks.get(name, peak), peak)
    return peaks
