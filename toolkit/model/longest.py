"""How long the clips of a model may be, as the user states it and its ranges allow."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from toolkit.errors import InputError
from toolkit.features.audio import load_clip
from toolkit.features.metadata import feature_spec
from toolkit.ir import Graph
from toolkit.measurement import Issue
from toolkit.model.inputs import audio_files
from toolkit.model.source import Source
from toolkit.model.synthetic import SYNTHETIC_CASES, features_of, synthetic_batches
from toolkit.ops.parts.rows import TIME_AXIS
from toolkit.plan.time_axis import find_time_axis, retime
from toolkit.quantize.lengths import grows
from toolkit.quantize.outputs import Batch


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


def longer_batches(graph: Graph, frames: int, calib: Path | None) -> list[Batch]:
    """Clips of ``frames`` frames: some recordings of ``calib`` over and over, made-up sound without
    it; none where the user gave arrays."""
    longer = retime(find_time_axis(graph), frames)
    if calib is None:
        return synthetic_batches(longer)[0]
    spec = feature_spec(graph)
    if spec is None or not calib.is_dir():
        return []
    files, entry = audio_files(calib), longer.tensors[longer.inputs[0]]
    batches: list[Batch] = []
    for file in files[:: -(-len(files) // SYNTHETIC_CASES)]:
        most = spec.samples_for_rows(frames)
        samples = load_clip(file, spec.sample_rate_hz, most).samples
        if samples.size:
            looped = np.resize(samples, spec.samples_for_rows(frames))
            batches.append({entry.name: features_of(looped, spec, frames, entry.shape)})
    return batches
