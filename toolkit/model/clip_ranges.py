"""Calibration ranges of a network of features, from clips; they travel in its ONNX metadata."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TypeVar

from toolkit.errors import InputError
from toolkit.features.spec import METADATA_KEY, from_json
from toolkit.frontend.load import load_onnx
from toolkit.frontend.reader import RANGES_KEY, read_onnx
from toolkit.ir.tensor import Array
from toolkit.passes.absorb_layout import to_graph_layout
from toolkit.passes.optimize import optimize
from toolkit.quantize.ranges import Ranges, calibrate

T = TypeVar("T")

#: Clip lengths; the shorter, the further pooled values move.
SECONDS = (1.0, 2.0)


def clip_ranges(onnx: Path, clips: Sequence[Array]) -> Ranges:
    """Ranges over the first one and two seconds of ``clips``, features [rows, row_values] each.

    A clip that is too short for a length counts with the next shorter one; where none has a second,
    all count with the rows of the shortest.  InputError for a model without features, or no clips.
    """
    text = read_onnx(onnx).metadata.get(METADATA_KEY)
    if text is None:
        raise InputError(
            f"{onnx}: carries no feature specification.", hint="--features attaches one."
        )
    spec = from_json(text)
    if not clips:
        raise InputError(f"{onnx}: calibration needs clips; there are none.")
    longest = max(map(len, clips))
    wanted = (spec.rows_for_samples(round(s * spec.sample_rate_hz)) for s in SECONDS)
    ranges = Ranges({})
    for rows in [n for n in wanted if n <= longest] or [min(map(len, clips))]:
        graph = optimize(load_onnx(onnx, rows=rows))
        (name,) = graph.inputs
        cases = (clip[None, None, :rows] for clip in clips if len(clip) >= rows)
        batches = (to_graph_layout(graph, {name: case}) for case in cases)
        ranges = ranges.merged(calibrate(graph, batches))
    return ranges


def with_ranges(onnx: bytes, ranges: Ranges) -> bytes:
    """The model file with its ranges in the metadata, where a build finds them."""
    import onnx as format_

    proto = format_.load_from_string(onnx)
    kept = [p for p in proto.metadata_props if p.key != RANGES_KEY]
    del proto.metadata_props[:]
    proto.metadata_props.extend(kept)
    proto.metadata_props.add(key=RANGES_KEY, value=ranges.to_json())
    data: bytes = proto.SerializeToString(deterministic=True)
    return data


def some(clips: Sequence[T], most: int) -> list[T]:
    """At most ``most`` of them, spread evenly."""
    return list(clips[:: -(-len(clips) // most)]) if clips else []
