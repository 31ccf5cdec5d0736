"""How far continuous mode is from clip mode on real speech.

The two differ by nature: in continuous mode the level normalisation and the layers have heard what
came before the window, the last frames are still on their way to the reductions, and no padding
stands at the window's ends.  How much that matters is measured, never assumed.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from toolkit.errors import InputError
from toolkit.features.extract import extract
from toolkit.features.metadata import feature_spec
from toolkit.features.quantise import quantise_features
from toolkit.features.spec import FeatureSpec
from toolkit.ir import Graph
from toolkit.ir.labels import output_labels
from toolkit.ir.tensor import Array
from toolkit.measurement import Measurement, Provenance
from toolkit.metrics import concordance
from toolkit.model.reference import run_case
from toolkit.plan.continuous import ContinuousPlan, require_endless_level
from toolkit.plan.continuous_reference import continuous_outputs
from toolkit.plan.time_axis import retime
from toolkit.quantize.outputs import real_values
from toolkit.report.model import WINDOWS, Group


def agreement(plan: ContinuousPlan, recordings: Sequence[Array]) -> tuple[Measurement, ...]:
    """Continuous outputs of int16 ``recordings`` [n] against clip mode on the very same stretches.

    Every hop whose window is full counts; CCC by output value and the largest deviation, twice:
    against a clip that begins afresh with the window's first sample, and (``same_level``) against
    one on the features as they are, whose level normalisation has heard what came before: what
    remains is due to the window alone.  Raises InputError for a model without features, of a
    level that endless audio does not have, or recordings shorter than a window.
    """
    spec = _spec(plan.graph)
    require_endless_level(spec)
    pairs = [window_pairs(plan, samples) for samples in recordings]
    continuous, clips, same_level = map(np.concatenate, zip(*pairs, strict=True))
    frame_s = spec.row_hop_samples / spec.sample_rate_hz
    basis = (
        f"numpy reference, {len(clips)} windows of {plan.window_frames * frame_s:g} s, "
        f"one every {plan.hop_frames * frame_s:g} s"
    )
    rows = []
    for kind, reference, of in (("", clips, "samples"), ("same_level_", same_level, "features")):
        against = f"{basis}, against clips of the same {of}"
        for index, label in enumerate(output_labels(plan.graph)):
            ccc = concordance(continuous[:, index], reference[:, index])
            name = f"continuous_ccc_{kind}{label}"
            rows.append(Measurement(name, ccc, "CCC", Provenance.MEASURED, against))
        name, largest = f"continuous_max_{kind}deviation", np.abs(continuous - reference).max()
        rows.append(Measurement(name, float(largest), "output units", Provenance.MEASURED, against))
    return tuple(rows)


def window_groups(plan: ContinuousPlan, values: Sequence[Array], basis: str) -> tuple[Group, ...]:
    """The device's real output values [hops][values], by the second at which each window ends."""
    spec = _spec(plan.graph)
    hop_s = plan.hop_frames * spec.row_hop_samples / spec.sample_rate_hz
    groups = []
    for hop, outputs in enumerate(values, plan.silent_hops + 1):
        rows = (
            Measurement(f"output_{label}", value, "", Provenance.MEASURED, basis)
            for label, value in zip(output_labels(plan.graph), outputs.tolist(), strict=True)
        )
        groups.append(Group(WINDOWS, f"{hop * hop_s:.6g}", 1, tuple(rows)))
    return tuple(groups)


def window_pairs(plan: ContinuousPlan, samples: Array) -> tuple[Array, Array, Array]:
    """Real output values ``[windows, values]`` of an int16 recording [n]: in continuous mode, as
    clips of the same samples, and as clips of the same features.

    Raises InputError for a model without features or a recording shorter than a window.
    """
    spec = _spec(plan.graph)
    graph, hop, window = plan.graph, plan.hop_frames, plan.window_frames
    frames = _frames(graph, spec, samples)
    if len(frames) < window:
        raise InputError(
            f"continuous mode: a recording must fill a window of {window} frames; "
            f"got {len(frames)}."
        )
    ends = range(window, len(frames) + 1, hop)
    hops = continuous_outputs(plan, frames)
    first = window // hop - 1 - plan.silent_hops
    clip_samples = spec.samples_for_rows(window)
    starts = [(end - window) * spec.row_hop_samples for end in ends]
    clips = [_frames(graph, spec, samples[start : start + clip_samples]) for start in starts]
    return (
        np.stack([real_values(graph, outputs) for outputs in hops[first:]]),
        np.stack([_clip(plan, clip) for clip in clips]),
        np.stack([_clip(plan, frames[end - window : end]) for end in ends]),
    )


def _clip(plan: ContinuousPlan, frames: Array) -> Array:
    """Real output values of clip mode."""
    clip = retime(plan.stream.time, len(frames))
    return real_values(clip, run_case(clip, [frames]))


def _spec(graph: Graph) -> FeatureSpec:
    spec = feature_spec(graph)
    if spec is None:
        raise InputError(
            f"{graph.name}: carries no feature specification, so it does not take audio.",
            hint="--features attaches one.",
        )
    return spec


def _frames(graph: Graph, spec: FeatureSpec, samples: Array) -> Array:
    """Quantised frames ``[n, ...]`` of a recording by the numpy reference."""
    entry = graph.tensors[graph.inputs[0]]
    rows = quantise_features(extract(samples, spec), entry.scale, entry.zero_point)
    return rows.reshape(len(rows), *entry.shape[2:])
