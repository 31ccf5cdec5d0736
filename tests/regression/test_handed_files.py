"""Hostile files of others ($TOOLKIT_CASES): read or refused, in bounded time and memory."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from tests.support.outside import CASES, files
from tests.support.strange_files import bounded, heard, profiled
from toolkit.budget.load import load_budgets
from toolkit.errors import InputError
from toolkit.model.inputs import load_array
from toolkit.model.labels import load_labels
from toolkit.model.source import demo_clip
from toolkit.report.read import read_report


def labelled(path: Path) -> None:
    load_labels(path, path.parent, ("arousal", "dominance", "valence"))


#: What reads a file, by its suffix.
READERS: Mapping[str, Callable[[Path], Any]] = {
    ".onnx": profiled,
    ".tflite": profiled,
    ".npz": load_array,
    ".npy": load_array,
    ".flac": heard,
    ".toml": load_budgets,
    ".json": read_report,
    ".csv": labelled,
}
#: Files that are large or odd, and nevertheless what they should be.
SOUND = {"o_deep_relu_2000.onnx", "rb.toml"}


@pytest.mark.parametrize("path", files(CASES, "hostile/**/*.*"), ids=lambda path: path.name)
def test_hostile_files_are_refused_in_one_line(path: Path, tmp_path: Path) -> None:
    copy = Path(shutil.copy(path, tmp_path))
    shutil.copy(demo_clip(), tmp_path / "a.wav")
    if path.name in SOUND:
        with bounded():
            READERS[path.suffix](copy)
        return
    with pytest.raises(InputError) as caught, bounded():
        READERS[path.suffix](copy)
    assert caught.value.hint or "must" in caught.value.message
    assert len(str(caught.value)) < 1_000
