"""Calibration ranges of a network of features, from clips; they travel in its ONNX metadata."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TypeVar

from toolkit.errors import InputError
from toolkit.features.spec import METADATA_KEY, FeatureSpec
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

    A clip that is too short for a length counts with the next shorter one.  InputError for a model
    without features, or where no clip has a second.
    """
    text = read_onnx(onnx).metadata.get(METADATA_KEY)
    if text is None:
        raise InputError(f"{onnx}: carries no feature specification.")
    spec = FeatureSpec.from_json(text)
    ranges = Ranges({})
    for seconds in SECONDS:
        rows = spec.rows_for_samples(round(seconds * spec.sample_rate_hz))
        long = [clip[:rows] for clip in clips if len(clip) >= rows]
        if long:
            graph = optimize(load_onnx(onnx, rows=rows))
            (name,) = graph.inputs
            batches = (to_graph_layout(graph, {name: clip[None, None]}) for clip in long)
            ranges = ranges.merged(calibrate(graph, batches))
    if not ranges.limits:
        raise InputError(
            f"{onnx}: calibration needs a clip of {SECONDS[0]:g} s; none is that long."
        )
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
