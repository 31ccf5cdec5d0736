"""``toolkit teach``: recordings and a teacher to labels that `toolkit train` takes."""

from __future__ import annotations

import csv
import io
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from toolkit.errors import InputError, ToolMissingError
from toolkit.measurement import Issue, Measurement, Provenance
from toolkit.model.inputs import audio_files
from toolkit.report import Report
from toolkit.verbs.convert import write_atomically
from toolkit.verbs.export import require_training
from toolkit.verbs.stages import Stage

if TYPE_CHECKING:
    from toolkit.training.teach import Job, Progress
    from toolkit.training.teachers.base import Teacher

STAGES = 3


@dataclass(frozen=True)
class TeachRequest:
    """What the user asked for: folders and files of ``audio``, the ``teachers`` (several are one,
    averaged), where labels go, this process' share, and how many clips are heard at once."""

    audio: tuple[Path, ...]
    teachers: tuple[str, ...]
    output: Path
    shard: tuple[int, int]
    batch: int
    embeddings: bool


def teach(request: TeachRequest, stage: Stage, tell: Callable[[str], None]) -> Report:
    """Rate this process' share, and write the labels when no share is left; ``tell`` hears a line
    after every part.

    Raises InputError for what cannot be used, ToolMissingError without the extra.
    """
    require_training()
    if find_spec("pyarrow") is None:
        raise ToolMissingError(
            "labels are parquet files, which need the extra `teach` (pyarrow is missing).",
            "pip install 'hearing-aid-toolkit[teach]' -c constraints.txt",
        )
    from toolkit.training.teach import Job
    from toolkit.training.teach import teach as rate
    from toolkit.training.teachers import open_teacher

    if request.output.suffix != ".parquet":
        raise InputError(f"{request.output}: labels are a .parquet file.", "Name one.")
    number, of = request.shard
    with stage("List the recordings"):
        files = listed(request.audio, request.output.parent)
        parts = request.output.with_name(request.output.name + ".parts")
        job = Job(files, parts, number, of, request.batch, request.embeddings)
    with stage("Open the teacher"):
        teacher = open_teacher(request.teachers)
    with stage("Rate") as part:

        def heard(progress: Progress) -> None:
            part(progress.done / max(progress.total, 1))
            tell(progress_line(progress))

        progress = rate(teacher, job, heard)
    return _report(request, job, teacher, progress)


def progress_line(progress: Progress) -> str:
    """How far a run is, how fast it goes and how long it will take, for people."""
    speed = progress.audio_seconds / max(progress.seconds, 1e-9)
    return (
        f"{progress.done}/{progress.total} files, {progress.files_per_second:.1f} a second, "
        f"{speed:.0f} times real time, {_time(progress.seconds_left)} left"
    )


def _time(seconds: float) -> str:
    hours, rest = divmod(round(seconds), 3600)
    minutes, rest = divmod(rest, 60)
    return (
        f"{hours} h {minutes} min"
        if hours
        else f"{minutes} min {rest} s"
        if minutes
        else f"{rest} s"
    )


def listed(audio: tuple[Path, ...], folder: Path) -> dict[str, Path]:
    """Every recording once, in order, by its path from ``folder``; InputError where none is."""
    found: dict[str, Path] = {}
    for place in audio:
        if not place.exists():
            raise InputError(f"{place}: is not there.", "Give folders or files of audio.")
        for path in audio_files(place) if place.is_dir() else [place]:
            found[Path(os.path.relpath(path, folder)).as_posix()] = path
    return dict(sorted(found.items()))


def _report(request: TeachRequest, job: Job, teacher: Teacher, progress: Progress) -> Report:
    from toolkit.training.teach import merged, missing, write_labels

    issues = []
    if left := missing(job, teacher):
        words = f"{left} of {len(job.files)} recordings are left to other shards: no labels yet"
        issues.append(Issue("teach.left", words))
    else:
        labels = merged(job, teacher)
        write_labels(labels, request.output)
        skipped = request.output.with_suffix(".skipped.csv")
        if labels.skipped:
            write_atomically(skipped, _csv(labels.skipped))
            words = f"{len(labels.skipped)} of {len(job.files)} recordings cannot be read: see "
            issues.append(Issue("teach.skipped", words + skipped.name))
    return Report(
        model_name=teacher.name,
        model_sha256=teacher.sha256,
        target="",
        toolchain="",
        simulator="",
        schedule="",
        measurements=_measurements(progress),
        checks=(),
        issues=tuple(issues),
    )


def _measurements(progress: Progress) -> tuple[Measurement, ...]:
    rows = [Measurement("rated_files", progress.here, "", Provenance.MEASURED, "this run")]
    if progress.here:
        basis = f"{progress.here} files, {progress.audio_seconds:.0f} s of sound, wall clock"
        speed = progress.audio_seconds / max(progress.seconds, 1e-9)
        for name, value, unit in (
            ("files_per_second", progress.files_per_second, "1/s"),
            ("audio_seconds_per_second", speed, "x"),
        ):
            rows.append(Measurement(name, round(value, 2), unit, Provenance.MEASURED, basis))
    return tuple(rows)


def _csv(skipped: Mapping[str, str]) -> bytes:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["path", "reason"])
    writer.writerows(skipped.items())
    return text.getvalue().encode()
