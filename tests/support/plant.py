"""Plants a bug or a waste into every firmware project that is built."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest

from toolkit import pipeline
from toolkit.emit import FirmwareProject


def plant(monkeypatch: pytest.MonkeyPatch, edit: Callable[[dict[str, bytes]], None]) -> None:
    """Let ``edit`` change the files of every project that is built."""
    from toolkit import verification

    emit = pipeline.emit_project

    def edited(*arguments: Any) -> FirmwareProject:
        project = emit(*arguments)
        files = dict(project.files)
        edit(files)
        assert files != project.files, "the bug was not planted"
        return project.with_files(files)

    monkeypatch.setattr(pipeline, "emit_project", edited)
    monkeypatch.setattr(verification, "emit_project", edited)


def wrong_features(files: dict[str, bytes]) -> None:
    """The first mel weight that begins with 0.0 is a tenth higher."""
    weights = rb"(mel_weights\[\w+\] = \{\s*0\.)0"
    files["features.c"] = re.sub(weights, rb"\g<1>1", files["features.c"])
