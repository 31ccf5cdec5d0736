"""Manifests: one line a recording, in CSV or parquet; speakers belong to one split each."""

from __future__ import annotations

import csv
import hashlib
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from toolkit.errors import InputError, ToolMissingError
from toolkit.training.config import COLUMNS, LABELS, SPLITS, Corpus
from toolkit.training.targets import Target, pad_target, rated_target

Row = dict[str, str]
#: The column of a parquet in which `toolkit teach` leaves the teacher's embedding.
EMBEDDING = "embedding"


@dataclass(frozen=True, eq=False)
class Recording:
    """A recording: its file, who speaks, which split, target [3] = A, D, V in 0..1, class (or ""),
    the weight of its losses, and what a teacher's last layer saw [width], where one left that."""

    path: Path
    corpus: str
    speaker: str
    split: str
    target: Target
    emotion: str
    weight: float
    embedding: NDArray[np.float32] | None = None


def load_manifest(corpus: Corpus) -> list[Recording]:
    """The recordings of a corpus that are in a split, in the manifest's order.

    Raises InputError for a file, column or value that cannot be used, a recording that is not
    there, or a speaker in two splits; ToolMissingError for parquet without pyarrow.
    """
    rows, embeddings = _rows(corpus.manifest)
    names = _columns(corpus, rows[0])
    folder = corpus.manifest.parent / corpus.audio
    found = []
    for line, row in enumerate(rows, 2):
        try:
            recording = _recording(corpus, row, names, folder)
        except ValueError as error:
            raise InputError(
                f"{corpus.manifest}: line {line}: {error}.",
                hint="docs/TRAINING.md shows a manifest.",
            ) from None
        if recording is not None:
            embedding = embeddings[line - 2] if embeddings else None
            found.append(replace(recording, embedding=embedding))
    absent = [r.path for r in found if not r.path.is_file()]
    if absent:
        raise InputError(
            f"{corpus.manifest}: {len(absent)} of {len(found)} recordings are not there; the first "
            f"is '{absent[0]}'.",
            "'audio' of the [[corpus]] is their folder, from the manifest's.",
        )
    _require_disjoint(corpus, found)
    return found


def digest(recordings: Sequence[Recording]) -> str:
    """SHA-256 over the bytes of all recordings, in their order."""
    total = hashlib.sha256()
    for recording in recordings:
        total.update(hashlib.sha256(recording.path.read_bytes()).digest())
    return total.hexdigest()


def _recording(corpus: Corpus, row: Row, names: dict[str, str], folder: Path) -> Recording | None:
    speaker = row[names["speaker"]].strip()
    if corpus.split:
        splits = [split for split, speakers in corpus.split.items() if speaker in speakers]
        split = splits[0] if splits else ""
    else:
        split = row[names["split"]].strip()
        if split not in (*SPLITS, ""):
            raise ValueError(f"split must be {', '.join(SPLITS)} or empty; found {split!r}")
    if not split:
        return None
    emotion = row[names["class"]].strip() if "class" in names else ""
    if emotion and not (emotion := corpus.classes.get(emotion, emotion)):
        return None
    if corpus.targets == "norms":
        target = pad_target(emotion)
    else:
        target = rated_target({name: row[names[name]] for name in LABELS}, corpus.scale)
    weight = float(row[names["weight"]]) if "weight" in names else 1.0
    if not 0 <= weight < float("inf"):
        raise ValueError(f"weight must be finite and not negative; found {weight}")
    path = folder / row[names["path"]]
    return Recording(path, corpus.name, speaker, split, target, emotion, weight * corpus.weight)


def _columns(corpus: Corpus, row: Row) -> dict[str, str]:
    """What the columns are called that are needed, or there."""
    needed = {"path", "speaker"}
    needed |= set() if corpus.split else {"split"}
    needed |= {"class"} if corpus.targets == "norms" else set(LABELS)
    names = {}
    for role, candidates in COLUMNS.items():
        wanted = (corpus.columns[role],) if role in corpus.columns else candidates
        column = next((name for name in wanted if name in row), None)
        if column is not None:
            names[role] = column
        elif role in needed or role in corpus.columns:
            raise InputError(
                f"{corpus.manifest}: must have a column {' or '.join(map(repr, wanted))} for the "
                f"{role}; found {', '.join(map(repr, row))}.",
                "'columns' of the [[corpus]] gives other names; 'split' lists speakers.",
            )
    return names


def _require_disjoint(corpus: Corpus, recordings: Sequence[Recording]) -> None:
    splits = defaultdict(set)
    for split, speakers in corpus.split.items():
        for speaker in speakers:
            splits[speaker].add(split)
    for recording in recordings:
        splits[recording.speaker].add(recording.split)
    for speaker, members in sorted(splits.items()):
        if len(members) > 1:
            raise InputError(
                f"{corpus.manifest}: speaker '{speaker}' is in {' and '.join(sorted(members))}; a "
                "speaker belongs to one split.",
                "Figures on a voice that was trained on say nothing.",
            )
    if absent := sorted(set(splits) - {r.speaker for r in recordings}):
        raise InputError(
            f"{corpus.manifest}: 'split' names speaker '{absent[0]}', who is not there.",
            hint="Correct the name of the speaker.",
        )


Embeddings = list[NDArray[np.float32]] | None


def _rows(path: Path) -> tuple[list[Row], Embeddings]:
    """Its lines as text, and the embedding of each where there are any."""
    read = _parquet if path.suffix.lower() == ".parquet" else _csv
    try:
        rows, embeddings = read(path)
    except OSError as error:
        raise InputError(
            f"{path}: cannot be read: {error.strerror or error}.", "'manifest' of the [[corpus]]."
        ) from None
    except (ValueError, csv.Error) as error:
        raise InputError(
            f"{path}: is no manifest: {str(error).splitlines()[0]}.",
            hint="docs/TRAINING.md shows one.",
        ) from None
    if not rows:
        raise InputError(f"{path}: holds no recordings.", hint="Add a line for each recording.")
    return rows, embeddings


def _csv(path: Path) -> tuple[list[Row], Embeddings]:
    with path.open(newline="", encoding="utf-8-sig") as file:
        rows = csv.DictReader(file, restval="")
        return [{k: v for k, v in row.items() if k} for row in rows], None


def _parquet(path: Path) -> tuple[list[Row], Embeddings]:
    try:
        from pyarrow import ArrowInvalid
        from pyarrow.parquet import read_table
    except ModuleNotFoundError:
        raise ToolMissingError(
            f"{path}: parquet needs the package pyarrow.", "pip install pyarrow, or give a CSV."
        ) from None
    try:
        table = read_table(path)
    except ArrowInvalid as error:
        raise ValueError(error) from None
    embeddings = None
    if EMBEDDING in table.column_names:
        embeddings = [np.asarray(x, np.float32) for x in table[EMBEDDING].to_numpy()]
        table = table.drop_columns([EMBEDDING])
    rows = table.to_pylist()
    return [{k: "" if v is None else str(v) for k, v in row.items()} for row in rows], embeddings
