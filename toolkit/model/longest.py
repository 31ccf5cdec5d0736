"""How long the clips of a model may be, as the user states it and its ranges allow."""

from __future__ import annotations

from toolkit.errors import InputError
from toolkit.features.metadata import feature_spec
from toolkit.measurement import Issue
from toolkit.model.source import Source
from toolkit.ops.parts.rows import TIME_AXIS
from toolkit.quantize.lengths import grows


def longest_clip(source: Source) -> tuple[int | None, tuple[Issue, ...]]:
    """Frames of the longest clip that ranges are to be calibrated for, and what to know of it;
    None where the user states none or no range depends on it.

    Raises InputError for a longest clip below the model's own, or one whose scales are given.
    """
    graph, seconds = source.float_graph, source.max_seconds
    if graph is None or seconds is None:
        return None, ()
    if not grows(graph):
        note = "--max-seconds changes nothing: no range of this model grows with the clip"
        return None, (Issue("calibration.max_seconds", note),)
    if source.given:
        raise InputError(
            f"--max-seconds: {source.name} brings scales of its own, made for one clip length.",
            hint="Quantise it on its longest clips, or convert the float model.",
        )
    spec = feature_spec(graph)
    assert spec is not None  # `Source.up_to` sees to it
    frames = spec.rows_for_samples(round(seconds * spec.sample_rate_hz))
    own = graph.tensors[graph.inputs[0]].shape[TIME_AXIS]
    if frames < own:
        raise InputError(
            f"--max-seconds: {seconds:g} s are {frames} frames; the model's own clip has {own}.",
            hint="State a longer clip, or a shorter one with --seconds.",
        )
    return frames, ()
