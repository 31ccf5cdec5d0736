"""``toolkit eval``: float, integer reference and generated C on labelled recordings."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from toolkit.deploy.findings import Audio, load_audio
from toolkit.deploy.run import compile_host, run
from toolkit.emit import emit_project, write_files
from toolkit.errors import InputError
from toolkit.features.metadata import DEFAULT_CLIP_SECONDS, feature_spec
from toolkit.features.quantise import quantise_features
from toolkit.features.spec import FeatureSpec
from toolkit.ir import Graph
from toolkit.ir.tensor import Array, dequantize
from toolkit.measurement import Check, Issue, Measurement, Provenance
from toolkit.metrics import accuracy, concordance
from toolkit.model.int8 import to_int8
from toolkit.model.labels import Labels, load_labels
from toolkit.model.source import load_source, output_labels
from toolkit.ops.execute import run_graph
from toolkit.plan import Plan, stream_of
from toolkit.plan.schedule import ScheduleRequest, at_clip_length, choose_plan
from toolkit.plan.time_axis import find_time_axis, retime
from toolkit.quantize.snr import int8_snr_db
from toolkit.report import Report
from toolkit.report.plot import require_matplotlib, scatter
from toolkit.simulate.protocol import HarnessCase, encode_audio
from toolkit.targets import Target, load_target
from toolkit.tflite.read import read_tflite

Stage = Callable[[str], AbstractContextManager[None]]
STAGES = 4

#: The forms of a model that are compared, by the prefix of their figures' names.
FORMS = {"float": "float", "int8": "int8 reference", "c": "generated C"}
#: Recordings the host program takes at once.
_CHUNK = 32
#: Labels further than this beyond the outputs' own span are on another scale.
_ANOTHER_SCALE = 1.0


@dataclass(frozen=True)
class EvaluationRequest:
    """What the user asked for; without ``clip_seconds`` a model that can stream takes whole clips,
    any other the length it was made for.

    ``target`` is whose C is generated; run on the workstation, only the arithmetic of its features
    shows."""

    model: str
    data: Path
    audio: Path
    clip_seconds: float | None = None
    calib: Path | None = None
    label_range: tuple[float, float] | None = None
    plot: Path | None = None
    toolchain: str = "zig"
    target: str = "cortex-m4"


@dataclass(frozen=True, eq=False)
class Model:
    """The forms of one model: the float graph may be absent."""

    spec: FeatureSpec
    graph: Graph
    plan: Plan
    target: Target
    float_graph: Graph | None


def evaluate(request: EvaluationRequest, stage: Stage) -> Report:
    """Figures of every form against the labels, and of the integer forms against the float one.

    Raises InputError for what cannot be used, ToolMissingError for ``plot`` without matplotlib.
    """
    if request.plot is not None:
        require_matplotlib()
    with stage("Load the model"):
        seconds = DEFAULT_CLIP_SECONDS if request.clip_seconds is None else request.clip_seconds
        source = load_source(request.model, seconds)
        data, issues = to_int8(source, "fused", request.calib)
        graph = read_tflite(data, source.name)
        model, notes = _model(graph, source.float_graph, request)
        names = output_labels(graph, sum(graph.tensors[n].elements for n in graph.outputs))
        labels = load_labels(request.data, request.audio, names, request.label_range)
    with tempfile.TemporaryDirectory(prefix="toolkit-eval-") as scratch:
        with stage(f"Compile with {request.toolchain}"):
            folder = Path(scratch)
            project = emit_project(graph, model.plan, model.target, data, model.spec)
            write_files(project, folder)
            program = compile_host(folder, request.toolchain, True, folder)
        with stage(f"Run {len(labels.files)} recordings"):
            whole = stream_of(model.plan) is not None and request.clip_seconds is None
            clips = list(_evaluated(model, program, labels.files, whole))
    with stage("Compare"):
        outputs = {
            form: np.stack([clip.outputs[form] for clip in clips])
            for form in FORMS
            if form in clips[0].outputs
        }
        measurements = _measurements(names, labels, outputs)
        if request.plot is not None:
            _plot(request.plot, source.name, names, labels, outputs)
    return Report(
        model_name=source.name,
        model_sha256=source.sha256,
        target="host",
        toolchain=request.toolchain,
        simulator="host",
        schedule=model.plan.schedule,
        measurements=measurements,
        checks=(_bit_match(clips),),
        issues=(*issues, *notes, *_scale_note(labels, outputs), *_audio_notes(clips)),
    )


@dataclass(frozen=True, eq=False)
class _Clip:
    """Real outputs [values] of one recording by form; whether C is bit for bit the reference on
    the features that C computed."""

    outputs: dict[str, Array]
    bits_match: bool
    is_altered: bool


def _model(
    graph: Graph, float_graph: Graph | None, request: EvaluationRequest
) -> tuple[Model, tuple[Issue, ...]]:
    spec = feature_spec(graph)
    if spec is None:
        raise InputError(
            f"{graph.name}: carries no feature specification, so it does not take audio.",
            hint="Use `toolkit convert --test` for a model of arrays.",
        )
    target = load_target(request.target)
    plan, notes = choose_plan(graph, ScheduleRequest(), target)
    return Model(spec, graph, plan, target, float_graph), notes


def _evaluated(model: Model, program: Path, files: Sequence[Path], whole: bool) -> Iterator[_Clip]:
    for start in range(0, len(files), _CHUNK):
        audio = [
            load_audio(file, model.spec, model.graph, whole)
            for file in files[start : start + _CHUNK]
        ]
        stimulus, width = encode_audio([clip.samples for clip in audio]), model.spec.row_values
        _, output = run(program, stimulus, "host", model.target, model.graph, width)
        for clip, case in zip(audio, output.cases, strict=True):
            yield _clip(model, clip, case)


def _clip(model: Model, audio: Audio, case: HarnessCase) -> _Clip:
    graph = at_clip_length(model.graph, model.plan, audio.rows)
    entry = graph.tensors[graph.inputs[0]]
    features = quantise_features(audio.features, entry.scale, entry.zero_point)
    expected = _run_int(graph, features)
    found = [
        np.frombuffer(data, graph.tensors[name].dtype.numpy)
        for name, data in zip(graph.outputs, case.outputs, strict=True)
    ]
    assert case.rows is not None
    if not np.array_equal(case.rows, features):  # features differ by a step here and there
        expected_of_c = _run_int(graph, case.rows)
    else:
        expected_of_c = expected
    outputs = {"int8": _real(graph, expected), "c": _real(graph, found)}
    if model.float_graph is not None:
        outputs["float"] = _run_float(model, audio)
    bits_match = all(
        np.array_equal(a.ravel(), b) for a, b in zip(expected_of_c, found, strict=True)
    )
    return _Clip(outputs, bits_match, bool(audio.issues))


def _run_int(graph: Graph, rows: Array) -> list[Array]:
    (entry,) = graph.inputs
    values = run_graph(graph, {entry: rows.reshape(graph.tensors[entry].shape)})
    return [values[name] for name in graph.outputs]


def _run_float(model: Model, audio: Audio) -> Array:
    graph = model.float_graph
    assert graph is not None
    (entry,) = graph.inputs
    if graph.tensors[entry].elements != audio.features.size:
        graph = retime(find_time_axis(graph), audio.rows)
    values = run_graph(graph, {entry: audio.features.reshape(graph.tensors[entry].shape)})
    return np.concatenate([values[name].ravel() for name in graph.outputs])


def _real(graph: Graph, outputs: Sequence[Array]) -> Array:
    values = []
    for name, output in zip(graph.outputs, outputs, strict=True):
        quant = graph.tensors[name].quant
        assert quant is not None
        values.append(dequantize(output, quant).ravel())
    return np.concatenate(values)


# --- what is reported ---------------------------------------------------------------------------
def _measurements(
    names: Sequence[str], labels: Labels, outputs: dict[str, Array]
) -> tuple[Measurement, ...]:
    rows = []
    count = len(labels.files)
    for form, values in outputs.items():
        basis = f"{FORMS[form]} against labels, {count} recordings"
        # Plain names are what runs on the device.
        prefix = "" if form == "c" else f"{form}_"
        if labels.is_classes:
            rows.append(
                _measured(f"{prefix}accuracy", accuracy(values, labels.values), "fraction", basis)
            )
            continue
        for index, name in enumerate(names):
            ccc = concordance(values[:, index], labels.values[:, index])
            rows.append(_measured(f"{prefix}ccc_{name}", ccc, "CCC", basis))
    if "float" in outputs:
        rows += _against_float(names, outputs, count)
    return tuple(rows)


def _against_float(
    names: Sequence[str], outputs: dict[str, Array], count: int
) -> Iterator[Measurement]:
    reference = outputs["float"]
    for form in ("int8", "c"):
        values, basis = outputs[form], f"{FORMS[form]} against float, {count} recordings"
        for index, name in enumerate(names):
            ccc = concordance(values[:, index], reference[:, index])
            yield _measured(f"{form}_ccc_to_float_{name}", ccc, "CCC", basis)
        error = np.abs(values - reference)
        yield _measured(f"{form}_max_deviation", float(error.max()), "output units", basis)
        yield _measured(f"{form}_mean_deviation", float(error.mean()), "output units", basis)
    snr = int8_snr_db(reference, outputs["int8"])
    if np.isfinite(snr):
        basis = f"integer reference against float, {count} recordings"
        yield _measured("int8_snr_db", snr, "dB", basis)


def _measured(name: str, value: float, unit: str, basis: str) -> Measurement:
    return Measurement(name, round(value, 6), unit, Provenance.MEASURED, basis)


def _bit_match(clips: Sequence[_Clip]) -> Check:
    differing = sum(not clip.bits_match for clip in clips)
    detail = (
        f"outputs of {differing} of {len(clips)} recordings differ from the integer reference on "
        "the features that C computed"
    )
    return Check("bit_match", differing == 0, detail)


def _scale_note(labels: Labels, outputs: dict[str, Array]) -> tuple[Issue, ...]:
    """A hint where labels can hardly be in the outputs' units."""
    values = outputs["c"]
    low, high = float(values.min()) - _ANOTHER_SCALE, float(values.max()) + _ANOTHER_SCALE
    if labels.is_classes or (low <= labels.values.min() and labels.values.max() <= high):
        return ()
    note = (
        f"labels lie in {labels.values.min():g}..{labels.values.max():g}, outputs in "
        f"{values.min():g}..{values.max():g}: is that one scale? --label-range maps the labels"
    )
    return (Issue("evaluation.scale", note),)


def _audio_notes(clips: Sequence[_Clip]) -> tuple[Issue, ...]:
    altered = sum(clip.is_altered for clip in clips)
    if not altered:
        return ()
    note = f"{altered} of {len(clips)} recordings were cropped, padded, mixed down or resampled"
    return (Issue("audio", note),)


def _plot(
    path: Path, title: str, names: Sequence[str], labels: Labels, outputs: dict[str, Array]
) -> None:
    """Predictions over labels; of a classifier, the C's scores over the float's."""
    shown = {FORMS[form]: outputs[form] for form in ("float", "c") if form in outputs}
    if not labels.is_classes:
        scatter(path, title, names, "label", labels.values, shown)
        return
    base = "float" if "float" in outputs else "int8"
    scatter(path, title, names, FORMS[base], outputs[base], {FORMS["c"]: outputs["c"]})
