"""What a firmware is run on, and how its outputs and features compare with the references."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from toolkit.compare.features import (
    arithmetic_in_use,
    arithmetic_notes,
    compare_features,
    judge_features,
    locate_deviation,
)
from toolkit.deploy.run import Case, find_mismatches, is_builtin, reference_outputs
from toolkit.errors import InputError
from toolkit.features.audio import fit_clip, load_clip
from toolkit.features.extract import extract
from toolkit.features.quantise import quantise_features
from toolkit.features.spec import FeatureSpec
from toolkit.ir import Graph
from toolkit.ir.tensor import Array, dequantize
from toolkit.measurement import Check, Issue, Measurement, Provenance
from toolkit.model.inputs import random_cases
from toolkit.model.source import MAX_CLIP_SECONDS, output_labels
from toolkit.ops.execute import run_graph
from toolkit.plan import ContinuousPlan, Plan, stream_of
from toolkit.plan.continuous_reference import continuous_outputs
from toolkit.report.model import Prediction
from toolkit.simulate.protocol import HarnessOutput, encode_audio, encode_frames, encode_tensors
from toolkit.tflite.oracle import run_tflm, tflm_available
from toolkit.tflite.write import write_tflite

RANDOM_CASES = 4


@dataclass(frozen=True, eq=False)
class Audio:
    """A clip of the model's length, and its features by the numpy reference, [rows, row_values]."""

    spec: FeatureSpec
    samples: Array
    features: Array
    issues: tuple[Issue, ...]

    @property
    def seconds(self) -> float:
        return len(self.samples) / self.spec.sample_rate_hz

    @property
    def rows(self) -> int:
        return len(self.features)


@dataclass(frozen=True)
class Findings:
    """What a comparison adds to the report."""

    measurements: tuple[Measurement, ...]
    checks: tuple[Check, ...]
    predictions: tuple[Prediction, ...] = ()
    issues: tuple[Issue, ...] = ()


def load_audio(path: Path, spec: FeatureSpec, graph: Graph, whole: bool) -> Audio:
    """The ``whole`` clip (up to a minute), or cropped or padded to what the model's input holds.

    Raises AudioError for an unusable file, InputError where features do not fit the input.
    """
    entry = graph.tensors[graph.inputs[0]]
    if len(graph.inputs) != 1 or entry.elements % spec.row_values:
        raise InputError(
            f"features of {spec.row_values} values a row do not fit the model's inputs "
            f"{[list(graph.tensors[name].shape) for name in graph.inputs]}."
        )
    clip = load_clip(path, spec.sample_rate_hz)
    rows = entry.elements // spec.row_values
    if whole:
        longest = round(MAX_CLIP_SECONDS * spec.sample_rate_hz)
        rows = spec.rows_for_samples(min(len(clip.samples), longest))
    fitted = fit_clip(clip.samples, spec, rows)
    issues = tuple(Issue("audio", f"{path.name}: {n}") for n in (*clip.notes, *fitted.notes))
    return Audio(spec, fitted.samples, extract(fitted.samples, spec), issues)


def random_inputs(graph: Graph, count: int = RANDOM_CASES) -> list[list[Array]]:
    """Random cases (fixed seed) for a model without features, one array a model input."""
    columns = [random_cases(graph.tensors[n], count, i) for i, n in enumerate(graph.inputs)]
    return [list(case) for case in zip(*columns, strict=True)]


def harness_input(plan: Plan, audio: Audio | None, cases: Sequence[Case]) -> bytes:
    """The input.bin of a clip, or of tensor cases (frame by frame for a streamed model)."""
    if audio is not None:
        return encode_audio([audio.samples])
    if stream_of(plan) is not None:
        return encode_frames([case[0][0] for case in cases])
    return encode_tensors([[np.ascontiguousarray(t).tobytes() for t in case] for case in cases])


def compare(
    graph: Graph,
    plan: Plan,
    output: HarnessOutput,
    audio: Audio | None,
    cases: Sequence[Case],
    float_graph: Graph | None,
    arithmetic: str,
    locate: Callable[[Case], str],
) -> Findings:
    """Outputs against the integer reference (and TFLM where it can run the model), features and
    predictions against the float reference.  Both graphs are the batch network of the clip,
    ``arithmetic`` is what the features were computed in.  ``locate`` says which layer of a case is
    wrong; it is asked where outputs differ."""
    measurements: list[Measurement] = []
    checks: list[Check] = []
    predictions: tuple[Prediction, ...] = ()
    issues: list[Issue] = []
    if audio is not None:
        rows = output.cases[0].rows
        assert rows is not None
        cases = [[rows.reshape(graph.tensors[graph.inputs[0]].shape)]]
        figures, check = _compare_features(graph, audio, rows, arithmetic)
        measurements += figures
        checks.append(check)
        asked = arithmetic_notes(audio.spec, arithmetic)
        issues += [*audio.issues, *(Issue("features", note) for note in asked)]
        predictions = _predictions(graph, output, audio, float_graph)
    if isinstance(plan, ContinuousPlan):
        found = list(output.cases[0].hops)
        expected = _continuous_reference(plan, cases[0][0][0])
    else:
        found = [case.outputs for case in output.cases]
        expected = reference_outputs(graph, cases)
    mismatches = find_mismatches(graph, expected, found)
    differing = sum(m.differing_bytes for m in mismatches)
    total = sum(len(data) for case in found for data in case)
    detail = f"{differing} of {total} output bytes differ from the integer reference"
    basis = "device outputs against the numpy integer reference"
    measurements.append(
        Measurement("output_mismatches", differing, "bytes", Provenance.MEASURED, basis)
    )
    where = ""
    if mismatches:
        wrong = cases[0 if isinstance(plan, ContinuousPlan) else mismatches[0].case]
        where = locate(wrong)
        detail = "; ".join([detail, where, *map(str, mismatches[:3])])
    checks.insert(0, Check("bit_match", not differing, detail, where=where))
    if is_builtin(graph) and tflm_available() and not isinstance(plan, ContinuousPlan):
        checks.append(_tflm_check(graph, cases, found))
    return Findings(tuple(measurements), tuple(checks), predictions, tuple(issues))


def _continuous_reference(plan: ContinuousPlan, frames: Array) -> list[tuple[bytes, ...]]:
    """Output bytes of every hop, by the numpy reference of continuous mode."""
    return [
        tuple(np.ascontiguousarray(values).tobytes() for values in hop)
        for hop in continuous_outputs(plan, frames)
    ]


def _tflm_check(graph: Graph, cases: Sequence[Case], found: Sequence[Sequence[bytes]]) -> Check:
    columns = [np.stack(column) for column in zip(*cases, strict=True)]
    outputs = run_tflm(write_tflite(graph), columns).outputs
    expected = [
        [np.ascontiguousarray(column[index]).tobytes() for column in outputs]
        for index in range(len(cases))
    ]
    differing = sum(m.differing_bytes for m in find_mismatches(graph, expected, found))
    detail = f"{differing} output bytes differ from TFLM's interpreter"
    return Check("tflm_match", not differing, detail)


def _compare_features(
    graph: Graph, audio: Audio, rows: Array, arithmetic: str
) -> tuple[list[Measurement], Check]:
    """Both figures of the clip, and whether they are what is asked; that only informs, for a clip
    may be shorter, or harsher, than what the bounds are for."""
    entry = graph.tensors[graph.inputs[0]]
    reference = quantise_features(audio.features, entry.scale, entry.zero_point)
    identical, error_steps = compare_features(reference, rows)
    arithmetic = arithmetic_in_use(audio.spec, arithmetic)
    measured = Provenance.MEASURED
    basis = f"device features in {arithmetic} arithmetic against the numpy reference, int8"
    figures = [
        Measurement("feature_identical_fraction", identical, "fraction", measured, basis),
        Measurement("feature_max_error_steps", error_steps, "steps", measured, basis),
    ]
    passed, detail = judge_features(arithmetic, identical, error_steps)
    where = locate_deviation(reference, rows, audio.spec)
    detail = f"{detail}; {where}" if where else detail
    return figures, Check("features_match", passed, detail, required=False, where=where)


def _predictions(
    graph: Graph, output: HarnessOutput, audio: Audio, float_graph: Graph | None
) -> tuple[Prediction, ...]:
    device: list[float] = []
    for name, data in zip(graph.outputs, output.cases[0].outputs, strict=True):
        tensor = graph.tensors[name]
        assert tensor.quant is not None
        device += dequantize(np.frombuffer(data, tensor.dtype.numpy), tensor.quant).tolist()
    floats: list[float | None] = [None] * len(device)
    if float_graph is not None:
        entry = float_graph.tensors[float_graph.inputs[0]]
        values = run_graph(float_graph, {entry.name: audio.features.reshape(entry.shape)})
        floats = [float(v) for name in float_graph.outputs for v in values[name].ravel()]
    labels = output_labels(graph, len(device))
    return tuple(map(Prediction, labels, floats, device))
