"""Observed value ranges of activations: what calibration yields and quantisation needs.

Ranges are filed under tensor names, which come from the ONNX file and do not depend on the number
of rows: ranges taken at one clip length serve all.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from toolkit.errors import InputError
from toolkit.ir import Graph
from toolkit.ir.tensor import Array
from toolkit.ops import OPERATORS
from toolkit.ops.execute import run_graph
from toolkit.ops.parts.base import view
from toolkit.ops.parts.recurrent import Recurrent
from toolkit.quantize.histogram import Histogram, least_error_range, percentile_range

Method = Literal["minmax", "percentile", "mse"]

_FORMAT = "toolkit.ranges"
_VERSION = 1


@dataclass(frozen=True)
class Ranges:
    """Smallest and largest value of each activation, in real units, by tensor name."""

    limits: Mapping[str, tuple[float, float]]

    def merged(self, other: Ranges) -> Ranges:
        """Ranges that hold for the data of both."""
        limits = dict(self.limits)
        for name, (low, high) in other.limits.items():
            have = limits.get(name, (low, high))
            limits[name] = (min(have[0], low), max(have[1], high))
        return Ranges(limits)

    def of(self, name: str) -> tuple[float, float]:
        """The range of one tensor; InputError when it was never observed."""
        if name not in self.limits:
            raise InputError(
                f"no calibrated range for tensor {name!r}.",
                hint="Calibrate this model; the ranges belong to another one.",
            )
        return self.limits[name]

    def to_json(self) -> str:
        """Readable JSON, the same text for the same ranges; values are exact."""
        document = {
            "format": _FORMAT,
            "version": _VERSION,
            "ranges": {name: list(pair) for name, pair in sorted(self.limits.items())},
        }
        return json.dumps(document, indent=1) + "\n"

    @staticmethod
    def from_json(text: str) -> Ranges:
        """Read `to_json` text; InputError when it is damaged or not finite."""
        try:
            document = json.loads(text)
            if (document["format"], document["version"]) != (_FORMAT, _VERSION):
                raise ValueError(f"format {document['format']!r} version {document['version']!r}")
            limits = {str(k): (float(a), float(b)) for k, (a, b) in document["ranges"].items()}
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise InputError(
                f"ranges: not a calibration file: {error!r}.",
                hint="`toolkit train` and `toolkit export` write one.",
            ) from None
        for name, (low, high) in limits.items():
            if not (math.isfinite(low) and math.isfinite(high) and low <= high):
                raise InputError(f"ranges: {name!r} must be finite and ordered; got {low}, {high}.")
        return Ranges(limits)


def load_ranges(path: Path) -> Ranges:
    """Ranges stored beside a model; InputError when the file cannot be used."""
    try:
        return Ranges.from_json(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(
            f"{path.name}: cannot be read: {error}.", hint="Check the path and its permissions."
        ) from None


def calibrate(
    graph: Graph, batches: Iterable[Mapping[str, Array]], method: Method = "minmax"
) -> Ranges:
    """Ranges of every activation over ``batches``, each one set of inputs of the float ``graph``.

    ``minmax`` keeps every value seen; ``percentile`` leaves out the rarest, ``mse`` what is cheaper
    clipped than resolved (see `histogram`); outputs keep all they showed, for there the outlier is
    the answer.  Raises InputError when there are no batches, or when a value is not finite.
    """
    if method == "minmax":
        return _extremes(graph, batches)
    kept = list(batches)
    extremes = _extremes(graph, kept)
    histograms = {name: Histogram.empty(*pair) for name, pair in extremes.limits.items()}
    for batch in kept:
        for name, values in _observed(graph, batch).items():
            histograms[name] = histograms[name].adding(values)
    choose = percentile_range if method == "percentile" else least_error_range
    narrowed = {name: choose(histogram) for name, histogram in histograms.items()}
    return Ranges({**narrowed, **{n: extremes.limits[n] for n in graph.outputs}})


def _observed(graph: Graph, batch: Mapping[str, Array]) -> dict[str, Array]:
    """Every activation, and what recurrent layers have inside, as ``<output>/<name>``."""
    values = run_graph(graph, batch)
    for node in graph.nodes:
        operator = OPERATORS[node.op]
        if isinstance(operator, Recurrent) and operator.inner:
            node_view, (output,) = view(graph, node), node.outputs
            tensors = [tensor for tensor in node_view.inputs if tensor is not None]
            inputs = [t.values if t.is_constant else values[t.name] for t in tensors]
            inside = operator.inner_values(node_view, inputs)
            values |= {f"{output}/{name}": inside[name] for name in operator.inner}
    return values


def _extremes(graph: Graph, batches: Iterable[Mapping[str, Array]]) -> Ranges:
    ranges = Ranges({})
    for batch in batches:
        values = _observed(graph, batch)
        limits = {name: (float(v.min()), float(v.max())) for name, v in values.items()}
        broken = [name for name, pair in limits.items() if not all(map(math.isfinite, pair))]
        if broken:
            raise InputError(
                f"calibration: tensor {broken[0]!r} is not finite.",
                hint="Look for extreme values in the calibration data.",
            )
        ranges = ranges.merged(Ranges(limits))
    if not ranges.limits:
        raise InputError("calibration needs at least one set of inputs; got none.")
    return ranges
