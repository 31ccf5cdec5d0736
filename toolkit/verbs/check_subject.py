"""What a budget judges becomes a report: built, profiled, or read from the user's own firmware."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from pathlib import Path

from toolkit.budget.identity import DIGITS, content_hash, identity_of
from toolkit.budget.model import Subject
from toolkit.compare.accuracy import Accuracy, measure_accuracy
from toolkit.deploy.model import load
from toolkit.errors import InputError
from toolkit.features.metadata import DEFAULT_CLIP_SECONDS
from toolkit.measurement import Issue, Measurement
from toolkit.model.zoo import zoo_model
from toolkit.plan.schedule import ScheduleRequest
from toolkit.report import LayerRow, Report
from toolkit.report.model import SCHEMA_VERSION
from toolkit.resources import __version__
from toolkit.targets import Placement
from toolkit.verbs.build import BuildRequest, build
from toolkit.verbs.check_firmware import firmware_report
from toolkit.verbs.evaluate import Corpus, EvaluationRequest, evaluate
from toolkit.verbs.profile import ProfileRequest, profile
from toolkit.verbs.stages import silent

#: What of a subject is data, hashed by content; everything else that is not a key of the identity
#: is an option.
_DATA = ("calib", "test", "labels", "audio", "clip", "elf", "map")
_OWN = ("target", "model", "toolchain", "simulator", "schedule", "features", *_DATA)
#: Options by what they are where the budget says nothing.
_DEFAULTS = {f.name: f.default for f in fields(Subject)}


@dataclass(frozen=True)
class AccuracyRequest:
    """Data on which the int8 form of a model is held against its float form."""

    model: str
    data: Path
    calib: Path | None
    seconds: float
    max_seconds: float | None
    states: tuple[str, ...] = ()
    features: str | None = None


def clip_seconds(subject: Subject) -> float:
    return DEFAULT_CLIP_SECONDS if subject.seconds is None else subject.seconds


def placement(subject: Subject) -> Placement:
    """What the subject's start-up code copies to RAM."""
    return Placement.of_words(subject.hot_code, subject.weights)


def make_report(subject: Subject) -> Report:
    """The report of a subject, without accuracy against float; raises as the verbs do."""
    if subject.mode == "firmware":
        return firmware_report(subject)
    assert subject.model is not None
    schedule = ScheduleRequest(
        subject.schedule,
        subject.time_axis,
        subject.optimize,
        subject.hop_out,
        subject.window,
    )
    if subject.mode == "profile":
        wanted = ProfileRequest(
            model=subject.model,
            targets=(subject.target,),
            clip_seconds=clip_seconds(subject),
            calib=subject.calib,
            schedule=schedule,
            arithmetic=subject.arithmetic,
            policy=subject.policy,
            placement=placement(subject),
            max_seconds=subject.max_seconds,
            states=subject.state,
            features=subject.features,
        )
        report = profile(wanted)[0]
    else:
        with tempfile.TemporaryDirectory(prefix="toolkit-check-") as folder:
            request = BuildRequest(
                model=subject.model,
                target=subject.target,
                out=Path(folder) / "out",
                audio=subject.clip,
                calib=subject.calib,
                clip_seconds=subject.seconds,
                toolchain=subject.toolchain,
                simulator=subject.simulator,
                schedule=schedule,
                arithmetic=subject.arithmetic,
                policy=subject.policy,
                placement=placement(subject),
                max_seconds=subject.max_seconds,
                states=subject.state,
                features=subject.features,
                allow_misfit=True,  # what must hold is what the budget says
            )
            report = build(request, silent)
    return _against_labels(report, subject)


def _against_labels(report: Report, subject: Subject) -> Report:
    """The report with the figures of the labelled recordings."""
    if subject.labels is None or subject.audio is None or subject.model is None:
        return report
    request = EvaluationRequest(
        models=(subject.model,),
        corpora=(Corpus(subject.labels, subject.audio, subject.label_range),),
        clip_seconds=subject.seconds,
        max_seconds=subject.max_seconds,
        states=subject.state,
        features=subject.features,
        calib=subject.calib,
        toolchain=subject.toolchain,
        target=subject.target,
    )
    found = evaluate(request, silent)
    checks = tuple(replace(c, name=f"{c.name}_recordings") for c in found.checks)
    return replace(
        report,
        measurements=(*report.measurements, *found.measurements),
        checks=(*report.checks, *checks),
        issues=_with_issues(report.issues, found.issues),
    )


def accuracy_request(subject: Subject) -> AccuracyRequest | None:
    """What its accuracy against float is measured on: ``test``, else the recordings, of which it
    then says in which layers error enters."""
    data = subject.test
    if data is None and subject.model is not None and not subject.model.endswith(".tflite"):
        data = subject.audio if subject.labels is not None else None
    if data is None or subject.model is None:
        return None
    return AccuracyRequest(
        subject.model,
        data,
        subject.calib,
        clip_seconds(subject),
        subject.max_seconds,
        subject.state,
        subject.features,
    )


def accuracy(request: AccuracyRequest) -> Accuracy:
    """The int8 form that a build makes of a model, against its float form."""
    model = load(
        request.model,
        request.seconds,
        request.max_seconds,
        states=request.states,
        features=request.features,
    )
    model = model.quantize(request.calib)
    return measure_accuracy(model.int8, request.data)


def with_accuracy(report: Report, subject: Subject, found: Accuracy) -> Report:
    """The report with what was found: its figures where ``test`` gave them, the layers' always.

    Where `test` and the labelled recordings both give a figure, `test` has it.
    """
    rows = report.measurements
    if subject.test is not None:
        known = {m.name for m in found.measurements}
        rows = (*(m for m in rows if m.name not in known), *found.measurements)
        report = replace(report, issues=_with_issues(report.issues, found.issues))
    return replace(report, measurements=rows, layers=joined(report.layers, found.layers))


def _with_issues(issues: tuple[Issue, ...], more: tuple[Issue, ...]) -> tuple[Issue, ...]:
    return (*issues, *(issue for issue in more if issue not in issues))


def joined(
    layers: tuple[LayerRow, ...], figures: Mapping[str, tuple[Measurement, ...]]
) -> tuple[LayerRow, ...]:
    """The layers with further figures, by name."""
    return tuple(
        replace(row, measurements=(*row.measurements, *figures.get(row.name, ()))) for row in layers
    )


def merged(report: Report, others: Sequence[Report]) -> Report:
    """The report with the figures of others of the same model; its own come first."""
    for other in others:
        if other.model_sha256 != report.model_sha256:
            raise InputError(
                f"--report: {other.model_name} ({other.model_sha256[:12]}) is another model than "
                f"{report.model_name} ({report.model_sha256[:12]}).",
                hint="Give the report of the same model.",
            )
        by_name = {row.name: row.measurements for row in other.layers}
        report = replace(
            report,
            measurements=(*report.measurements, *other.measurements),
            checks=(*report.checks, *other.checks),
            layers=joined(report.layers, by_name) or other.layers,
        )
    return report


def identity(subject: Subject, report: Report) -> dict[str, str]:
    """What was judged, with the hashes of the data that it was made and measured with."""
    found = identity_of(report, __version__, SCHEMA_VERSION)
    if subject.mode == "firmware":
        return {**found, "firmware": found["model"], "options": _options(subject)}
    return {**found, **data_identity(subject), "options": _options(subject)}


def data_identity(subject: Subject) -> dict[str, str]:
    """Hashes of calibration, test and label data; "none" where there are none."""
    zoo = zoo_model(subject.model) if subject.model is not None else None
    found = dict.fromkeys(("calibration", "test", "labels"), "none")
    if subject.calib is not None:
        found["calibration"] = content_hash(subject.calib)
    elif zoo is not None:
        found["calibration"] = content_hash(zoo.ranges)[:DIGITS]
    if subject.test is not None:
        found["test"] = content_hash(subject.test)
    if subject.labels is not None and subject.audio is not None:
        found["labels"] = content_hash(subject.labels, *_recordings(subject.audio))
    return found


def _recordings(folder: Path) -> list[Path]:
    """The audio of a folder, which may hold all kinds of things besides."""
    from toolkit.model.inputs import AUDIO_SUFFIXES

    files = (p for p in folder.rglob("*") if p.suffix.lower() in AUDIO_SUFFIXES)
    return sorted(p for p in files if p.is_file())


def _options(subject: Subject) -> str:
    """Options that are not as by default, and the clip that it ran on."""
    words = [
        f"{key}={getattr(subject, key)}"
        for key, default in _DEFAULTS.items()
        if key not in _OWN and getattr(subject, key) != default
    ]
    if subject.features is not None:
        path = Path(subject.features)
        words.append(f"features={content_hash(path) if path.exists() else subject.features}")
    if subject.clip is not None:
        words.append(f"clip={content_hash(subject.clip)}")
    return ", ".join(words) or "default"
