"""Labelled recordings: a CSV of what was said of each audio file (docs/EVALUATION.md)."""

from __future__ import annotations

import csv
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from toolkit.errors import InputError, reading
from toolkit.ir.tensor import Array

FILE_COLUMN = "file"
CLASS_COLUMN = "label"
CORPUS_COLUMN = "corpus"
#: Of columns; the first one that the head has most of.
_DELIMITERS = (",", ";", "\t")

#: Digits of a class number, and more.
_LONGEST_NUMBER = 10
#: Characters of a value that a message shows.
_SHOWN = 60

Row = dict[str, str]


@dataclass(frozen=True, eq=False)
class Labels:
    """Paths of the recordings, and ``values``: real numbers [files, outputs] of a regression, or
    class numbers [files] where ``is_classes``; ``columns`` are the other columns of the file, a
    text for each recording."""

    files: tuple[Path, ...]
    values: Array
    is_classes: bool
    columns: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


def load_labels(
    path: Path,
    folder: Path,
    outputs: Sequence[str],
    limits: tuple[float, float] | None = None,
) -> Labels:
    """Read a label file for a model whose output values are called ``outputs``.

    A column for each output makes it a regression, a column ``label`` (class name or number) a
    classification.  ``limits`` are the ends of the labels' own scale, which become 0 and 1.
    Raises InputError for a file, column or value that cannot be used.
    """
    with reading(path, "a label file", "Save it as comma-separated UTF-8."):
        return _labels(path, folder, outputs, limits)


def _labels(
    path: Path, folder: Path, outputs: Sequence[str], limits: tuple[float, float] | None
) -> Labels:
    columns, rows = _read(path)
    if FILE_COLUMN not in columns:
        raise InputError(
            f"{path}: must have a column '{FILE_COLUMN}'; found {_listed(columns)}.",
            hint="The first line names the columns.",
        )
    if not rows:
        raise InputError(f"{path}: holds no recordings.", hint="Add a line for each recording.")
    files = tuple(folder / row[FILE_COLUMN] for row in rows)
    absent = [file for file in files if not file.is_file()]
    if absent:
        raise InputError(
            f"{path}: {len(absent)} of {len(files)} recordings are not in {folder}; the first is "
            f"'{absent[0].name}'.",
            hint="Give their folder with --audio.",
        )
    known = {FILE_COLUMN, CLASS_COLUMN, *outputs}
    others = {name: tuple(row[name] for row in rows) for name in columns if name not in known}
    if set(outputs) <= set(columns):
        values = np.array([[_number(path, row, name, at) for name in outputs]
                           for at, row in enumerate(rows, 2)])  # fmt: skip
        return Labels(files, _scaled(values, limits), is_classes=False, columns=others)
    if CLASS_COLUMN in columns and len(outputs) > 1:
        if limits is not None:
            raise InputError(
                "--label-range: is for labels that are numbers; these are classes.",
                hint="Leave --label-range out.",
            )
        classes = [_class(path, row, outputs, at) for at, row in enumerate(rows, 2)]
        return Labels(files, np.array(classes), is_classes=True, columns=others)
    raise InputError(
        f"{path}: must have a column for every output of the model ({_listed(outputs)}), or one "
        f"called '{CLASS_COLUMN}'; found {_listed(columns)}."
    )


def _read(path: Path) -> tuple[tuple[str, ...], list[Row]]:
    """Column names and rows; rows shorter than the header have empty values."""
    with path.open(newline="", encoding="utf-8-sig") as file:
        head = file.readline()
        file.seek(0)
        between = max(_DELIMITERS, key=head.count)
        reader = csv.DictReader(file, restval="", delimiter=between)
        return tuple(reader.fieldnames or ()), list(reader)


def _number(path: Path, row: Row, column: str, line: int) -> float:
    try:
        value = float(row[column].replace(",", "."))  # between semicolons, numbers may have commas
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise InputError(
            f"{path}: line {line}: '{column}' must be a number; found {_quoted(row[column])}."
        )
    return value


def _class(path: Path, row: Row, names: Sequence[str], line: int) -> int:
    text = row[CLASS_COLUMN]
    if text in names:
        return list(names).index(text)
    if text.isdecimal() and len(text) < _LONGEST_NUMBER and int(text) < len(names):
        return int(text)
    raise InputError(
        f"{path}: line {line}: '{CLASS_COLUMN}' must be one of {_listed(names)}, or a number "
        f"below {len(names)}; found {_quoted(text)}."
    )


def _quoted(text: str) -> str:
    """A value of a file, cut to what a message has room for."""
    return repr(text if len(text) <= _SHOWN else f"{text[:_SHOWN]}...")


def _scaled(values: Array, limits: tuple[float, float] | None) -> Array:
    if limits is None:
        return values
    low, high = limits
    if not (math.isfinite(low) and math.isfinite(high) and low < high):
        raise InputError(f"--label-range: must be finite and rising; got {low:g} {high:g}.")
    scaled: Array = (values - low) / (high - low)
    return scaled


def _listed(names: Sequence[str]) -> str:
    shown = ", ".join(f"'{name}'" for name in names[:12])
    return shown + (f" and {len(names) - 12} more" if len(names) > 12 else "") or "none"


def joined(parts: Mapping[str, Labels]) -> Labels:
    """The labels of several corpora, one after the other; column ``corpus`` has their names."""
    every = list(parts.values())
    common = set.intersection(*(set(part.columns) for part in every))
    columns = {name: tuple(text for p in every for text in p.columns[name]) for name in common}
    names = tuple(name for name, part in parts.items() for _ in part.files)
    return Labels(
        tuple(file for part in every for file in part.files),
        np.concatenate([part.values for part in every]),
        every[0].is_classes,
        {CORPUS_COLUMN: names, **columns} if len(parts) > 1 else columns,
    )
