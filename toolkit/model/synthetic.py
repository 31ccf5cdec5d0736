"""Inputs made up for a model where there are no recordings."""

from __future__ import annotations

import math

import numpy as np

from toolkit.features.audio import fit_clip, load_clip
from toolkit.features.extract import extract
from toolkit.features.metadata import feature_spec
from toolkit.features.spec import FeatureSpec
from toolkit.features.synthetic import speech_like
from toolkit.ir import Graph
from toolkit.ir.tensor import Array
from toolkit.model.inputs import as_cases
from toolkit.model.reference import steps_of
from toolkit.model.source import demo_clip
from toolkit.quantize.outputs import Batch, as_steps

#: Cases made up where there are no recordings.
SYNTHETIC_CASES = 8
#: Steps of such a clip, of a model with states.
SYNTHETIC_STEPS = 32


def synthetic_batches(graph: Graph, count: int = SYNTHETIC_CASES) -> tuple[list[Batch], str]:
    """Inputs made up for a model, and in words what they are; of a model with states clips of
    `SYNTHETIC_STEPS` steps."""
    spec = feature_spec(graph)
    if graph.states:
        return _synthetic_steps(graph, count, spec)
    if spec is None or len(graph.inputs) != 1:
        return [_noise(graph, seed) for seed in range(count)], "standard normal noise"
    shape = graph.tensors[graph.inputs[0]].shape
    rows = math.prod(shape) // spec.row_values
    seconds = spec.samples_for_rows(rows) / spec.sample_rate_hz
    clips = [load_clip(demo_clip(), spec.sample_rate_hz).samples]
    clips += [speech_like(seconds, spec.sample_rate_hz, n) for n in range(count)]
    what = f"{count} clips of synthesised speech-like sound and the demo clip"
    return [{graph.inputs[0]: features_of(clip, spec, rows, shape)} for clip in clips], what


def features_of(samples: Array, spec: FeatureSpec, rows: int, shape: tuple[int, ...]) -> Array:
    """Features of the beginning of a clip as a model input of ``shape``."""
    features = extract(fit_clip(samples, spec, rows).samples, spec)
    case: Array = as_cases(features[None], shape, "feature specification")[0]
    return case


def _synthetic_steps(graph: Graph, count: int, spec: FeatureSpec | None) -> tuple[list[Batch], str]:
    """Clips of steps, one after the other."""
    entry, steps = graph.tensors[graph.free_inputs[0]], SYNTHETIC_STEPS
    if spec is None or len(graph.free_inputs) != 1 or entry.elements % spec.row_values:
        cases = [_noise(graph, seed) for seed in range(count * steps)]
        what = f"{count} clips of {steps} steps of standard normal noise"
    else:
        rows = steps * entry.elements // spec.row_values
        samples = spec.samples_for_rows(rows)
        made = (
            speech_like(samples / spec.sample_rate_hz, spec.sample_rate_hz, n) for n in range(count)
        )
        features = (extract(fit_clip(clip, spec, rows).samples, spec) for clip in made)
        cases = [{entry.name: step} for clip in features for step in steps_of(clip, entry)]
        what = f"{count} clips of synthesised speech-like sound"
    return as_steps(graph, cases, [index // steps for index in range(len(cases))]), what


def _noise(graph: Graph, seed: int) -> dict[str, Array]:
    generator = np.random.default_rng(seed)
    return {
        name: generator.standard_normal(graph.tensors[name].shape).astype(np.float32)
        for name in graph.free_inputs
    }
