"""A teacher's labels of many recordings: in parts that appear whole, so that nothing is done twice.

Each part holds a few dozen recordings.  What is in a part is done, whoever did it: a run that was
killed, another shard, another machine whose parts were copied here.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow
from pyarrow import parquet

from toolkit.errors import AudioError, InputError
from toolkit.features.audio import load_clip
from toolkit.training.checkpoint import write_whole
from toolkit.training.config import LABELS
from toolkit.training.manifest import EMBEDDING
from toolkit.training.teachers.base import SAMPLE_RATE_HZ, Samples, Teacher, rate_whole

#: Recordings of a part: what a killed run does again.
PART = 64
TEACHER_KEY, SHA256_KEY = b"toolkit.teacher", b"toolkit.teacher_sha256"
_BASE = (("path", pyarrow.string()), ("error", pyarrow.string()), ("seconds", pyarrow.float64()))


@dataclass(frozen=True)
class Job:
    """What is to be rated: ``files`` by the path that the labels give them, all of them, also in
    other shards; ``parts`` is the folder of what is done.

    This process takes every ``of``-th of the files from number ``shard`` on, ``batch`` at once.
    """

    files: dict[str, Path]
    parts: Path
    shard: int = 0
    of: int = 1
    batch: int = 8
    embeddings: bool = False


@dataclass(frozen=True)
class Progress:
    """Of this process' share: recordings done and to do in all, those done in this run, their
    seconds of sound, and the seconds this took."""

    done: int
    total: int
    here: int
    audio_seconds: float
    seconds: float

    @property
    def files_per_second(self) -> float:
        return self.here / max(self.seconds, 1e-9)

    @property
    def seconds_left(self) -> float:
        """At the pace so far."""
        return (self.total - self.done) * self.seconds / max(self.here, 1)


@dataclass(frozen=True)
class Labels:
    """All that was rated, in the order of the files, and why some were not."""

    table: pyarrow.Table
    skipped: dict[str, str]


def teach(teacher: Teacher, job: Job, tell: Callable[[Progress], None]) -> Progress:
    """Rate what of this shard is in no part yet; ``tell`` hears of every part.

    A recording that cannot be read is noted and never tried again.  InputError where the parts are
    of another teacher.
    """
    job.parts.mkdir(parents=True, exist_ok=True)
    schema, done = _schema(teacher, job.embeddings), _done(job, teacher)
    mine = list(job.files)[job.shard :: job.of]
    todo = [name for name in mine if name not in done]
    started = time.perf_counter()
    progress = Progress(len(mine) - len(todo), len(mine), 0, 0.0, 0.0)
    for first in range(0, len(todo), PART):
        names = todo[first : first + PART]
        rows = list(_rated(teacher, job, names))
        _write_part(job.parts, names, pyarrow.Table.from_pylist(rows, schema))
        heard = progress.audio_seconds + sum(row["seconds"] for row in rows)
        here, passed = first + len(names), time.perf_counter() - started
        progress = Progress(len(mine) - len(todo) + here, len(mine), here, heard, passed)
        tell(progress)
    return progress


def missing(job: Job, teacher: Teacher) -> int:
    """How many of all files are in no part yet, of any shard."""
    return len(job.files.keys() - _done(job, teacher))


def merged(job: Job, teacher: Teacher) -> Labels:
    """The labels of all parts, each file once, in the order of the files."""
    schema = _schema(teacher, job.embeddings)
    parts = [parquet.read_table(path) for path in _parts(job.parts, schema)]
    table = pyarrow.concat_tables(parts or [schema.empty_table()])
    place = {path: row for row, path in enumerate(table["path"].to_pylist())}
    table = table.take([place[path] for path in job.files if path in place])
    errors = dict(zip(table["path"].to_pylist(), table["error"].to_pylist(), strict=True))
    heard = table.filter([not why for why in errors.values()]).drop_columns(["error"])
    blank = pyarrow.array([""] * len(heard)), pyarrow.array(["train"] * len(heard))
    heard = heard.append_column("speaker", blank[0]).append_column("split", blank[1])
    return Labels(heard, {path: why for path, why in errors.items() if why})


def write_labels(labels: Labels, path: Path) -> None:
    """Write the labels, whole or not at all."""
    sink = pyarrow.BufferOutputStream()
    parquet.write_table(labels.table, sink)
    write_whole(path, sink.getvalue().to_pybytes())


def _rated(teacher: Teacher, job: Job, names: Sequence[str]) -> Iterator[dict[str, Any]]:
    """A row a recording, also of those that cannot be read; clips of like length share a batch."""
    clips: dict[str, Samples] = {}
    for name in names:
        try:
            clips[name] = load_clip(job.files[name], SAMPLE_RATE_HZ).samples
        except (AudioError, OSError) as error:
            yield {"path": name, "error": str(error) or type(error).__name__, "seconds": 0.0}
    by_length = sorted(clips, key=lambda name: len(clips[name]))
    for first in range(0, len(by_length), job.batch):
        batch = by_length[first : first + job.batch]
        rated = rate_whole(teacher, [clips[name] for name in batch])
        for name, outputs, embedding in zip(batch, rated.outputs, rated.embeddings, strict=True):
            row = {"path": name, "error": "", "seconds": len(clips[name]) / SAMPLE_RATE_HZ}
            row |= dict(zip(LABELS, map(float, outputs), strict=True))
            if job.embeddings:
                row[EMBEDDING] = embedding.astype(np.float16)
            yield row


def _schema(teacher: Teacher, embeddings: bool) -> pyarrow.Schema:
    fields = [*_BASE, *((label, pyarrow.float32()) for label in LABELS)]
    if embeddings:
        fields.append((EMBEDDING, pyarrow.list_(pyarrow.float16())))
    about = {TEACHER_KEY: teacher.name.encode(), SHA256_KEY: teacher.sha256.encode()}
    return pyarrow.schema(fields, metadata=about)


def _write_part(folder: Path, names: Sequence[str], table: pyarrow.Table) -> None:
    """A part is named after what is in it: two that do the same work write the same file."""
    sink = pyarrow.BufferOutputStream()
    parquet.write_table(table, sink)
    digest = hashlib.sha256("\n".join(names).encode()).hexdigest()[:24]
    write_whole(folder / f"{digest}.parquet", sink.getvalue().to_pybytes())


def _done(job: Job, teacher: Teacher) -> set[str]:
    """The files that are in a part."""
    parts = _parts(job.parts, _schema(teacher, job.embeddings))
    return {
        name
        for path in parts
        for name in parquet.read_table(path, columns=["path"])["path"].to_pylist()
    }


def _parts(folder: Path, schema: pyarrow.Schema) -> list[Path]:
    """The parts that are there; InputError for those of another teacher, or of other columns."""
    paths = sorted(folder.glob("*.parquet"))
    for path in paths:
        found = parquet.read_schema(path)
        if (found.metadata or {}).get(SHA256_KEY) != schema.metadata[SHA256_KEY]:
            raise InputError(
                f"{folder}: holds labels of another teacher.", "Give another --output."
            )
        if found.names != schema.names:
            raise InputError(
                f"{folder}: holds labels with other columns.",
                "Give --embeddings as before, or another --output.",
            )
    return paths
