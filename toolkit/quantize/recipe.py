"""How a float model becomes integers, and the conversion that follows from it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
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
from toolkit.quantize.lengths import Longest, calibrate_lengths, growing_head
from toolkit.quantize.mixed import MixedChoice, fewest_wide
from toolkit.quantize.outputs import Batch
from toolkit.quantize.ranges import Method, Ranges, calibrate
from toolkit.quantize.wide import head_tensors, named_tensors

Mixed: TypeAlias = Literal["auto", "head", "none"] | tuple[str, ...]

DEFAULT_TARGET_SNR_DB = 28.0


@dataclass(frozen=True)
class Recipe:
    """``bias_correction`` and ``equalize`` None mean: where the user gave calibration data, unless
    the model brings scales of its own.

    ``mixed`` is auto (fewest int16 activations that reach ``target_snr_db``), head (attention's
    result and what follows), none, or the names of the activations to keep in int16."""

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
    """The integer graph, the float graph it stands for tensor by tensor, and the choices made."""

    float_graph: Graph
    quantized: Graph
    ranges: Ranges
    wide: frozenset[str]
    search: MixedChoice | None = None


def apply_recipe(
    graph: Graph,
    recipe: Recipe,
    ranges: Ranges | None,
    batches: Sequence[Batch],
    longest: Longest | None = None,
) -> Conversion:
    """Quantise an optimised float graph.

    ``ranges`` are stored ones, which come before calibration on ``batches``; with ``longest``
    these stand for clips of up to that length (`calibrate_lengths`).  Raises InputError when
    neither is given, or a tensor named in ``mixed`` cannot be int16; UnsupportedError when an
    operator has no integer form.
    """
    if recipe.equalize:
        if is_given(graph):
            raise InputError(
                f"--equalize: {graph.name} brings scales of its own, which it would move.",
                hint="Equalise before the model is quantised.",
            )
        if ranges is not None:  # stored or given
            raise InputError(
                "--equalize changes what stored ranges describe.", hint="Give --calib."
            )
        graph = equalize(graph, channel_peaks(graph, batches))
    if ranges is None:
        ranges = calibrate(graph, batches, recipe.calibration)
        if longest is not None:
            longer = calibrate_lengths(graph, batches, longest, recipe.calibration)
            ranges = ranges.merged(longer)
    growing = frozenset() if longest is None else growing_head(graph, longest.frames)
    if recipe.attention == "builtin":
        graph = expand_attention_builtin(graph)
    search = None
    if recipe.mixed == "auto":
        search = fewest_wide(
            graph, ranges, batches, recipe.target_snr_db, bool(recipe.bias_correction)
        )
        wide = frozenset(search.wide)
    elif recipe.mixed == "head":
        wide = head_tensors(graph) | growing
    else:
        wide = named_tensors(graph, () if recipe.mixed == "none" else recipe.mixed)
    quantized = convert(graph, ranges, wide=wide)
    if recipe.bias_correction:
        quantized = correct_bias(graph, quantized, batches)
    return Conversion(graph, quantized, ranges, wide, search)


def channel_peaks(graph: Graph, batches: Sequence[Batch]) -> dict[str, Array]:
    """Largest magnitude of each activation by channel, its last axis."""
    peaks: dict[str, Array] = {}
    for batch in batches:
        for name, values in run_graph(graph, batch).items():
            peak = np.abs(values).reshape(-1, values.shape[-1]).max(axis=0)
            peaks[name] = np.maximum(peaks.get(name, peak), peak)
    return peaks
