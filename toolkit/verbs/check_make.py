"""Makes the reports of many budgets: each once, several at a time, or from a cache by identity."""

from __future__ import annotations

import hashlib
import importlib.metadata
import multiprocessing
import time
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import TypeAlias

from toolkit.budget.identity import content_hash
from toolkit.budget.model import Problem, Subject
from toolkit.compare.accuracy import Accuracy
from toolkit.errors import ToolkitError
from toolkit.report import Report
from toolkit.report.json_format import report_json
from toolkit.report.read import read_report
from toolkit.report.render import write_text
from toolkit.resources import data_dir
from toolkit.verbs.check_subject import (
    AccuracyRequest,
    accuracy,
    accuracy_request,
    data_identity,
    make_report,
    with_accuracy,
)
from toolkit.verbs.stages import Stage, Tell

_PACKAGE = Path(__file__).resolve().parents[1]


#: What gives a report, or figures of one.
Task: TypeAlias = Subject | AccuracyRequest


@dataclass(frozen=True)
class Made:
    """A report, or the problem that there was in its place, and the seconds that it took."""

    report: Report | None
    problem: Problem | None = None
    seconds: float | None = None


@dataclass(frozen=True)
class Workshop:
    """How reports are made: ``jobs`` at a time, kept in the folder ``kept`` where it is given."""

    jobs: int = 1
    kept: Path | None = None


def make_all(
    subjects: Iterable[Subject], workshop: Workshop, stage: Stage
) -> Mapping[Subject, Made]:
    """What each subject became; what fails becomes a problem and stops no other."""
    wanted = tuple(dict.fromkeys(subjects))
    keys = {s: _key(s) for s in wanted} if workshop.kept is not None else {}
    made = {s: Made(report) for s in wanted if (report := _kept(workshop, keys.get(s)))}
    missing = [s for s in wanted if s not in made]
    data = dict.fromkeys(r for s in missing if (r := accuracy_request(s)) is not None)
    tasks: list[Task] = [*data, *missing]
    done = dict(zip(tasks, _work(tasks, workshop.jobs, stage), strict=True))
    for subject in missing:
        request = accuracy_request(subject)
        made[subject] = _complete(subject, done[subject], done.get(request) if request else None)
        report = made[subject].report
        if report is not None and report.passed and workshop.kept is not None:
            write_text(workshop.kept / f"{keys[subject]}.json", report_json(report))
    return made


@dataclass(frozen=True)
class _Done:
    """What a task gave."""

    found: Report | Accuracy | None
    problem: Problem | None
    seconds: float


_ENDED = _Done(None, Problem("its process was ended; is there memory enough?", 4), 0.0)


def _work(tasks: Sequence[Task], jobs: int, stage: Stage) -> list[_Done]:
    if jobs == 1 or len(tasks) < 2:
        alone = []
        for task in tasks:
            with stage(_title(task)):
                alone.append(_do(task))
        return alone
    with stage(f"{len(tasks)} builds and measurements, {jobs} at a time") as tell:
        found = _apart(tasks, jobs, tell)
        # One whose process ended took those beside it along: each again, by itself.
        return [
            done or _apart([task], 1)[0] or _ENDED for task, done in zip(tasks, found, strict=True)
        ]


def _apart(tasks: Sequence[Task], jobs: int, tell: Tell = lambda _: None) -> list[_Done | None]:
    """What tasks give in processes of their own; None for one whose process ended."""
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(min(jobs, len(tasks)), context) as pool:
        futures = [pool.submit(_do, task) for task in tasks]
        for done, _ in enumerate(as_completed(futures), 1):
            tell(done / len(tasks))
        return [None if future.exception() else future.result() for future in futures]


def _do(task: Task) -> _Done:
    start = time.perf_counter()
    found: Report | Accuracy | None = None
    problem = None
    try:
        found = make_report(task) if isinstance(task, Subject) else accuracy(task)
    except ToolkitError as error:
        problem = Problem(str(error), error.exit_code)
    except Exception as error:  # a defect of ours in one build hides no other verdict
        problem = Problem(f"internal error: {type(error).__name__}: {error}", 4)
    return _Done(found, problem, time.perf_counter() - start)


def _complete(subject: Subject, build: _Done, measured: _Done | None) -> Made:
    seconds = build.seconds + (0 if measured is None else measured.seconds)
    problem = build.problem or (measured.problem if measured is not None else None)
    if problem is not None:
        return Made(None, problem, seconds)
    report = build.found
    assert isinstance(report, Report)
    if measured is not None:
        assert isinstance(measured.found, Accuracy)
        report = with_accuracy(report, subject, measured.found)
    return Made(report, None, seconds)


def _title(task: Task) -> str:
    if isinstance(task, AccuracyRequest):
        return f"Measure the accuracy of {Path(task.model).stem}"
    what = task.elf or task.map or Path(task.model or "")
    verb = "Read" if task.mode == "firmware" else task.mode.title()
    return f"{verb} {what.stem} for {task.target}"


# --- what was made before -------------------------------------------------------------------------


def _kept(workshop: Workshop, key: str | None) -> Report | None:
    if workshop.kept is None or key is None:
        return None
    path = workshop.kept / f"{key}.json"
    try:
        return read_report(path) if path.is_file() else None
    except ToolkitError:
        return None  # damaged: made anew


def _key(subject: Subject) -> str:
    """The hash of everything that a report is made of: model and data by content, the toolkit with
    its templates, kernels and tools, the options."""
    files = (subject.model, subject.elf, subject.map, subject.clip, subject.features)
    content = [_content(Path(p)) for p in files if p]
    options = replace(
        subject, calib=None, test=None, labels=None, audio=None, clip=None, elf=None, map=None
    )
    options = replace(options, features=None)
    name = subject.model and Path(subject.model).stem
    data = sorted(data_identity(subject).items())
    words = (content, data, replace(options, model=name), _toolkit())
    return hashlib.sha256(repr(words).encode()).hexdigest()[:32]


def _content(path: Path) -> str:
    return content_hash(path) if path.exists() else str(path)


@cache
def _toolkit() -> tuple[str, ...]:
    """The toolkit and what it works with."""
    packages = ("numpy", "onnx", "onnxruntime", "tflite-micro", "unicorn", "ziglang", "capstone")
    return (
        content_hash(*sorted(_PACKAGE.rglob("*.py"))),
        content_hash(data_dir("firmware_templates")),
        content_hash(*sorted(p for p in data_dir("models").rglob("*") if p.is_file())),
        _gcc(),
        *(f"{name} {_version(name)}" for name in packages),
    )


def _gcc() -> str:
    from toolkit.toolchain import find_toolchain

    try:
        return find_toolchain("gcc").version
    except ToolkitError:
        return "none"


def _version(package: str) -> str:
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return "none"
