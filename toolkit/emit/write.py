"""Output directories appear whole or not at all."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from toolkit.emit.project import FirmwareProject
from toolkit.errors import InputError

#: Marks a directory as written by the toolkit, so that the next build may replace it.
MARKER = ".toolkit-output"
_MARKER_TEXT = "Written by hearing-aid-toolkit; the next build replaces this directory whole.\n"


@contextmanager
def staged_directory(out_dir: Path) -> Iterator[Path]:
    """An empty directory to fill, which becomes ``out_dir`` when the block ends without an error.

    ``out_dir`` may be absent, empty, or the output of an earlier build, which is then replaced.
    Anything else raises InputError before the block runs; so does a file system that refuses.
    After an error ``out_dir`` is as it was, and nothing is left beside it.
    """
    out = Path(os.path.realpath(out_dir))  # unlike Path.resolve() it takes links in a circle
    made: list[Path] = []
    try:
        _require_replaceable(out)
        made = _make_parents(out)
        with tempfile.TemporaryDirectory(prefix=f".{out.name[:40]}.", dir=out.parent) as temporary:
            staging = Path(temporary) / "new"
            staging.mkdir()
            yield staging
            (staging / MARKER).write_text(_MARKER_TEXT, encoding="utf-8")
            _swap(staging, out, Path(temporary) / "old")
        made = []
    except OSError as error:
        raise InputError(
            f"cannot write the output directory '{out_dir}': {error.strerror or error}.",
            hint="Free some space there, or choose another directory with --out.",
        ) from error
    finally:
        for parent in reversed(made):
            parent.rmdir()


def write_project(project: FirmwareProject, out_dir: Path) -> None:
    """Write every file of ``project`` into ``out_dir``, whole or not at all."""
    with staged_directory(out_dir) as staging:
        write_files(project, staging)


def write_files(project: FirmwareProject, directory: Path) -> None:
    """Write every file of ``project`` below an existing directory."""
    for name, content in project.files.items():
        path = directory / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)


def _require_replaceable(out: Path) -> None:
    if not out.exists():
        return
    hint = "Choose another directory with --out, or remove this one."
    if not out.is_dir():
        raise InputError(f"the output '{out}' exists and is not a directory.", hint)
    if out == Path.cwd() or out in Path.cwd().parents:
        raise InputError(f"the output directory '{out}' holds the current directory.", hint)
    if any(out.iterdir()) and not (out / MARKER).is_file():
        raise InputError(f"the output directory '{out}' holds files of other origin.", hint)


def _make_parents(out: Path) -> list[Path]:
    """Make the missing parents of ``out``; return them, outermost first."""
    missing = [parent for parent in out.parents if not parent.exists()]
    out.parent.mkdir(parents=True, exist_ok=True)
    return missing[::-1]


def _swap(new: Path, out: Path, old: Path) -> None:
    """Put ``new`` in the place of ``out``, which moves to ``old``; undone where that fails."""
    if not out.exists():
        new.rename(out)
        return
    out.rename(old)
    try:
        new.rename(out)
    except OSError:
        old.rename(out)
        raise
