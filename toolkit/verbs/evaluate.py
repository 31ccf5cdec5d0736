"""``toolkit eval``: float, integer reference and generated C on labelled recordings."""

from __future__ import annotations

import tempfile
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from toolkit.deploy.deployment import Deployment
from toolkit.deploy.model import load
from toolkit.deploy.stimulus import Stimulus
from toolkit.emit import write_files
from toolkit.errors import InputError
from toolkit.features.metadata import DEFAULT_CLIP_SECONDS
from toolkit.features.quantise import quantise_features
from toolkit.features.recording import Note
from toolkit.ir.tensor import Array
from toolkit.measurement import Check, Issue, Measurement, Provenance
from toolkit.metrics import accuracy, concordance
from toolkit.model.audio import Audio
from toolkit.model.labels import Labels, load_labels
from toolkit.model.reference import run_case
from toolkit.quantize.outputs import decoded, real_values
from toolkit.quantize.snr import int8_snr_db
from toolkit.report import Report
from toolkit.report.plot import Panels, require_matplotlib, scatter
from toolkit.simulate.protocol import HarnessCase
from toolkit.verbs.stages import Stage

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
    max_seconds: float | None = None


def evaluate(request: EvaluationRequest, stage: Stage) -> Report:
    """Figures of every form against the labels, and of the integer forms against the float one.

    Raises InputError for what cannot be used, ToolMissingError for ``plot`` without matplotlib.
    """
    if request.plot is not None:
        require_matplotlib()
    with stage("Load the model"):
        seconds = DEFAULT_CLIP_SECONDS if request.clip_seconds is None else request.clip_seconds
        source = load(request.model, seconds, request.max_seconds)
        deployment = source.quantize(request.calib).deploy(request.target)
        model = deployment.model
        if model.spec is None:
            raise InputError(
                f"{model.name}: carries no feature specification, so it does not take audio.",
                hint="Use `toolkit convert --test` for a model of arrays.",
            )
        labels = load_labels(request.data, request.audio, model.labels, request.label_range)
    with tempfile.TemporaryDirectory(prefix="toolkit-eval-") as scratch:
        with stage(f"Compile with {request.toolchain}"):
            folder = Path(scratch)
            write_files(deployment.project(), folder)
            program = deployment.harness.compile_host(folder, request.toolchain, folder)
        with stage(f"Run {len(labels.files)} recordings"):
            whole = request.clip_seconds is None
            clips = list(_evaluated(deployment, program, labels.files, whole))
    with stage("Compare"):
        outputs = {
            form: np.stack([clip.outputs[form] for clip in clips])
            for form in FORMS
            if form in clips[0].outputs
        }
        measurements = _measurements(model.labels, labels, outputs)
        if request.plot is not None:
            _plot(request.plot, model.name, labels, outputs, model.labels)
    return Report(
        model_name=model.name,
        model_sha256=model.sha256,
        target="host",
        toolchain=request.toolchain,
        simulator="host",
        schedule=deployment.plan.schedule,
        measurements=measurements,
        checks=(_bit_match(clips),),
        issues=(
            *(*model.issues, *deployment.notes),
            *(*_scale_note(labels, outputs), *_audio_notes(clips)),
        ),
    )


@dataclass(frozen=True, eq=False)
class _Recording:
    """Real outputs [values] of one recording by form; whether C is bit for bit the reference on
    the features that C computed."""

    outputs: dict[str, Array]
    bits_match: bool
    notes: tuple[Note, ...]


def _evaluated(
    deployment: Deployment, program: Path, files: Sequence[Path], whole: bool
) -> Iterator[_Recording]:
    for start in range(0, len(files), _CHUNK):
        clips = [
            clip
            for file in files[start : start + _CHUNK]
            for clip in deployment.stimulus(file, whole).clips
        ]
        stimulus = Stimulus(clips=clips).encode(deployment.plan)
        output = deployment.harness.run(program, stimulus, "host").output
        for clip, case in zip(clips, output.cases, strict=True):
            yield _recording(deployment, clip, case)


def _recording(deployment: Deployment, clip: Audio, case: HarnessCase) -> _Recording:
    graph, front_end = deployment.plan.at_rows(clip.rows).graph, deployment.front_end
    assert front_end is not None and case.rows is not None
    features = quantise_features(clip.features, front_end.scale, front_end.zero_point)
    expected = run_case(graph, [features])
    found = decoded(graph, case.outputs)
    same = np.array_equal(case.rows, features)  # features differ by a step here and there
    expected_of_c = expected if same else run_case(graph, [case.rows])
    outputs = {"int8": real_values(graph, expected), "c": real_values(graph, found)}
    float_graph = deployment.model.float_at(clip.rows)
    if float_graph is not None:
        outputs["float"] = real_values(float_graph, run_case(float_graph, [clip.features]))
    bits_match = all(
        np.array_equal(a.ravel(), b) for a, b in zip(expected_of_c, found, strict=True)
    )
    return _Recording(outputs, bits_match, clip.notes)


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


def _bit_match(clips: Sequence[_Recording]) -> Check:
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


def _audio_notes(clips: Sequence[_Recording]) -> tuple[Issue, ...]:
    kinds = Counter(note.kind for clip in clips for note in clip.notes)
    if not kinds:
        return ()
    done = ", ".join(f"{number} {kind}" for kind, number in kinds.items())
    return (Issue("audio", f"of {len(clips)} recordings {done}"),)


def _plot(
    path: Path, title: str, labels: Labels, outputs: dict[str, Array], names: Sequence[str]
) -> None:
    """Predictions over labels; of a classifier, the C's scores over the float's."""
    shown = {FORMS[form]: outputs[form] for form in ("float", "c") if form in outputs}
    if not labels.is_classes:
        scatter(path, Panels(title, names, "label", labels.values, shown))
        return
    base = "float" if "float" in outputs else "int8"
    over = {FORMS["c"]: outputs["c"]}
    scatter(path, Panels(title, names, FORMS[base], outputs[base], over))
