"""``toolkit eval``: float, integer reference and generated C on labelled recordings."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np

from toolkit.deploy.deployment import Deployment
from toolkit.deploy.model import load
from toolkit.emit import write_files
from toolkit.errors import InputError
from toolkit.features.metadata import DEFAULT_CLIP_SECONDS, MAX_CLIP_SECONDS
from toolkit.measurement import Check, Issue
from toolkit.model.labels import Labels, joined, load_labels
from toolkit.report import Report
from toolkit.report.model import Group
from toolkit.report.plot import Panels, require_matplotlib, scatter
from toolkit.verbs.evaluate_figures import (
    against_float,
    against_labels,
    audio_notes,
    few_note,
    group,
    groups_by,
    intervals,
)
from toolkit.verbs.evaluate_run import FORMS, ModelRun, c_outputs, run_model
from toolkit.verbs.stages import Stage, Tell

STAGES = 4

#: Labels further than this beyond the outputs' own span are on another scale.
_ANOTHER_SCALE = 1.0
#: Files of a model's inputs.
ARRAY_SUFFIXES = (".npy", ".npz")
#: What `lengths` may not be: there is no clip so short or long.
_SHORTEST_SECONDS = 0.2


@dataclass(frozen=True)
class Corpus:
    """Labels, their recordings, and the ends of the labels' scale."""

    data: Path
    audio: Path
    label_range: tuple[float, float] | None = None


@dataclass(frozen=True)
class EvaluationRequest:
    """What the user asked for; without ``clip_seconds`` a model that can stream takes whole clips,
    any other the length it was made for.

    Several ``models`` are one recipe's seeds: their figures are mean and deviation.  ``by`` are
    columns of the label files whose values are told apart, ``lengths`` seconds of a length curve.
    ``target`` is whose C is generated; run on the workstation, only the arithmetic of its features
    shows."""

    models: tuple[str, ...]
    corpora: tuple[Corpus, ...]
    by: tuple[str, ...] = ()
    lengths: tuple[float, ...] = ()
    clip_seconds: float | None = None
    calib: Path | None = None
    plot: Path | None = None
    toolchain: str = "zig"
    target: str = "cortex-m4"
    max_seconds: float | None = None
    states: tuple[str, ...] = ()
    features: str | None = None


def _tell_part(tell: Tell, before: int, models: int, part: float) -> None:
    """Tell how far a part of one model is of all."""
    tell((before + part) / models)


def evaluate(request: EvaluationRequest, stage: Stage) -> Report:
    """Figures of every form against the labels, and of the integer forms against the float one.

    Raises InputError for what cannot be used, ToolMissingError for ``plot`` without matplotlib.
    """
    if request.plot is not None:
        require_matplotlib()
    _require_lengths(request)
    with stage("Load the model"):
        deployments = [_deployment(request, model) for model in request.models]
        names = _names(deployments)
        labels = _labels(request, deployments)
    with ExitStack() as scratch:
        programs = []
        with stage(f"Compile with {request.toolchain}"):
            for deployment in deployments:
                folder = scratch.enter_context(tempfile.TemporaryDirectory(prefix="toolkit-eval-"))
                programs.append(_compiled(deployment, Path(folder), request.toolchain))
        with stage(f"Run {len(labels.files)} recordings") as tell:
            whole = request.clip_seconds is None
            runs: list[ModelRun] = []
            for deployment, program in zip(deployments, programs, strict=True):
                part = partial(_tell_part, tell, len(runs), len(programs))
                runs.append(run_model(deployment, program, labels.files, whole, part))
            lengths = tuple(_length_curve(request, names, labels, runs))
    with stage("Compare"):
        measurements = list(against_labels(names, labels, runs))
        if not labels.is_classes:
            measurements += intervals(names, labels, runs)
        if len(runs) == 1 and "float" in runs[0].outputs:
            measurements += against_float(names, runs[0])
        if request.plot is not None:
            _plot(request.plot, labels, runs[0], names)
    first, count = deployments[0], len(labels.files)
    return Report(
        model_name=", ".join(run.name for run in runs),
        model_sha256=first.model.sha256 if len(runs) == 1 else "",
        target="host",
        toolchain=request.toolchain,
        simulator="host",
        schedule=first.plan.schedule,
        measurements=tuple(measurements),
        checks=(_bit_match(runs, count),),
        issues=(
            *(issue for d in deployments for issue in (*d.model.issues, *d.notes)),
            *(*_scale_note(labels, runs), *audio_notes(runs, count), *few_note(count)),
        ),
        groups=(*_groups(request, names, labels, runs), *lengths),
    )


def _deployment(request: EvaluationRequest, model: str) -> Deployment:
    seconds = DEFAULT_CLIP_SECONDS if request.clip_seconds is None else request.clip_seconds
    source = load(
        model,
        seconds,
        request.max_seconds,
        states=request.states,
        features=request.features,
    )
    return source.quantize(request.calib).deploy(request.target)


def _names(deployments: Sequence[Deployment]) -> tuple[str, ...]:
    names = deployments[0].model.labels
    for deployment in deployments[1:]:
        if deployment.model.labels != names:
            raise InputError(
                f"{deployment.model.name}: has other outputs than {deployments[0].model.name}; "
                "several models must be one recipe's."
            )
    return names


def _labels(request: EvaluationRequest, deployments: Sequence[Deployment]) -> Labels:
    """The labels of all corpora, which are called as the folders of their label files."""
    names = deployments[0].model.labels
    takes_audio = all(deployment.front_end is not None for deployment in deployments)
    parts = {
        corpus.data.resolve().parent.name: load_labels(
            corpus.data, corpus.audio, names, corpus.label_range
        )
        for corpus in request.corpora
    }
    if len(parts) < len(request.corpora):
        raise InputError(
            "--data: label files of several corpora must lie in folders of other names."
        )
    if len({part.is_classes for part in parts.values()}) > 1:
        raise InputError(
            "--data: some labels are classes and some are numbers.",
            hint="Evaluate them one by one.",
        )
    labels = joined(parts)
    arrays = [file for file in labels.files if file.suffix.lower() in ARRAY_SUFFIXES]
    if not takes_audio and len(arrays) < len(labels.files):
        other = next(file for file in labels.files if file not in arrays)
        raise InputError(
            f"{other}: the model carries no feature specification, so it does not take audio.",
            hint=f"Name files of its inputs ({', '.join(ARRAY_SUFFIXES)}) in the label file.",
        )
    for column in request.by:
        if column not in labels.columns:
            known = ", ".join(f"'{name}'" for name in labels.columns) or "none"
            raise InputError(
                f"--by {column}: the label files have no such column; found {known}.",
                hint="Name one of these.",
            )
    return labels


def _require_lengths(request: EvaluationRequest) -> None:
    for seconds in request.lengths:
        if not _SHORTEST_SECONDS <= seconds <= MAX_CLIP_SECONDS:
            raise InputError(
                f"--lengths: must lie in {_SHORTEST_SECONDS:g}..{MAX_CLIP_SECONDS:g} seconds; got "
                f"{seconds:g}."
            )


def _compiled(deployment: Deployment, folder: Path, toolchain: str) -> Path:
    write_files(deployment.project(), folder)
    return deployment.harness.compile_host(folder, toolchain, folder)


def _groups(
    request: EvaluationRequest, names: Sequence[str], labels: Labels, runs: Sequence[ModelRun]
) -> Iterator[Group]:
    if len(runs) > 1:
        every = np.ones(len(labels.files), dtype=bool)
        for number, run in enumerate(runs, 1):
            title = f"{number} {run.name}"
            yield group("model", title, names, labels, every, [run.outputs["c"]])
    for column in request.by:
        yield from groups_by(column, names, labels, runs)


def _length_curve(
    request: EvaluationRequest, names: Sequence[str], labels: Labels, runs: Sequence[ModelRun]
) -> Iterator[Group]:
    if request.lengths and not all(run.deployment.plan.any_length for run in runs):
        raise InputError(
            f"--lengths: {runs[0].name} takes clips of one length.", hint="Leave --lengths out."
        )
    every = np.ones(len(labels.files), dtype=bool)
    for seconds in request.lengths:
        outputs = [c_outputs(r.deployment, r.program, labels.files, seconds) for r in runs]
        yield group("seconds", f"{seconds:g}", names, labels, every, outputs)


def _bit_match(runs: Sequence[ModelRun], count: int) -> Check:
    differing = sum(run.differing for run in runs)
    detail = (
        f"outputs of {differing} of {count * len(runs)} recordings differ from the integer "
        "reference on the features that C computed"
    )
    return Check("bit_match", differing == 0, detail)


def _scale_note(labels: Labels, runs: Sequence[ModelRun]) -> tuple[Issue, ...]:
    """A hint where labels can hardly be in the outputs' units."""
    values = runs[0].outputs["c"]
    low, high = float(values.min()) - _ANOTHER_SCALE, float(values.max()) + _ANOTHER_SCALE
    if labels.is_classes or (low <= labels.values.min() and labels.values.max() <= high):
        return ()
    note = (
        f"labels lie in {labels.values.min():g}..{labels.values.max():g}, outputs in "
        f"{values.min():g}..{values.max():g}: is that one scale? --label-range maps the labels"
    )
    return (Issue("evaluation.scale", note),)


def _plot(path: Path, labels: Labels, run: ModelRun, names: Sequence[str]) -> None:
    """Predictions over labels; of a classifier, the C's scores over the float's."""
    outputs, title = run.outputs, run.name
    shown = {FORMS[form]: outputs[form] for form in ("float", "c") if form in outputs}
    if not labels.is_classes:
        scatter(path, Panels(title, names, "label", labels.values, shown))
        return
    base = "float" if "float" in outputs else "int8"
    over = {FORMS["c"]: outputs["c"]}
    scatter(path, Panels(title, names, FORMS[base], outputs[base], over))
